// SPDX-License-Identifier: Apache-2.0

/**
 * Names under which nodes are shown, made out of domain name and host name.
 *
 * @module
 */

import { encodeUtf8 } from '@signet/codec'
import type { ControlNode } from './control-node.ts'

const MAX_LABEL = 63
const SEPARATORS: ReadonlySet<string> = new Set([' ', '.', '@', '_'])

/** Returns what all names of the network end with, without dots at the ends: `t.example`. */
export function magicDnsSuffix(selfName: string): string {
  const name = selfName.replace(/^\.+|\.+$/g, '')
  const dot = name.indexOf('.')
  return dot < 0 ? name : name.slice(dot + 1)
}

/** Returns the node with its display names filled in. */
export function withDisplayNames(node: ControlNode, suffix: string): ControlNode {
  let name = trimSuffix(node.Name, suffix)
  let host = node.Hostinfo === undefined ? '' : sanitizeHostname(node.Hostinfo.Hostname ?? '')
  if (name.toLowerCase() === host) host = ''
  if (name === '') {
    name = host === '' ? node.Key : host
    host = ''
  }
  return {
    ...node,
    ComputedName: name,
    ComputedNameWithHost: host === '' ? name : `${name} (${host})`,
  }
}

function trimSuffix(name: string, suffix: string): string {
  const bare = withoutDot(name)
  const end = withoutDot(suffix).replace(/^\./, '')
  const matches = bare.endsWith(`.${end}`) && end !== ''
  return withoutDot(matches ? bare.slice(0, -end.length) : name)
}

function withoutDot(name: string): string {
  return name.endsWith('.') ? name.slice(0, -1) : name
}

/** Returns a host name as a DNS label: lower case, nothing but letters, digits and hyphens. */
export function sanitizeHostname(hostname: string): string {
  let short = hostname
  for (const suffix of ['.local', '.localdomain', '.lan']) {
    if (short.endsWith(suffix)) short = short.slice(0, -suffix.length)
  }
  // Bytes beyond ASCII count towards the length, and are then dropped.
  const label = Array.from(encodeUtf8(short).subarray(0, MAX_LABEL), (byte) =>
    String.fromCharCode(byte),
  )
  const first = label.findIndex(isAlphanumeric)
  if (first < 0) return ''
  const kept = label.slice(first, label.findLastIndex(isAlphanumeric) + 1)
  return kept
    .map((char) => (SEPARATORS.has(char) ? '-' : /[a-zA-Z0-9-]/.test(char) ? char : ''))
    .join('')
    .toLowerCase()
}

function isAlphanumeric(char: string): boolean {
  return /[a-zA-Z0-9]/.test(char)
}
