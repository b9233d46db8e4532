// SPDX-License-Identifier: Apache-2.0

/**
 * Switches the lock on in a tailnet of a measurement, as a client does: a genesis, and a signature for every
 * node.
 *
 * @module
 */

import { fromBase64, toBase64 } from '@signet/codec'
import {
  lockPublicBytes,
  lockPublicFromBytes,
  lockPublicOf,
  lockSigner,
  parseNodePublic,
} from '@signet/keys'
import {
  createGenesis,
  disablementValue,
  encodeAum,
  KeyKind,
  signNodeKey,
  stateIdsFromBytes,
} from '@signet/tka'
import type { Client } from './many-clients.ts'

interface SignInfo {
  readonly NodeID: number
  readonly NodePublic: string
  readonly RotationPubkey: string
}

/** Makes one node's key the trusted one; returns how many nodes were signed. */
export async function switchLockOn(client: Client): Promise<number> {
  const { lockKey } = client.identity
  const signer = lockSigner(lockKey)
  const publicKey = lockPublicBytes(lockPublicOf(lockKey))
  const genesis = createGenesis(
    {
      lastAumHash: null,
      disablementValues: [await disablementValue(new Uint8Array(32).fill(0xa5))],
      keys: [{ kind: KeyKind.Ed25519, votes: 1n, public: publicKey, meta: null }],
      ...stateIdsFromBytes(new Uint8Array(16).fill(1)),
    },
    [signer],
  )
  const begun = await client.tka('init/begin', { GenesisAUM: toBase64(encodeAum(genesis)) })
  const { NeedSignatures: needed } = begun as { NeedSignatures: readonly SignInfo[] }
  const Signatures = Object.fromEntries(
    needed.map(({ NodeID, NodePublic, RotationPubkey }) => {
      const rotationPublic = lockPublicFromBytes(fromBase64(RotationPubkey))
      const nodeKey = parseNodePublic(NodePublic)
      return [String(NodeID), toBase64(signNodeKey({ nodeKey, rotationPublic, signer }))]
    }),
  )
  await client.tka('init/finish', { Signatures })
  return needed.length
}
