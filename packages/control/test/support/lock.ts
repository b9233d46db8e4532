// SPDX-License-Identifier: Apache-2.0

/**
 * Locking a test tailnet the way clients do.
 *
 * @module
 */

import { fromBase64, toBase64 } from '@signet/codec'
import { lockPublicFromBytes, lockPublicOf, lockPublicBytes, parseNodePublic } from '@signet/keys'
import type { LockPrivate } from '@signet/keys'
import {
  createGenesis,
  createUpdateBuilder,
  disablementValue,
  encodeAum,
  KeyKind,
  signNodeKey,
  stateIdsFromBytes,
} from '@signet/tka'
import type { Aum, Key, UpdateBuilder, VerifiedAum } from '@signet/tka'
import type { Machine, TestServer, TkaReply } from './server.ts'

/** The secret of every lock in these tests. */
export const SECRET: Uint8Array = new Uint8Array(32).fill(0xa5)
let derived: Uint8Array | undefined

/** The value of {@link SECRET}, derived once. */
export async function secretValue(): Promise<Uint8Array> {
  return (derived ??= await disablementValue(SECRET))
}

/** A trusted key of one vote. */
export function trusted(key: LockPrivate, votes = 1n): Key {
  return { kind: KeyKind.Ed25519, votes, public: lockPublicBytes(lockPublicOf(key)), meta: null }
}

let nextState = 1

/** A genesis that trusts the keys of these machines, signed by the first. */
export async function makeGenesis(
  machines: readonly Machine[],
  changes: { keys?: readonly Key[]; values?: readonly Uint8Array[] } = {},
): Promise<VerifiedAum> {
  const [first] = machines
  if (first === undefined) throw new Error('no signer')
  return createGenesis(
    {
      lastAumHash: null,
      disablementValues: changes.values ?? [await secretValue()],
      keys: changes.keys ?? machines.map((machine) => trusted(machine.lockKey)),
      ...stateIdsFromBytes(new Uint8Array(16).fill(nextState++)),
    },
    [first.signer],
  )
}

/** What `init/begin` asks to be signed. */
export interface SignInfo {
  readonly NodeID: number
  readonly NodePublic: string
  readonly RotationPubkey: string | null
}

/** Signs everything that `init/begin` asked for. */
export function signAll(machine: Machine, needed: readonly SignInfo[]): Record<string, string> {
  return Object.fromEntries(
    needed.map((info) => [
      String(info.NodeID),
      toBase64(
        signNodeKey({
          nodeKey: parseNodePublic(info.NodePublic),
          rotationPublic:
            info.RotationPubkey === null
              ? undefined
              : lockPublicFromBytes(fromBase64(info.RotationPubkey)),
          signer: machine.signer,
        }),
      ),
    ]),
  )
}

/** Switches the lock on, trusting these machines. */
export async function lockTailnet(
  _server: TestServer,
  machines: readonly Machine[],
  changes?: Parameters<typeof makeGenesis>[1],
): Promise<VerifiedAum> {
  const [first] = machines
  if (first === undefined) throw new Error('no signer')
  const genesis = await makeGenesis(machines, changes)
  const begun = await first.tka('init/begin', { GenesisAUM: toBase64(encodeAum(genesis)) })
  if (begun.status !== 200) throw new Error(begun.text)
  const finished = await first.tka('init/finish', {
    Signatures: signAll(first, begun.json.NeedSignatures),
  })
  if (finished.status !== 200) throw new Error(finished.text)
  return genesis
}

/** Builds updates on the server's head. */
export function buildUpdates(
  server: TestServer,
  signers: readonly Machine[],
  build: (builder: UpdateBuilder) => void,
): Aum[] {
  const { active } = server.tailnet.lock
  if (active === null) throw new Error('not locked')
  const builder = createUpdateBuilder(
    active.authority,
    signers.map((machine) => machine.signer),
  )
  build(builder)
  return builder.finish()
}

/** Sends updates. */
export function sendUpdates(
  machine: Machine,
  updates: readonly Aum[],
  interactive = true,
  head = '',
): Promise<TkaReply> {
  return machine.tka('sync/send', {
    Head: head,
    MissingAUMs: updates.map((aum) => toBase64(encodeAum(aum))),
    Interactive: interactive,
  })
}
