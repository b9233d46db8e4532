// SPDX-License-Identifier: Apache-2.0

/**
 * Tailnet Key Authority, updates. An update ("AUM", authority update message) changes the set of
 * trusted keys. Each names the one before it by hash, so they form a chain, or a tree when
 * several name the same one.
 *
 * @module
 */

import { fromBase32, fromHex, toBase32, toHex } from '@signet/codec'
import { TkaError } from './errors.ts'
import type { Key } from './key.ts'
import type { State } from './state.ts'

/** Kinds of updates. Others can arrive: they move the head and change nothing else. */
export const AumKind = {
  Invalid: 0,
  AddKey: 1,
  RemoveKey: 2,
  NoOp: 3,
  UpdateKey: 4,
  Checkpoint: 5,
} as const

/** One signature under an update. */
export interface AumSignature {
  readonly keyId: Uint8Array | null
  readonly signature: Uint8Array | null
}

/** An update, as decoded: anything may be in it. Never change one, its hash is remembered. */
export interface Aum {
  /** An {@link AumKind}, or a number from the future. */
  readonly kind: number
  /** Hash of the update before; null in the first. */
  readonly prev: Uint8Array | null
  /** The key to add. */
  readonly key: Key | null
  /** The key to remove or change. */
  readonly keyId: Uint8Array | null
  /** The whole new state, in a checkpoint. */
  readonly state: State | null
  /** The new votes of the key. */
  readonly votes: bigint | null
  /** The new metadata of the key. Null keeps it, empty clears it. */
  readonly meta: ReadonlyMap<string, string> | null
  readonly signatures: readonly AumSignature[] | null
}

/** An update with nothing in it, to build others from. */
export const EMPTY_AUM: Aum = {
  kind: AumKind.Invalid,
  prev: null,
  key: null,
  keyId: null,
  state: null,
  votes: null,
  meta: null,
  signatures: null,
}

/** Hash of an update: 64 lower-case hex digits, so that `===` and `<` mean what they should. */
export type AumHash = string & { readonly __brand: 'AumHash' }

/** What places an update in the tree of all updates. */
export interface AumLink {
  /** An {@link AumKind}, or a number from the future. */
  readonly kind: number
  readonly parent: AumHash | null
}

const HASH_LENGTH = 32
const HASH_TEXT_LENGTH = 52

/** Returns the hash with these bytes: cut, or filled with zeros, to 32 as official software does. */
export function aumHashFromBytes(bytes: Uint8Array): AumHash {
  // The only place that makes the brand: the text is hex of 32 bytes by construction.
  return toHex(bytes)
    .slice(0, 2 * HASH_LENGTH)
    .padEnd(2 * HASH_LENGTH, '0') as AumHash
}

/** Returns the 32 bytes of a hash. */
export function aumHashBytes(hash: AumHash): Uint8Array {
  return fromHex(hash)
}

/** Returns the text form of a hash, used in JSON and in file names: 52 base32 characters. */
export function aumHashText(hash: AumHash): string {
  return toBase32(fromHex(hash))
}

/**
 * Parses the text form of a hash as official software does: 52 bytes, of which line breaks count
 * but decode to nothing (the hash then ends in zeros), and whose last 4 bits are not looked at.
 *
 * @throws TkaError `bad-hash-text`
 */
export function parseAumHash(text: string): AumHash {
  if (text.length !== HASH_TEXT_LENGTH) {
    throw new TkaError(
      'bad-hash-text',
      `Cannot parse hash: expected ${HASH_TEXT_LENGTH} characters, got ${text.length}`,
    )
  }
  try {
    return aumHashFromBytes(fromBase32(text))
  } catch (cause) {
    throw new TkaError('bad-hash-text', 'Cannot parse hash: not base32', { cause })
  }
}

/** Returns the parent's hash, or null for a first update. A parent of odd length is cut or filled. */
export function aumParent(aum: Aum): AumHash | null {
  return aum.prev === null || aum.prev.length === 0 ? null : aumHashFromBytes(aum.prev)
}

/** Returns the name of a kind, as official tools print it. */
export function aumKindText(kind: number): string {
  switch (kind) {
    case AumKind.Invalid:
      return 'invalid'
    case AumKind.AddKey:
      return 'add-key'
    case AumKind.RemoveKey:
      return 'remove-key'
    case AumKind.NoOp:
      return 'no-op'
    case AumKind.UpdateKey:
      return 'update-key'
    case AumKind.Checkpoint:
      return 'checkpoint'
    default:
      return `AUM?<${kind}>`
  }
}
