// SPDX-License-Identifier: Apache-2.0

/**
 * Lies to the official client that starts a lock: whom it has to sign, and by which key a node may renew its own.
 *
 * @module
 */

import { join } from 'node:path'
import { generateLockKey, lockSigner } from '@signet/keys'
import { createLyingTailnet, type LyingTailnet, type TkaLie } from '../support/lying-tailnet.ts'
import type { Ended } from '../support/official.ts'
import type { HostileRow, Verdict } from './official-judge.ts'
import { createOfficialVictim, type OfficialVictim } from './official-victim.ts'
import type { HostileWorld } from './official-world.ts'

interface Unlocked {
  readonly tailnet: LyingTailnet
  readonly victim: OfficialVictim
  /** Has the victim start a lock. */
  init(): Promise<Ended>
}

let tailnets = 0

/** Plays a lie in a tailnet of its own that has no lock yet. */
async function unlocked(
  world: HostileWorld,
  tka: TkaLie,
  judge: (its: Unlocked) => Promise<Verdict>,
): Promise<Verdict> {
  await using tailnet = await createLyingTailnet()
  await tailnet.join('other')
  const { release, dir: parent } = world
  const dir = join(parent, `init-${++tailnets}`)
  await using victim = await createOfficialVictim({ tailnet, release, dir, name: 'victim' })
  tailnet.setTkaLie(tka)
  const init = async (): Promise<Ended> => {
    const key = (await victim.lock()).PublicKey.replace('nlpub:', 'tlpub:')
    return victim.node.cli(['lock', 'init', '--confirm', '--gen-disablements=1', key])
  }
  return await judge({ tailnet, victim, init })
}

type NeedSignature = Readonly<Record<string, unknown>>

const needed = (reply: Record<string, unknown>): readonly NeedSignature[] =>
  (reply['NeedSignatures'] ?? []) as NeedSignature[]

/** The rows. */
export const inits: readonly HostileRow[] = [
  {
    name: "init: a node of the server's is among those to be signed",
    play(world) {
      const { rogue } = world
      const lie: TkaLie = (path, reply) => {
        if (!path.endsWith('/init/begin')) return reply
        const one = { NodeID: 666, NodePublic: rogue.nodeKey, RotationPubkey: null }
        return { ...reply, NeedSignatures: [...needed(reply), one] }
      }
      return unlocked(world, lie, async ({ init }) => {
        const { status } = await init()
        return { holds: status !== 0, seen: status === 0 ? 'signs all that it is told' : 'refuses' }
      })
    },
  },
  {
    name: "init: a node's rotation key is the server's",
    play(world) {
      const server = lockSigner(generateLockKey())
      const lie: TkaLie = (path, reply) => {
        if (!path.endsWith('/init/begin')) return reply
        const RotationPubkey = Buffer.from(server.keyId).toString('base64')
        return {
          ...reply,
          NeedSignatures: needed(reply).map((one) => ({ ...one, RotationPubkey })),
        }
      }
      return unlocked(world, lie, async ({ init }) => {
        // The server below the lie says whose rotation key it found in the signature that it got.
        const { stderr } = await init()
        const isSigned = stderr.includes("its rotation key is not the node's own lock key")
        return { holds: !isSigned, seen: isSigned ? 'signs it' : stderr }
      })
    },
  },
]
