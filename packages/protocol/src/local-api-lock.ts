// SPDX-License-Identifier: Apache-2.0

/**
 * Local API: the state of the tailnet lock as a node sees it (Go: ipnstate.TailnetLockStatus and
 * ipnstate.TailnetLockUpdate).
 *
 * @module
 */

import { bool, byteArray, bytes, int, text, uint64Exact, uint8 } from './codecs.ts'
import {
  always,
  encodeJson,
  lazy,
  list,
  omitEmpty,
  parseJson,
  pointer,
  struct,
  textMap,
  type Codec,
  type JsonInput,
  type TextMap,
} from './schema.ts'

/** A node-key signature, taken apart. The type of the authority package fits it. */
export interface LockSignature {
  readonly sigKind: number
  readonly pubkey: Uint8Array | null
  readonly keyId: Uint8Array | null
  readonly signature: Uint8Array | null
  readonly nested: LockSignature | null
  readonly wrappingPubkey: Uint8Array | null
}

/** The signature of a node that has none. */
export const noLockSignature: LockSignature = {
  sigKind: 0,
  pubkey: null,
  keyId: null,
  signature: null,
  nested: null,
  wrappingPubkey: null,
}

/** A trusted key. */
export interface LockTrustedKey {
  readonly Kind: string
  /** 'nlpub:' and hex. */
  readonly Key: string
  readonly Metadata: TextMap<string> | null
  readonly Votes: number
}

/** A peer as the gate judged it. */
export interface LockPeerStatus {
  readonly Name: string
  readonly ID: number
  readonly StableID: string
  readonly TailscaleIPs: readonly string[] | null
  readonly NodeKey: string
  readonly NodeKeySignature: LockSignature
  /** Signet only: why the peer was refused, as a code and as a sentence. */
  readonly Reason?: string
  readonly ReasonText?: string
}

/** What a Signet node adds to the official status. Absent when an official daemon answers. */
export interface LockDetails {
  /** 'off', 'awaiting' (a lock must be found first), 'on', 'broken' or 'left' (local-disable). */
  readonly State: string
  /** The hash (base32) of the update that the authority began with: what `lock fingerprint` shows. */
  readonly Genesis: string
  /** Whether the owner pinned that fingerprint when the node joined, or the node trusted what it saw first. */
  readonly Pinned: boolean
  /** The head that the server last named, '' when it named none. */
  readonly ServerHead: string
  /** Why the node runs closed (a damaged store, a lock it cannot find again), '' when it does not. */
  readonly FailedClosed: string
  /** Alarms to show: each a sentence. */
  readonly Warnings: readonly string[] | null
}

/** The lock as one node sees it. */
export interface LockStatus {
  readonly Enabled: boolean
  /** The 32 bytes of the head's hash, null when the lock is off. */
  readonly Head: Uint8Array | null
  /** This node's lock key, 'nlpub:' and hex; all zero before the first login. */
  readonly PublicKey: string
  /** This node's key, null while it is not logged in. */
  readonly NodeKey: string | null
  readonly NodeKeySigned: boolean
  readonly NodeKeySignature: LockSignature | null
  readonly TrustedKeys: readonly LockTrustedKey[] | null
  readonly VisiblePeers: readonly LockPeerStatus[] | null
  readonly FilteredPeers: readonly LockPeerStatus[] | null
  /** StateID1, 0n when the lock is off. */
  readonly StateID: bigint
  readonly Signet?: LockDetails
}

/** One update of the authority, as `tka/log` lists it. */
export interface LockUpdate {
  readonly Hash: Uint8Array
  /** The kind's name: 'add-key', 'checkpoint', ... */
  readonly Change: string
  /** The update's CBOR. */
  readonly Raw: Uint8Array
}

/** The text of a lock key that is not there. */
export const zeroLockKey: string = `nlpub:${'0'.repeat(64)}`

interface SignatureJson {
  readonly SigKind: number
  readonly Pubkey: Uint8Array | null
  readonly KeyID: Uint8Array | null
  readonly Signature: Uint8Array | null
  readonly Nested: SignatureJson | null
  readonly WrappingPubkey: Uint8Array | null
}

