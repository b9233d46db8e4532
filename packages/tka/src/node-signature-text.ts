// SPDX-License-Identifier: Apache-2.0

/**
 * Node-key signatures as text for people, in the form that official software shows.
 *
 * @module
 */

import { lockPublicCliText, lockPublicFromBytes, shortNodeKey } from '@signet/keys'
import { hasBytes, parseSignedNodeKey, SigKind, type NodeKeySignature } from './node-signature.ts'

/** Returns the name of a kind of signature; unknown ones show their number. */
export function sigKindText(kind: number): string {
  switch (kind) {
    case SigKind.Invalid:
      return 'invalid'
    case SigKind.Direct:
      return 'direct'
    case SigKind.Rotation:
      return 'rotation'
    case SigKind.Credential:
      return 'credential'
    default:
      return `Sig?<${kind}>`
  }
}

/** Returns a signature and what it nests, one field a line. Nothing in it is verified. */
export function nodeKeySignatureText(signature: NodeKeySignature): string {
  return lines(signature, '').join('\n').trimEnd()
}

function lines(sig: NodeKeySignature, indent: string): string[] {
  const out = [`SigKind: ${sigKindText(sig.sigKind)}`]
  if (hasBytes(sig.pubkey)) out.push(`Pubkey: ${nodeKeyText(sig.pubkey)}`)
  if (hasBytes(sig.keyId)) out.push(`KeyID: ${lockKeyText(sig.keyId)}`)
  if (hasBytes(sig.wrappingPubkey)) out.push(`WrappingPubkey: ${lockKeyText(sig.wrappingPubkey)}`)
  if (sig.nested) out.push('Nested:')
  const nested = sig.nested ? lines(sig.nested, `${indent}  `) : []
  return [...out.map((line) => indent + line), ...nested]
}

function nodeKeyText(pubkey: Uint8Array): string {
  try {
    return shortNodeKey(parseSignedNodeKey(pubkey))
  } catch (error) {
    return `<error: ${error instanceof Error ? error.message : String(error)}>`
  }
}

/** Keys of the wrong length are shown cut to 32 bytes, or filled with zeros. */
function lockKeyText(key: Uint8Array): string {
  const raw = new Uint8Array(32)
  raw.set(key.subarray(0, 32))
  return lockPublicCliText(lockPublicFromBytes(raw))
}
