// SPDX-License-Identifier: Apache-2.0

/**
 * `POST /verify`: an outside relay asks whether a client may connect, as official ones do with
 * `--verify-client-url`. Anybody can ask, so the answer is yes or no and nothing else, and a question is small.
 *
 * @module
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  derpAdmitClientRequest,
  derpAdmitClientResponse,
  encodeJson,
  parseJson,
  ProtocolError,
} from '@signet/protocol'
import type { Clock } from '../clock.ts'
import type { Admission } from './admission.ts'
import { MAX_VERIFY_BYTES, MAX_VERIFY_QUESTIONS, VERIFY_DEADLINE_MS } from './limits.ts'

/** Answers requests for `/verify`. */
export type Verifier = (request: IncomingMessage, response: ServerResponse) => void

/** Returns what answers by this rule. */
export function createVerifier(admission: Pick<Admission, 'refusal'>, clock: Clock): Verifier {
  let open = 0
  return (request, response) => {
    const answer = (status: number, body: string): void => {
      if (response.headersSent || response.destroyed) return
      const type = status === 200 ? 'application/json' : 'text/plain; charset=utf-8'
      // What is still to come of a question that was refused is not waited for.
      const connection = status === 200 ? {} : { connection: 'close' }
      response.writeHead(status, { 'content-type': type, ...connection })
      response.end(body)
    }
    if (request.method !== 'POST') return answer(405, 'Method not allowed')
    if (open >= MAX_VERIFY_QUESTIONS) return answer(503, 'Too many questions at once')
    open++
    const cancel = clock.schedule(VERIFY_DEADLINE_MS, () => {
      answer(408, 'The question did not arrive in time')
      request.destroy()
    })
    response.once('close', () => {
      open--
      cancel()
    })
    const parts: Uint8Array[] = []
    let length = 0
    request.on('data', (chunk: Uint8Array) => {
      length += chunk.length
      if (length <= MAX_VERIFY_BYTES) parts.push(chunk)
      else answer(413, `The question exceeds ${MAX_VERIFY_BYTES} bytes`)
    })
    request.on('end', () => {
      if (length > MAX_VERIFY_BYTES) return
      const allow = decide(admission, Buffer.concat(parts))
      if (allow === undefined) answer(400, 'Expected {"NodePublic": ..., "Source": ...}')
      else answer(200, encodeJson(derpAdmitClientResponse, { Allow: allow }))
    })
  }
}

function decide(admission: Pick<Admission, 'refusal'>, body: Uint8Array): boolean | undefined {
  try {
    const { NodePublic } = parseJson(derpAdmitClientRequest, body)
    return admission.refusal(NodePublic) === undefined
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}
