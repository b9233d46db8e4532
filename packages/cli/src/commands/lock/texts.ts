// SPDX-License-Identifier: Apache-2.0

/**
 * Small texts that the lock commands share.
 *
 * @module
 */

import { fromBase64, toBase64, toHex } from '@signet/codec'

/** Returns key bytes of any length as commands show them. */
export function keyText(bytes: Uint8Array): string {
  return `tlpub:${toHex(bytes)}`
}

/** Returns the name of a kind of key. */
export function keyKindText(kind: number): string {
  return kind === 1 ? '25519' : kind === 0 ? 'invalid' : `Key?<${kind}>`
}

/** Returns 'tlpub:...' for the wire's 'nlpub:...'. */
export function cliKeyText(key: string): string {
  return key.replace(/^nlpub:/, 'tlpub:')
}

/** Returns a JSON string with the characters escaped that Go escapes. */
export function goText(text: string): string {
  return JSON.stringify(text).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Returns the command that a signer must run to let a node in. */
export function signCommand(nodeKey: string, lockKey: string, program = 'signet'): string {
  return `${program} lock sign ${nodeKey} ${cliKeyText(lockKey)}`
}

/** Returns base64 in the URL alphabet with padding, as the official JSON has it. */
export function urlBase64(bytes: Uint8Array): string {
  return toBase64(bytes).replaceAll('+', '-').replaceAll('/', '_')
}

/** Reads what {@link urlBase64} writes. @throws CodecError */
export function parseUrlBase64(text: string): Uint8Array {
  return fromBase64(text.replaceAll('-', '+').replaceAll('_', '/'))
}
