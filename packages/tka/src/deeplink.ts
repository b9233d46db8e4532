// SPDX-License-Identifier: Apache-2.0

/**
 * Signing links: `tailscale://sign-device/v1/?...` asks the holder of a trusted key to sign a node.
 *
 * The link carries a MAC under a number that every member of the tailnet knows. It keeps strangers
 * from sending plausible links; it proves nothing about the node, and its fields are joined
 * without separators. Whoever signs has to compare the keys.
 *
 * Which spellings of a link are valid follows official software to the letter, so that one link
 * has one verdict.
 *
 * @module
 */

import { concatBytes, encodeUtf8, equalBytesConstantTime, fromHex, toHex } from '@signet/codec'
import { hmacSha256 } from '@signet/crypto'
import { readDeeplinkUrl } from './deeplink-url.ts'
import { TkaError } from './errors.ts'

/** What a link says, as texts; nothing in it is checked beyond its MAC. */
export interface DeeplinkFields {
  readonly nodeKey: string
  /** The node's lock key, in the form for people: `tlpub:`. */
  readonly lockPublic: string
  readonly deviceName: string
  readonly osName: string
  readonly loginName: string
}

/** The fields of a link with the right MAC, or why it has none. */
export type DeeplinkVerdict =
  | { readonly isValid: true; readonly fields: DeeplinkFields }
  | { readonly isValid: false; readonly error: string }

/**
 * Returns a link for a node.
 *
 * @throws TkaError `bad-text` if a key has no prefix or a text is empty
 */
export function newDeeplink(stateId1: bigint, fields: DeeplinkFields): string {
  const refuse = (what: string, got: string): TkaError =>
    new TkaError('bad-text', `Cannot make signing link: invalid ${what} ${JSON.stringify(got)}`)
  const { nodeKey, lockPublic, deviceName, osName, loginName } = fields
  if (!nodeKey.startsWith('nodekey:')) throw refuse('node key', nodeKey)
  if (!lockPublic.startsWith('tlpub:')) throw refuse('lock key', lockPublic)
  if (deviceName === '') throw refuse('device name', deviceName)
  if (osName === '') throw refuse('system name', osName)
  if (loginName === '') throw refuse('login name', loginName)
  const parameters = [
    ['dn', deviceName],
    ['em', loginName],
    ['hm', toHex(deeplinkMac(stateId1, fields))],
    ['nk', nodeKey],
    ['os', osName],
    ['tp', lockPublic],
  ] as const
  const query = parameters.map(([name, value]) => `${name}=${escapeParameter(value)}`)
  return `tailscale://sign-device/v1/?${query.join('&')}`
}

/**
 * Returns the fields of a link if its MAC is right. An empty system name is accepted, as official
 * software does.
 */
export function validateDeeplink(stateId1: bigint, url: string): DeeplinkVerdict {
  const read = readDeeplinkUrl(url)
  if (!read.ok) return { isValid: false, error: read.error }
  const value = (name: string): string => read.parameters.get(name) ?? ''
  const fields: DeeplinkFields = {
    nodeKey: value('nk'),
    lockPublic: value('tp'),
    deviceName: value('dn'),
    osName: value('os'),
    loginName: value('em'),
  }
  const required = [
    ['nk (NodeKey)', fields.nodeKey],
    ['tp (TLPub)', fields.lockPublic],
    ['dn (DeviceName)', fields.deviceName],
    ['em (EmailAddress)', fields.loginName],
    ['hm (HMAC)', value('hm')],
  ] as const
  const missing = required.find(([, text]) => text === '')
  if (missing) return { isValid: false, error: `missing ${missing[0]} query parameter` }
  const mac = parseMac(value('hm'))
  if (!mac) return { isValid: false, error: 'could not hex-decode hmac' }
  if (!equalBytesConstantTime(mac, deeplinkMac(stateId1, fields))) {
    return { isValid: false, error: 'hmac authentication failed' }
  }
  return { isValid: true, fields }
}

function parseMac(text: string): Uint8Array | null {
  try {
    return fromHex(text)
  } catch {
    // The one reason that fromHex has is the one that the caller reports.
    return null
  }
}

function deeplinkMac(stateId1: bigint, fields: DeeplinkFields): Uint8Array {
  const key = new Uint8Array(8)
  new DataView(key.buffer).setBigUint64(0, stateId1, true)
  const { nodeKey, lockPublic, deviceName, osName, loginName } = fields
  const texts = [nodeKey, lockPublic, deviceName, osName, loginName]
  return hmacSha256(key, concatBytes(...texts.map(encodeUtf8)))
}

/** Escapes all but letters, digits and `-_.~`; a space becomes a plus. */
function escapeParameter(text: string): string {
  let out = ''
  for (const byte of encodeUtf8(text)) {
    const character = String.fromCharCode(byte)
    if (/[A-Za-z0-9\-_.~]/.test(character)) out += character
    else if (character === ' ') out += '+'
    else out += `%${toHex(Uint8Array.of(byte)).toUpperCase()}`
  }
  return out
}
