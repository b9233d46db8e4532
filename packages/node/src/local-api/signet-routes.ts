// SPDX-License-Identifier: Apache-2.0

/**
 * What only a Signet node answers, under `signet/`: the lock's identity, what is wrong with it, and
 * the gate's table of refused peers.
 *
 * @module
 */

import { parseNodePublic } from '@signet/keys'
import { aumHashText, parseAumHash } from '@signet/tka'
import { NodeError } from '../errors.ts'
import { fingerprintText } from '../lock/fingerprint.ts'
import { refusalText } from '../lock/refusal.ts'
import type { NodeParts } from '../parts.ts'
import { closedBecause, isLockedOut } from './health.ts'
import { emptyReply, jsonReply, type ApiRoute } from './http.ts'
import { addressesOf } from './status.ts'

/** Returns the routes. */
export function signetRoutes(parts: NodeParts): readonly ApiRoute[] {
  const { stateFile, keeper, runner, sync, verdicts } = parts
  const get = (path: string, answer: () => unknown): ApiRoute => ({
    path: `signet/${path}`,
    methods: { GET: () => jsonReply(JSON.stringify(answer())) },
  })
  return [
    get('lock/fingerprint', () => {
      const { wasLocked, pin } = stateFile.get()
      if (wasLocked === null) throw new NodeError('lock-off', 'Tailnet lock is not active')
      return {
        fingerprint: wasLocked.genesis,
        grouped: fingerprintText(parseAumHash(wasLocked.genesis)),
        stateId: wasLocked.stateId,
        pinned: pin !== '',
      }
    }),
    get('lock/health', () => {
      const state = keeper.state()
      return {
        state: state.kind,
        closedBecause: closedBecause(parts),
        lockedOut: isLockedOut(parts),
        head: state.kind === 'on' ? aumHashText(state.authority.head) : '',
        judgedHead: runner.judgedHead(),
        persistedHead: stateFile.get().wasLocked?.head ?? '',
        serverHead: sync.serverHead(),
        warnings: sync.warnings(),
      }
    }),
    get('gate', () => {
      const result = runner.result()
      return {
        admitted: (result?.admitted ?? []).map(({ id, stableId, name, nodeKey }) => ({
          id,
          stableId,
          name,
          nodeKey,
        })),
        refused: (result?.refused ?? []).map(({ node, reason }) => ({
          id: node.ID,
          stableId: node.StableID,
          name: node.Name,
          nodeKey: node.Key,
          addresses: addressesOf(node),
          reason,
          text: refusalText(reason),
        })),
        self: result?.self ?? null,
        verdicts: verdicts.stats(),
      }
    }),
    {
      path: 'signet/lock/heal',
      methods: {
        async POST() {
          await parts.heal()
          return emptyReply()
        },
      },
    },
    {
      path: 'signet/lock/forgive',
      methods: {
        POST({ query }) {
          const nodeKey = parseNodePublic(query.get('node-key') ?? '')
          if (!keeper.forgive(nodeKey)) {
            throw new NodeError('not-found', 'This node key is not remembered as replaced')
          }
          return emptyReply()
        },
      },
    },
  ]
}
