// SPDX-License-Identifier: Apache-2.0

/**
 * What the person at the recording server did, done again through the admin API. Nobody wrote it down; it is
 * seen in what the server answered.
 *
 * @module
 */

import { request as httpRequest } from 'node:http'
import type { AdminNode } from '@signet/protocol/admin-api'
import type { ReplayServer } from './server.ts'
import { array, isObject, showText } from './transcript.ts'
import type { Step, Transcript } from './transcript.ts'

/** Something to be done at a moment of the recording. */
export interface Order {
  readonly at: number
  readonly act: 'expire' | 'delete' | 'ask'
  readonly nodeKey: string
  /** For 'ask': the request to the node's own handlers. */
  readonly question?: string
}

/** What was done to nodes while a scenario was recorded. */
export function ordersOf({ steps }: Transcript): Order[] {
  return [...expiries(steps), ...deletions(steps), ...questions(steps)]
}

/** A key that is shown to its own node as expired, without the node having asked for it. */
function expiries(steps: readonly Step[]): Order[] {
  return steps.flatMap(({ frames, frameTimes }) =>
    frames.flatMap((frame, index): Order[] => {
      const node = isObject(frame['Node']) ? frame['Node'] : {}
      if (node['Expired'] !== true) return []
      return [{ at: frameTimes[index]! - 0.1, act: 'expire', nodeKey: showText(node['Key']) }]
    }),
  )
}

/** A node whose requests are unknown from some moment on; its stream ended a little before. */
function deletions(steps: readonly Step[]): Order[] {
  const gone = steps.find(({ path, status }) => path === '/machine/map' && status === 404)
  if (gone === undefined) return []
  const nodeKey = showText(gone.request['NodeKey'])
  const stream = steps.find(
    ({ path, request, status, end }) =>
      path === '/machine/map' && status === 200 && end !== null && request['NodeKey'] === nodeKey,
  )
  return [{ at: (stream?.end ?? gone.start) - 0.1, act: 'delete', nodeKey }]
}

/** Requests of the server to a node. */
function questions(steps: readonly Step[]): Order[] {
  return steps.flatMap(({ frames, frameTimes, request }) =>
    frames.flatMap((frame, index): Order[] => {
      const ping = isObject(frame['PingRequest']) ? frame['PingRequest'] : {}
      if (ping['Types'] !== 'c2n') return []
      const question = Buffer.from(showText(ping['Payload']), 'base64').toString()
      const nodeKey = showText(request['NodeKey'])
      return [{ at: frameTimes[index] ?? 0, act: 'ask', nodeKey, question }]
    }),
  )
}

/** Carries out an order; a question is asked, and its answer not waited for. */
export async function carryOut({ admin, socket }: ReplayServer, order: Order): Promise<void> {
  const node = await nodeOf(admin, order.nodeKey)
  if (node === undefined) return
  if (order.act === 'ask') {
    const [method = '', path = ''] = (order.question ?? '').split(' ')
    void post(socket, `/api/v1/nodes/${node.id}/c2n`, { method, path }).catch(() => {})
  } else if (order.act === 'expire') await admin.expireNode(showText(node.id))
  else await admin.deleteNode(showText(node.id))
}

/** The recording server granted every route and tag that a node asked for. */
export async function grant({ admin }: ReplayServer, { request }: Step): Promise<void> {
  const host = isObject(request['Hostinfo']) ? request['Hostinfo'] : null
  if (host === null) return
  const node = await nodeOf(admin, showText(request['NodeKey']))
  if (node === undefined) return
  const routes = array(host['RoutableIPs']).map(showText)
  if (!isSameSet(routes, node.approvedRoutes ?? []))
    await admin.approveRoutes(showText(node.id), routes)
  const tags = array(host['RequestTags']).map(showText)
  if (!isSameSet(tags, node.tags ?? [])) await admin.changeNode(showText(node.id), { tags })
}

/** Decides a login that somebody waits for, as it was decided in the recording. */
export async function decide(server: ReplayServer, { response }: Step, url: string): Promise<void> {
  if (!isObject(response)) return
  const verdict = response['Error'] === '' ? 'approve' : 'deny'
  const id = url.split('/').at(-1) ?? ''
  await post(server.socket, `/api/v1/logins/${id}/${verdict}`, {})
}

async function nodeOf(admin: ReplayServer['admin'], key: string): Promise<AdminNode | undefined> {
  return (await admin.nodes()).find(({ nodeKey }) => nodeKey === key)
}

function isSameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item) => b.includes(item))
}

function post(socketPath: string, path: string, body: object): Promise<number> {
  const headers = { 'content-type': 'application/json' }
  return new Promise((resolve, reject) => {
    const sent = httpRequest({ socketPath, method: 'POST', path, headers }, (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode ?? 0))
    })
    sent.on('error', reject)
    sent.end(JSON.stringify(body))
  })
}
