// SPDX-License-Identifier: Apache-2.0

/**
 * Asking nodes, for administrators: a ping from there, or a request to the client's own handlers.
 *
 * @module
 */

import { Hono } from 'hono'
import { z } from 'zod'
import { decodeUtf8, encodeUtf8, toBase64 } from '@signet/codec'
import { parseJson, pingResponse } from '@signet/protocol'
import type { AdminNodeReply, AdminPing } from '@signet/protocol/admin-api'
import { parseHttpReply } from '../machine/http-reply.ts'
import type { Question } from '../machine/node-calls.ts'
import type { TailnetNode } from '../tailnet/node.ts'
import { readInput, tailnetOf } from './input.ts'
import { findNode } from './nodes.ts'
import type { AdminServices } from './services.ts'

const pingInput = z.strictObject({
  type: z.enum(['disco', 'TSMP', 'ICMP', 'peerapi']),
  /** A node, by whatever names it. */
  to: z.string(),
})
const callInput = z.strictObject({
  method: z.enum(['GET', 'POST', 'PUT', 'DELETE']),
  path: z
    .string()
    .max(1_024)
    .regex(/^\/[\x21-\x7e]*$/, 'expected a path that begins with /'),
})

/** Routes under /nodes/REF. */
export function nodeCallRoutes(services: AdminServices): Hono {
  const app = new Hono()
  const ask = (
    tailnet: ReturnType<typeof tailnetOf>,
    node: TailnetNode,
    question: Question,
  ): Promise<Uint8Array> =>
    services.calls.ask({ node, sessions: services.runtime(tailnet).sessions }, question)

  app.post('/:ref/ping', async (c) => {
    const { type, to } = await readInput(c, pingInput)
    const tailnet = tailnetOf(c, services)
    const node = findNode(tailnet, c.req.param('ref'))
    const target = findNode(tailnet, to)
    const answer = await ask(tailnet, node, { Types: type, IP: target.row.ipv4 })
    const { Err, LatencySeconds, Endpoint, DERPRegionCode } = parseJson(pingResponse, answer)
    const ping: AdminPing = {
      error: Err ?? '',
      seconds: LatencySeconds ?? 0,
      via: Endpoint ?? (DERPRegionCode === undefined ? '' : `DERP(${DERPRegionCode})`),
    }
    return c.json(ping)
  })
  app.post('/:ref/c2n', async (c) => {
    const { method, path } = await readInput(c, callInput)
    const tailnet = tailnetOf(c, services)
    const node = findNode(tailnet, c.req.param('ref'))
    const request = `${method} ${path} HTTP/1.1\r\nHost: node\r\nContent-Length: 0\r\n\r\n`
    const reply = parseHttpReply(
      await ask(tailnet, node, { Types: 'c2n', Payload: encodeUtf8(request) }),
    )
    const answer: AdminNodeReply = {
      status: reply.status,
      contentType: reply.contentType,
      ...asText(reply.body),
    }
    return c.json(answer)
  })
  return app
}

/** Text as it is, anything else in base64. */
function asText(body: Uint8Array): Pick<AdminNodeReply, 'body' | 'isBase64'> {
  try {
    return { body: decodeUtf8(body), isBase64: false }
  } catch {
    // Not UTF-8: nothing else makes this throw.
    return { body: toBase64(body), isBase64: true }
  }
}
