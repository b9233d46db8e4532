// SPDX-License-Identifier: Apache-2.0

/**
 * A locked tailnet with one official client in it, and everything that a liar needs: a rogue, an owner's node whose
 * keys are known, and a witness who proves that the victim would have answered.
 *
 * @module
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lockSigner } from '@signet/keys'
import type { ControlNode, MapResponse } from '@signet/protocol'
import { openAuthority, signNodeKey } from '@signet/tka'
import { diskFiles } from '../../packages/node/src/durable-file.ts'
import { openFileStore } from '../../packages/node/src/lock/file-store.ts'
import { createLyingTailnet, stolenKeys, type LyingTailnet } from '../support/lying-tailnet.ts'
import type { Victim } from '../support/lying-tailnet.ts'
import type { OfficialRelease } from '../support/official.ts'
import { createRogue, type Rogue } from '../support/rogue.ts'
import { until } from '../support/until.ts'
import type { LockLoot } from './authority-lies.ts'
import { createOfficialVictim, truth, type OfficialVictim } from './official-victim.ts'
import type { Loot } from './peer-lies.ts'

/** How long a rogue that was let in may take to get an answer to its ping. */
const ANSWER_MS = 2_000

/** How far a rogue gets. */
export interface Answers {
  readonly handshake: boolean
  /** An echo request through the tunnel, which the packet filter has to let pass. */
  readonly ping: boolean
}

/** See the module comment. */
export interface HostileWorld extends AsyncDisposable {
  readonly tailnet: LyingTailnet
  readonly dir: string
  readonly release: OfficialRelease
  /** Trusted. */
  readonly signer: Victim
  /** Trusted, too. */
  readonly second: Victim
  /** The owner's node that lies are about. */
  readonly honest: Victim
  readonly victim: OfficialVictim
  readonly rogue: Rogue
  readonly loot: Loot
  /** The lock as `signer` has it now. */
  lockLoot(): LockLoot
  /** A further victim, which no lie was told so far. */
  another(name: string, isSigned?: boolean): Promise<OfficialVictim>
  /** Whether the victim answers a handshake of the rogue; the witness is answered in any case. */
  answersRogue(victim: OfficialVictim, isExpected: boolean): Promise<Answers>
  /** Says the truth, whole, to a victim. */
  honestly(victim: OfficialVictim): Promise<void>
}

/** Builds it. */
export async function createHostileWorld(release: OfficialRelease): Promise<HostileWorld> {
  const own = new AsyncDisposableStack()
  try {
    const dir = mkdtempSync(join(tmpdir(), 'signet-victim-'))
    own.defer(() => rmSync(dir, { recursive: true, force: true }))
    const tailnet = own.use(await createLyingTailnet())
    const signer = await tailnet.join('signer')
    const second = await tailnet.join('second')
    const honest = await tailnet.join('honest')
    await tailnet.lock(signer, second)
    const honestRecord = await recordSeenBy(tailnet, second, honest)
    const rogue = own.use(await createRogue())
    const witness = own.use(await createRogue(668))
    const trusted = lockSigner(stolenKeys(signer).lockKey)
    const KeySignature = signNodeKey({ nodeKey: witness.nodeKey, signer: trusted })
    const attending = { ...reachable(witness.described), KeySignature }
    const another = async (name: string, isSigned = true): Promise<OfficialVictim> => {
      const options = { tailnet, release, dir, name, witness: attending }
      return own.use(await createOfficialVictim(isSigned ? { ...options, signer } : options))
    }
    const victim = await another('victim')
    return {
      tailnet,
      dir,
      release,
      signer,
      second,
      honest,
      victim,
      rogue,
      loot: {
        rogue: reachable(rogue.described),
        honest: honestRecord,
        trusted,
        honestSigner: lockSigner(stolenKeys(honest).lockKey),
      },
      lockLoot() {
        const store = openFileStore(diskFiles, join(signer.dir, 'lock'), () => 0)
        const { head, oldestAncestor, state } = openAuthority(store)
        return { head, genesis: oldestAncestor, state, trusted }
      },
      another,
      async answersRogue(to, isExpected) {
        await rogue.knock(to, async () => {
          await witness.knock(to, () =>
            until('the witness is answered', () => witness.answers() > 0),
          )
          if (isExpected) await answered(rogue)
        })
        return { handshake: rogue.answers() > 0, ping: rogue.delivered() > 0 }
      },
      async honestly(to) {
        tailnet.setTkaLie(undefined)
        tailnet.setMapLie(undefined)
        await to.tell('full', truth)
      },
      [Symbol.asyncDispose]: () => own.disposeAsync(),
    }
  } catch (error) {
    await own.disposeAsync()
    throw error
  }
}

/** Waits for an answer, and is content with none. */
async function answered(rogue: Rogue): Promise<void> {
  const deadline = performance.now() + ANSWER_MS
  await until('an answer', () => rogue.delivered() > 0 || performance.now() > deadline)
}

/**
 * Official clients speak with a node that has no disco key only if it is said to know WireGuard only; and where one
 * has no host information, their status command panics.
 */
function reachable(node: ControlNode): ControlNode {
  return { ...node, IsWireGuardOnly: true, Hostinfo: {} }
}

/** The record of a node as another gets it. */
async function recordSeenBy(
  tailnet: LyingTailnet,
  viewer: Victim,
  { nodeKey }: Victim,
): Promise<ControlNode> {
  let seen: ControlNode | undefined
  const spy = (message: MapResponse): MapResponse => {
    seen ??= message.Peers?.find((peer) => peer?.Key === nodeKey) ?? undefined
    return message
  }
  await tailnet.tell('full', spy, [viewer])
  if (seen?.KeySignature === undefined) throw new Error('The owner is signed')
  return seen
}
