// SPDX-License-Identifier: Apache-2.0

/**
 * What a recording says about itself: when things happened, and who was there before.
 *
 * @module
 */

import { ordersOf } from './operator.ts'
import type { Order } from './operator.ts'
import { framesOf, OWN_KEY } from './server.ts'
import { array, isObject, showText } from './transcript.ts'
import type { JsonObject, Run, Step, Transcript } from './transcript.ts'

/** Something that happened: a request, its answer, or what the operator did. */
export type Event =
  | { readonly at: number; readonly act: 'start' | 'finish'; readonly step: Step }
  | { readonly at: number; readonly act: 'order'; readonly order: Order }

/** Returns everything that happened in a scenario, in its order. */
export function eventsOf(transcript: Transcript): Event[] {
  const events = transcript.steps.flatMap((step): Event[] => [
    { at: step.start, step, act: 'start' },
    ...(step.end === null ? [] : [{ at: step.end, step, act: 'finish' as const }]),
  ])
  const orders = ordersOf(transcript).map((order): Event => ({ at: order.at, act: 'order', order }))
  return [...orders, ...events].sort((a, b) => a.at - b.at)
}

/** Whether a request asks for a stream of maps. */
export function isStream(step: Step): boolean {
  return step.path === '/machine/map' && step.request['Stream'] === true
}

/** Whether a request waits for a person. */
export function isFollowup({ path, request }: Step): boolean {
  return (
    path === '/machine/register' &&
    typeof request['Followup'] === 'string' &&
    request['Followup'] !== ''
  )
}

/** Names a stream: it goes on through several files. */
export function streamName(step: Step): string {
  return `${step.conn} ${showText(step.request['NodeKey'])}`
}

/** Names a call, without what all paths begin with. */
export function nameOf({ path }: Step): string {
  return path.replace(/^\/machine\//, '').replace(/\?.*$/, '')
}

/** Which number the recording server gave to the node with this key. */
export function numbersOf(run: Run): Map<string, string> {
  const numbers = new Map<string, string>()
  for (const frame of framesOf(run)) {
    const nodes = [frame['Node'], ...array(frame['Peers']), ...array(frame['PeersChanged'])]
    for (const node of nodes) {
      if (isObject(node)) numbers.set(showText(node['Key']), showText(node['ID']))
    }
    for (const patch of array(frame['PeersChangedPatch'])) {
      if (isObject(patch) && typeof patch['Key'] === 'string') {
        numbers.set(patch['Key'], showText(patch['NodeID']))
      }
    }
  }
  return numbers
}

/** The first request of each node that had joined before the recording began, in the order of their numbers. */
export function earlierNodes(run: Run, numbers: ReadonlyMap<string, string>): Step[] {
  const seen = new Set<string>()
  const first: Step[] = []
  for (const step of run.transcripts.flatMap(({ steps }) => steps)) {
    const key = step.request['NodeKey']
    if (step.transport === 'plain' || typeof key !== 'string' || seen.has(key)) continue
    seen.add(key)
    if (step.path !== '/machine/register' && run.machines.has(step.machineKey)) first.push(step)
  }
  const number = (step: Step): number => Number(numbers.get(showText(step.request['NodeKey'])) ?? 0)
  return first.sort((a, b) => number(a) - number(b))
}

/** Registers a node of which only its keys are known. */
export function registration(run: Run, { request }: Step): JsonObject {
  const key = showText(request['NodeKey'])
  return {
    Version: 145,
    NodeKey: key,
    NLKey: run.lockKeys.get(key) ?? '',
    Auth: { AuthKey: OWN_KEY },
    Expiry: '0001-01-01T00:00:00Z',
    Hostinfo: request['Hostinfo'] ?? {},
  }
}

/**
 * Node-key signatures that nodes were shown and nobody had sent until then: made while nothing was recorded. By the
 * scenario in which they were seen first.
 */
export function unrecordedSignatures(run: Run): Map<string, string[]> {
  const known = new Set<string>()
  const found = new Map<string, string[]>()
  for (const { scenario, steps } of run.transcripts) {
    for (const { body } of steps) {
      for (const [text] of (body ?? '').matchAll(/[A-Za-z0-9+/=]{100,}/g)) known.add(text)
    }
    const shown = JSON.stringify(steps.flatMap(({ frames }) => frames))
    for (const [, signature = ''] of shown.matchAll(/"KeySignature":"([^"]+)"/g)) {
      if (known.has(signature)) continue
      known.add(signature)
      found.set(scenario, [...(found.get(scenario) ?? []), signature])
    }
  }
  return found
}
