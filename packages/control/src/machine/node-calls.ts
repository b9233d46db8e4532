// SPDX-License-Identifier: Apache-2.0

/**
 * Questions of the server to a node, and their answers.
 *
 * The question goes out in the node's map stream and names an address inside the control connection that
 * nobody can guess. Only the machine that was asked may answer there, once, in time, and not at length.
 *
 * @module
 */

import { toBase64Url } from '@signet/codec'
import { encodeJson, pingRequest } from '@signet/protocol'
import type { PingRequest } from '@signet/protocol'
import type { MachinePublic } from '@signet/keys'
import { randomBytes } from 'node:crypto'
import type { Clock } from '../clock.ts'
import { ControlError } from '../errors.ts'
import { MAX_NODE_CALLS, NODE_CALL_MS } from '../limits.ts'
import type { MapSessions } from '../map/sessions.ts'
import type { TailnetNode } from '../tailnet/node.ts'

/** Where answers go. */
export const NODE_CALL_PATH = '/machine/c2n/'

/** What is asked: everything of a question but where the answer goes. */
export type Question = Omit<PingRequest, 'URL' | 'URLIsNoise'>

/** Questions that wait for their answers. */
export interface NodeCalls {
  /**
   * Asks a node and returns what it posts.
   *
   * @throws ControlError 'conflict' when it is not connected, 'timeout', 'limit'
   */
  ask(
    target: { readonly node: TailnetNode; readonly sessions: MapSessions },
    question: Question,
  ): Promise<Uint8Array>
  /** Whether this machine is waited for under this id. */
  isExpected(id: string, machineKey: MachinePublic): boolean
  /** Takes the answer. @throws ControlError 'not-found' */
  answer(id: string, machineKey: MachinePublic, body: Uint8Array): void
}

interface Waiting {
  readonly machineKey: MachinePublic
  readonly resolve: (body: Uint8Array) => void
}

/** Starts with no question. `url` is what nodes dial. */
export function createNodeCalls(clock: Clock, url: () => string): NodeCalls {
  const waiting = new Map<string, Waiting>()
  const find = (id: string, machineKey: MachinePublic): Waiting | undefined => {
    const found = waiting.get(id)
    return found?.machineKey === machineKey ? found : undefined
  }
  return {
    async ask({ node, sessions }, question) {
      if (!node.online) {
        throw new ControlError('conflict', `${node.row.name} is not connected`)
      }
      if (waiting.size >= MAX_NODE_CALLS) {
        throw new ControlError('limit', 'Too many questions wait for their answers')
      }
      // Clients pass over a question whose address they have seen before.
      const id = toBase64Url(randomBytes(24))
      const request = {
        ...question,
        // Clients dial anything but https by themselves; the host of the control server shares its connection.
        URL: `https://${new URL(url()).host}${NODE_CALL_PATH}${id}`,
        URLIsNoise: true,
      }
      const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
      waiting.set(id, { machineKey: node.row.machineKey, resolve })
      const takeBack = sessions.errand(
        node.row.id,
        `{"PingRequest":${encodeJson(pingRequest, request)}}`,
      )
      const cancel = clock.schedule(NODE_CALL_MS, () => {
        reject(new ControlError('timeout', `${node.row.name} did not answer in time`))
      })
      try {
        return await promise
      } finally {
        cancel()
        takeBack()
        waiting.delete(id)
      }
    },
    isExpected: (id, machineKey) => find(id, machineKey) !== undefined,
    answer(id, machineKey, body) {
      const found = find(id, machineKey)
      if (found === undefined) throw noQuestion()
      waiting.delete(id)
      found.resolve(body)
    },
  }
}

/** Nobody asked, or somebody else was asked: not told apart. */
export function noQuestion(): ControlError {
  return new ControlError('not-found', 'Nobody waits for this answer')
}
