// SPDX-License-Identifier: Apache-2.0

/**
 * The lock between clients of different make and age: an unsigned node is nobody's peer until it is
 * signed, whoever signs.
 *
 * @module
 */

import assert from 'node:assert/strict'
import {
  allUnderLock,
  ipOf,
  isSilent,
  lockKeyOf,
  lockOn,
  nodeKeyOf,
  pongBothWays,
} from './checks.ts'
import { tailnet } from './lock-commands.ts'
import { scenario, type Part, type Scenario } from './scenario.ts'

const signedBy = (signer: Part, witness: Part, newcomer: Part): Scenario =>
  scenario(
    `locked out/${newcomer} comes, ${witness} refuses, ${signer} signs`,
    [signer, witness, newcomer],
    async (stage) => {
      const [a, b] = await tailnet(stage, [signer, witness])
      if (a === undefined || b === undefined) throw new Error('Too few parts')
      await lockOn([a])
      await allUnderLock([a, b], 1)
      const c = await stage.joined(newcomer, 'c')
      for (const member of [a, b]) {
        await member.lockIs('refuses c', ({ FilteredPeers }) => FilteredPeers?.length === 1)
        await isSilent(member, await ipOf(c))
      }
      await c.lockIs('is locked out', ({ Enabled, NodeKeySigned }) => Enabled && !NodeKeySigned)
      await isSilent(c, await ipOf(b))
      // What the locked-out node shows is what a signer has to run.
      const said = await c.cli(['lock', 'status'])
      const command = /lock sign (nodekey:\w+) (tlpub:\w+)/.exec(said.stdout + said.stderr)
      assert.deepEqual(command?.slice(1), [await nodeKeyOf(c), await lockKeyOf(c)])
      await a.ok(['lock', 'sign', await nodeKeyOf(c), await lockKeyOf(c)])
      await allUnderLock([a, b, c], 1)
      await pongBothWays(b, c)
      await pongBothWays(a, c)
    },
  )

/** The rows. */
export const lockedOut: readonly Scenario[] = [
  signedBy('new', 'new', 'new'),
  signedBy('new', 'old', 'signet'),
  signedBy('old', 'signet', 'new'),
  signedBy('signet', 'new', 'old'),
]
