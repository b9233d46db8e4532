// SPDX-License-Identifier: Apache-2.0

/**
 * What official programs printed, and from it what their daemon must have answered. The recordings
 * hold the screen; the local API's JSON is put together again from the `--json` screens.
 */

import { readFileSync } from 'node:fs'
import { fromHex } from '@signet/codec'
import {
  encodeLockLog,
  encodeLockStatus,
  lockStatusOf,
  type LockPeerStatus,
  type LockSignature,
} from '@signet/protocol/local-api'
import { aumHashBytes, decodeAum, aumKindText, parseAumHash } from '@signet/tka'
import { parseUrlBase64 } from '../src/commands/lock/texts.ts'

/** Returns a recorded file of vectors/transcripts. */
export function transcript(name: string): string {
  return readFileSync(new URL(`../../../vectors/transcripts/${name}`, import.meta.url), 'utf8')
}

/** Turns the commands that a text tells the user to run into ours. */
export function asSignet(text: string): string {
  return text.replaceAll('tailscale lock', 'signet lock')
}

interface SignatureV1 {
  SigKind: string
  PublicKey?: string
  KeyID?: string
  Signature: string
  Nested?: SignatureV1
  WrappingPublicKey?: string
}

interface PeerV1 {
  ID: string
  DNSName: string
  TailscaleIPs: string[]
  NodeKey: string
  NodeKeySignature?: SignatureV1
}

interface StatusV1 {
  Enabled: boolean
  PublicKey: string
  NodeKey: string
  Head?: string
  NodeKeySigned?: boolean
  NodeKeySignature?: SignatureV1
  TrustedKeys?: { Kind: string; Votes: number; Public: string; Meta?: Record<string, string> }[]
  VisiblePeers?: PeerV1[]
  FilteredPeers?: PeerV1[]
}

/** Returns the local API's JSON of the status that `lock status --json` showed as `json`. */
export function lockStatusBehind(json: string): string {
  const shown = JSON.parse(json) as StatusV1
  const state = /"State": (\d+)/.exec(json)?.[1] ?? '0'
  return encodeLockStatus(
    lockStatusOf({
      Enabled: shown.Enabled,
      Head: shown.Head === undefined ? null : aumHashBytes(parseAumHash(shown.Head)),
      PublicKey: shown.PublicKey.replace('tlpub:', 'nlpub:'),
      NodeKey: shown.NodeKey,
      NodeKeySigned: shown.NodeKeySigned ?? false,
      NodeKeySignature: shown.NodeKeySignature ? signature(shown.NodeKeySignature) : null,
      TrustedKeys:
        shown.TrustedKeys?.map((key) => ({
          Kind: key.Kind,
          Key: key.Public.replace('tlpub:', 'nlpub:'),
          Metadata: key.Meta ?? null,
          Votes: key.Votes,
        })) ?? null,
      VisiblePeers: shown.VisiblePeers?.map(peer) ?? null,
      FilteredPeers: shown.FilteredPeers?.map(peer) ?? null,
      StateID: BigInt(state),
    }),
  )
}

function peer(shown: PeerV1): LockPeerStatus {
  return {
    Name: shown.DNSName,
    ID: Number(/\d+/.exec(shown.ID)?.[0]),
    StableID: shown.ID,
    TailscaleIPs: shown.TailscaleIPs,
    NodeKey: shown.NodeKey,
    NodeKeySignature: signature(shown.NodeKeySignature ?? { SigKind: 'invalid', Signature: '' }),
  }
}

const kinds = ['invalid', 'direct', 'rotation', 'credential']

function signature(shown: SignatureV1): LockSignature {
  return {
    sigKind: kinds.indexOf(shown.SigKind),
    pubkey: key(shown.PublicKey),
    keyId: key(shown.KeyID),
    signature: shown.Signature === '' ? null : parseUrlBase64(shown.Signature),
    nested: shown.Nested ? signature(shown.Nested) : null,
    wrappingPubkey: key(shown.WrappingPublicKey),
  }
}

function key(text: string | undefined): Uint8Array | null {
  return text === undefined ? null : fromHex(text.replace('tlpub:', ''))
}

/** Returns the local API's JSON of the updates that `lock log --json` showed as `json`. */
export function lockLogBehind(json: string): string {
  const { Messages } = JSON.parse(json) as { Messages: { Hash: string; Raw: string }[] }
  return encodeLockLog(
    Messages.map(({ Hash, Raw }) => {
      const bytes = parseUrlBase64(Raw)
      return {
        Hash: aumHashBytes(parseAumHash(Hash)),
        Change: aumKindText(decodeAum(bytes).kind),
        Raw: bytes,
      }
    }),
  )
}
