// SPDX-License-Identifier: Apache-2.0

/** Updates, keys and bytes to start from. */

import { fromHex } from '@signet/codec'
import { keyOf, signerOf, stateOf } from '@signet/testkit/chain'
import {
  aumHashBytes,
  aumHashFromBytes,
  EMPTY_AUM,
  signAum,
  type Aum,
  type AumHash,
  type Key,
  type State,
} from '../../src/index.ts'

/** The first update of a real test network, as an official release wrote it (2025-11-07). */
export const REAL_GENESIS: Uint8Array = fromHex(
  `a4010502f605a501f6028a58208d2c2da2d21195375b90d3d5d1b65989f38c206be2d5ed55b093d8bbc0f4b4ba58
  20108705460e2506462bb73fade0b9c67ff28b63b760d7ca4f8e0636e1e625b1d45820e55538a11422328ab9a8ad3431
  c7e9c2d9a37217956a698b091c33769d998def582070e83977b8a203d2cbb95f03fbdec8f08a33a8997b73d383385067
  85b94a1ef058205842d890e8d711972540449c60023d416dbbdd250d2de26faf1ea535274da80e5820dac92c240f8239
  fb0192ba21c0705695b2aba52f0cbe282997e7a7b87c3dac8258201ffe09404104b533d0a787bbb34aae0e591218e33d
  45a135c7fd4133478ee356582089bb1a8f67afc80123d39801116a82a704d1ff0fecd8e29e135061d1e1f0028c582032
  d0c08a93eeb607312a753d4e0dbaeb780fdca95341fced577841c2278f65d45820661e0f67ab064468b922f6d253a758
  71e546ae6498d7cdeb115bd824da3e39d70382a30101020103582000dfb46df26a2b55fd832829204fe39ce0c9ea1d0a
  5ba637d65a79083f0e6084a3010102010358205129b9964b33b21d76c726e627f2cedd98c3c3cf19888e006803cd1c05
  8808b4041b1163abc5fa89cc89051bfe6e354a74b3f49c1781a201582000dfb46df26a2b55fd832829204fe39ce0c9ea
  1d0a5ba637d65a79083f0e60840258400436fcdb94a576ab1e8f103e58746cbc9166bb9f112769eb8c992e56931d27ec
  25ecd17c43e5fd8d204fa94aff5c3ac3647d83677509180fb9dedf78503ac40c`.replaceAll(/\s/g, ''),
)

/** A hash that is nobody's. */
export const SOME_HASH: AumHash = aumHashFromBytes(new Uint8Array(32).fill(0xab))

/** Bytes of a hash. */
export const SOME_HASH_BYTES: Uint8Array = aumHashBytes(SOME_HASH)

/** A state after {@link SOME_HASH} that trusts alice with 1, bob with 2 and carol with 4 votes. */
export const STATE: State = {
  ...stateOf({ alice: 1, bob: 2, carol: 4 }),
  lastAumHash: SOME_HASH,
}

/** Returns an update with these fields; a no-op on top of {@link SOME_HASH} but for them. */
export function aumOf(fields: Partial<Aum> = {}): Aum {
  return { ...EMPTY_AUM, kind: 3, prev: SOME_HASH_BYTES, ...fields }
}

/** Returns such an update, signed by the keys with these names. */
export function signedAum(fields: Partial<Aum> = {}, ...by: readonly string[]): Aum {
  return signAum(aumOf(fields), (by.length > 0 ? by : ['alice']).map(signerOf))
}

/** Returns a key with metadata. */
export function keyWithMeta(name: string, meta: Readonly<Record<string, string>>): Key {
  return { ...keyOf(name), meta: new Map(Object.entries(meta)) }
}

/** Returns the id of the key with this name. */
export function idOf(name: string): Uint8Array {
  return signerOf(name).keyId
}
