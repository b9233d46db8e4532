// SPDX-License-Identifier: Apache-2.0

/**
 * Signing links, the URL: taken apart like Go's net/url does, as far as a link can be valid.
 *
 * The platform's URL class is no help: it lower-cases hosts, resolves dots in paths and repairs
 * what Go refuses.
 *
 * @module
 */

import { decodeUtf8, encodeUtf8 } from '@signet/codec'

/** The parameters of a link of the right form, or why it has another. */
export type DeeplinkUrl =
  | { readonly ok: true; readonly parameters: ReadonlyMap<string, string> }
  | { readonly ok: false; readonly error: string }

/** Parameters that Go reads at most; a query of more is no query. */
const MAX_PARAMETERS = 10_000

/** Takes a link apart: scheme, host, path, then the first value of each parameter. */
export function readDeeplinkUrl(url: string): DeeplinkUrl {
  const [body, fragment] = cut(url, '#')
  if (hasControlCharacter(body)) return failed('invalid control character in URL')
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(body)?.[1]?.toLowerCase()
  if (scheme !== 'tailscale') return failed(`unhandled scheme ${scheme ?? ''}, expected tailscale`)
  const [address, query] = cut(body.slice(scheme.length + 1), '?')
  // Without two slashes there is no host, so nothing further matters.
  if (!address.startsWith('//')) return failed('unhandled host , expected sign-device')
  const slash = address.indexOf('/', 2)
  const authority = address.slice(2, slash === -1 ? undefined : slash)
  const path = slash === -1 ? '' : address.slice(slash)
  const at = authority.lastIndexOf('@')
  if (at !== -1 && !isUserInfo(authority.slice(0, at))) return failed('invalid userinfo')
  const host = authority.slice(at + 1)
  if (host !== 'sign-device') return failed(`unhandled host ${host}, expected sign-device`)
  if (percentDecode(fragment, false) === null) return failed('invalid URL escape')
  const pathError = checkPath(path)
  return pathError === null ? { ok: true, parameters: readQuery(query) } : failed(pathError)
}

function failed(error: string): DeeplinkUrl {
  return { ok: false, error }
}

function cut(text: string, separator: string): [before: string, after: string] {
  const at = text.indexOf(separator)
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)]
}

function hasControlCharacter(text: string): boolean {
  return encodeUtf8(text).some((byte) => byte < 0x20 || byte === 0x7f)
}

function isUserInfo(text: string): boolean {
  return /^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(text) && percentDecode(text, false) !== null
}

/** The path has to be `/v1/` and one segment, which may be empty and is not looked at. */
function checkPath(path: string): string | null {
  const decoded = percentDecode(path, false)
  if (decoded === null) return 'invalid URL escape'
  // A path that could have been written as it stands is judged as it stands; any other is first
  // decoded and written anew, by which escaped slashes turn into slashes.
  const isAsWritten = /^[A-Za-z0-9\-_.~$&+,/:;=@!'()*[\]%]*$/.test(path)
  const segments = isAsWritten ? path.split('/') : latin1(decoded).split('/')
  if (segments.length !== 3) return 'invalid path components number found'
  const version = segments[1] ?? ''
  if (version === 'v1') return null
  return `expected v1 deeplink version, found something else: ${version}`
}

/** The first value of each parameter. Parameters that cannot be read are passed over. */
function readQuery(query: string): Map<string, string> {
  const parameters = new Map<string, string>()
  const pieces = query.split('&')
  if (pieces.length > MAX_PARAMETERS) return parameters
  for (const piece of pieces) {
    if (piece === '' || piece.includes(';')) continue
    const [name, value] = cut(piece, '=').map(decodeParameter)
    if (typeof name !== 'string' || typeof value !== 'string') continue
    if (!parameters.has(name)) parameters.set(name, value)
  }
  return parameters
}

/** Null if the text cannot be read. Stricter than Go: escapes that are no UTF-8 are refused. */
function decodeParameter(text: string): string | null {
  const bytes = percentDecode(text, true)
  if (bytes === null) return null
  try {
    return decodeUtf8(bytes)
  } catch {
    // Such a parameter counts as missing, which the caller reports.
    return null
  }
}

/** The bytes of escaped text, or null if a percent sign is not followed by two digits. */
function percentDecode(text: string, plusIsSpace: boolean): Uint8Array | null {
  const out: number[] = []
  const bytes = encodeUtf8(text)
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0
    if (byte === 0x25) {
      const digits = String.fromCharCode(bytes[i + 1] ?? 0, bytes[i + 2] ?? 0)
      if (!/^[0-9A-Fa-f]{2}$/.test(digits)) return null
      out.push(Number.parseInt(digits, 16))
      i += 2
    } else {
      out.push(plusIsSpace && byte === 0x2b ? 0x20 : byte)
    }
  }
  return Uint8Array.from(out)
}

function latin1(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')
}