const signatureJson: Codec<SignatureJson> = struct<SignatureJson>({
  SigKind: always(uint8),
  Pubkey: always(bytes),
  KeyID: always(bytes),
  Signature: always(bytes),
  Nested: always(lazy<SignatureJson | null>(null, 'reset', () => pointer(signatureJson))),
  WrappingPubkey: always(bytes),
})

/** A signature: members in Go's names on the wire, in the authority's names in memory. */
const signature: Codec<LockSignature> = {
  zero: noLockSignature,
  nulls: 'keep',
  decode: (reader) => fromJson(signatureJson.decode(reader)),
  encode: (value) => signatureJson.encode(toJson(value)),
  isEmpty: () => false,
  isZero: (value) => value === noLockSignature,
}

function toJson(value: LockSignature): SignatureJson {
  return {
    SigKind: value.sigKind,
    Pubkey: value.pubkey,
    KeyID: value.keyId,
    Signature: value.signature,
    Nested: value.nested && toJson(value.nested),
    WrappingPubkey: value.wrappingPubkey,
  }
}

function fromJson(value: SignatureJson): LockSignature {
  return {
    sigKind: value.SigKind,
    pubkey: value.Pubkey,
    keyId: value.KeyID,
    signature: value.Signature,
    nested: value.Nested && fromJson(value.Nested),
    wrappingPubkey: value.WrappingPubkey,
  }
}

const trustedKey: Codec<LockTrustedKey> = struct<LockTrustedKey>({
  Kind: always(text),
  Key: always(text),
  Metadata: always(textMap(text)),
  Votes: always(int),
})

const peer: Codec<LockPeerStatus> = struct<LockPeerStatus>({
  Name: always(text),
  ID: always(int),
  StableID: always(text),
  TailscaleIPs: always(list(text)),
  NodeKey: always(text),
  NodeKeySignature: always(signature),
  Reason: omitEmpty(text),
  ReasonText: omitEmpty(text),
})

const lockStatus: Codec<LockStatus> = struct<LockStatus>({
  Enabled: always(bool),
  Head: always(byteArray(32)),
  PublicKey: always({ ...text, zero: zeroLockKey }),
  NodeKey: always(pointer(text)),
  NodeKeySigned: always(bool),
  NodeKeySignature: always(pointer(signature)),
  TrustedKeys: always(list(trustedKey)),
  VisiblePeers: always(list(peer)),
  FilteredPeers: always(list(peer)),
  StateID: always(uint64Exact),
  Signet: omitEmpty(
    pointer(
      struct<LockDetails>({
        State: always(text),
        Genesis: always(text),
        Pinned: always(bool),
        ServerHead: always(text),
        FailedClosed: always(text),
        Warnings: always(list(text)),
      }),
    ),
  ),
})

/** Returns the JSON of a lock status. */
export function encodeLockStatus(status: LockStatus): string {
  return encodeJson(lockStatus, status)
}

/** Reads a lock status. @throws ProtocolError */
export function parseLockStatus(input: JsonInput): LockStatus {
  return parseJson(lockStatus, input)
}

/** Returns the status of a lock of which nothing is known but what `known` says. */
export function lockStatusOf(known: Partial<LockStatus>): LockStatus {
  return { ...lockStatus.zero, ...known }
}

/** Returns a signature as Go's JSON of tka.NodeKeySignature. */
export function encodeLockSignature(value: LockSignature): string {
  return encodeJson(signature, value)
}

const update: Codec<LockUpdateJson> = struct<LockUpdateJson>({
  Hash: always(byteArray(32)),
  Change: always(text),
  Raw: always(bytes),
})

interface LockUpdateJson {
  readonly Hash: Uint8Array | null
  readonly Change: string
  readonly Raw: Uint8Array | null
}

const updates: Codec<readonly LockUpdateJson[] | null> = list(update)

/** Returns the JSON of one update. */
export function encodeLockUpdate(value: LockUpdate): string {
  return encodeJson(update, value)
}

/** Returns the JSON of a list of updates, newest first. */
export function encodeLockLog(values: readonly LockUpdate[]): string {
  return encodeJson(updates, values)
}

/** Reads a list of updates. @throws ProtocolError */
export function parseLockLog(input: JsonInput): LockUpdate[] {
  return (parseJson(updates, input) ?? []).map(({ Hash, Change, Raw }) => ({
    Hash: Hash ?? new Uint8Array(32),
    Change,
    Raw: Raw ?? new Uint8Array(),
  }))
}
