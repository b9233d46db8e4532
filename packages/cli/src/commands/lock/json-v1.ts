// SPDX-License-Identifier: Apache-2.0

/**
 * `--json` of `lock status` and `lock log`: the official schema, version 1 (Go:
 * cmd/tailscale/tslockjsonv1).
 *
 * @module
 */

import { toBase32, toHex } from '@signet/codec'
import {
  zeroLockKey,
  type LockPeerStatus,
  type LockSignature,
  type LockStatus,
  type LockTrustedKey,
  type LockUpdate,
} from '@signet/protocol/local-api'
import {
  aumHash,
  aumHashText,
  aumKindText,
  decodeAum,
  sigKindText,
  type Aum,
  type Key,
  type State,
} from '@signet/tka'
import { CliError } from '../../errors.ts'
import { indentJson } from '../../indent-json.ts'
import { cliKeyText, goText, keyKindText, keyText, urlBase64 } from './texts.ts'

/** What a member may hold; undefined members are left out. */
type Json =
  | string
  | number
  | bigint
  | boolean
  | null
  | undefined
  | readonly Json[]
  | { readonly [name: string]: Json }

/** Refuses schema versions other than 1. @throws CliError bad-input */
export function checkSchemaVersion(version: number): void {
  if (version !== 1) throw new CliError('bad-input', `unrecognised version: ${version}`)
}

/** Returns the JSON of a lock status, indented, with a line break at the end. */
export function lockStatusJson(status: LockStatus): string {
  return print({
    SchemaVersion: '1',
    Enabled: status.Enabled,
    PublicKey: status.PublicKey === zeroLockKey ? undefined : cliKeyText(status.PublicKey),
    NodeKey: status.NodeKey ?? undefined,
    ...(status.Enabled && enabledJson(status)),
  })
}

function enabledJson(status: LockStatus): { readonly [name: string]: Json } {
  const signature = status.NodeKeySignature
  return {
    Head: status.Head ? toBase32(status.Head) : undefined,
    NodeKeySigned: status.NodeKeySigned,
    NodeKeySignature: signature ? signatureJson(signature) : undefined,
    TrustedKeys: (status.TrustedKeys ?? []).map(trustedKeyJson),
    VisiblePeers: (status.VisiblePeers ?? []).map((peer) => ({
      ...peerJson(peer),
      NodeKeySignature: signatureJson(peer.NodeKeySignature),
    })),
    FilteredPeers: (status.FilteredPeers ?? []).map((peer) => ({
      ...peerJson(peer),
      // Additions of Signet nodes; official daemons do not say why.
      Reason: peer.Reason,
      ReasonText: peer.ReasonText,
    })),
    State: status.StateID === 0n ? undefined : status.StateID,
  }
}

function trustedKeyJson(key: LockTrustedKey): Json {
  return {
    Kind: key.Kind || undefined,
    Votes: key.Votes,
    Public: cliKeyText(key.Key),
    Meta: metaJson(key.Metadata && Object.entries(key.Metadata)),
  }
}

function peerJson(peer: LockPeerStatus): { readonly [name: string]: Json } {
  return {
    ID: peer.StableID,
    DNSName: peer.Name,
    TailscaleIPs: nullWhenEmpty(peer.TailscaleIPs),
    NodeKey: peer.NodeKey,
  }
}

function signatureJson(signature: LockSignature): Json {
  return {
    SigKind: sigKindText(signature.sigKind),
    PublicKey: keyOrNothing(signature.pubkey),
    KeyID: keyOrNothing(signature.keyId),
    Signature: urlBase64(signature.signature ?? new Uint8Array()),
    Nested: signature.nested ? signatureJson(signature.nested) : undefined,
    WrappingPublicKey: keyOrNothing(signature.wrappingPubkey),
  }
}

function keyOrNothing(bytes: Uint8Array | null): string | undefined {
  return bytes === null || bytes.length === 0 ? undefined : keyText(bytes)
}

/** Returns the JSON of a list of updates. @throws CliError failed when an update is not what its hash says */
export function lockLogJson(updates: readonly LockUpdate[]): string {
  return print({ SchemaVersion: '1', Messages: updates.map(messageJson) })
}

function messageJson(update: LockUpdate): Json {
  const aum = decodeAum(update.Raw)
  const hash = aumHash(aum)
  if (hash !== toHex(update.Hash)) {
    throw new CliError(
      'failed',
      `Cannot list updates: incorrect AUM hash: got ${aumHashText(hash)}, want ${toBase32(update.Hash)}`,
    )
  }
  return { Hash: aumHashText(hash), AUM: aumJson(aum), Raw: urlBase64(update.Raw) }
}

function aumJson(aum: Aum): Json {
  return {
    MessageKind: aumKindText(aum.kind),
    PrevAUMHash: aum.prev === null || aum.prev.length === 0 ? undefined : toBase32(aum.prev),
    Key: aum.key === null ? undefined : keyJson(aum.key),
    KeyID: aum.keyId === null ? undefined : keyText(aum.keyId),
    State: aum.state === null ? undefined : stateJson(aum.state),
    Votes: aum.votes === null || aum.votes === 0n ? undefined : aum.votes,
    Meta: metaJson(aum.meta),
    Signatures: aum.signatures?.map(({ keyId, signature }) => ({
      KeyID: keyText(keyId ?? new Uint8Array()),
      Signature: urlBase64(signature ?? new Uint8Array()),
    })),
  }
}

function keyJson(key: Key): Json {
  return {
    Kind: keyKindText(key.kind),
    Votes: key.votes,
    Public: keyText(key.public ?? new Uint8Array()),
    Meta: metaJson(key.meta),
  }
}

function stateJson(state: State): Json {
  return {
    LastAUMHash: state.lastAumHash === null ? undefined : aumHashText(state.lastAumHash),
    DisablementValues: nullWhenEmpty(
      (state.disablementValues ?? []).map((value) => toHex(value ?? new Uint8Array())),
    ),
    Keys: nullWhenEmpty((state.keys ?? []).map(keyJson)),
    StateID1: state.stateId1,
    StateID2: state.stateId2,
  }
}

/** A list that Go builds by appending is null while nothing was appended. */
function nullWhenEmpty(list: readonly Json[] | null): Json {
  return list === null || list.length === 0 ? null : list
}

function metaJson(entries: Iterable<readonly [string, string]> | null): Json {
  if (entries === null) return undefined
  return Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)))
}

function print(value: Json): string {
  return `${indentJson(write(value), '  ')}\n`
}

function write(value: Json): string {
  if (typeof value === 'string') return goText(value)
  if (typeof value !== 'object' || value === null) return String(value)
  if (isList(value)) return `[${value.map(write).join(',')}]`
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  return `{${members.map(([name, member]) => `${goText(name)}:${write(member)}`).join(',')}}`
}

function isList(value: object): value is readonly Json[] {
  return Array.isArray(value)
}
