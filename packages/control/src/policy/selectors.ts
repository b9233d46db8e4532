// SPDX-License-Identifier: Apache-2.0

/**
 * Who is meant: users, groups, tags, hosts, addresses and the built-in groups, as policies write them.
 *
 * A selector is checked once, against the policy itself. Which nodes it means is asked again and again. A
 * user who does not exist is nobody, and may come later.
 *
 * @module
 */

import { ControlError } from '../errors.ts'
import type { IpPrefix } from '@signet/protocol'
import type { Directory, DirectoryNode } from './directory.ts'
import type { PolicyDocument } from './document.ts'
import { contains, readPrefix } from './prefixes.ts'

/** A checked selector. */
export type Selector =
  | { readonly kind: 'everything' }
  /** The public internet, through an exit node. Destinations only. */
  | { readonly kind: 'internet' }
  /** The nodes of whoever asks. Destinations only. */
  | { readonly kind: 'self' }
  | { readonly kind: 'prefix'; readonly prefix: IpPrefix }
  | { readonly kind: 'nodes'; readonly matches: (node: DirectoryNode) => boolean }

/** Where a selector stands. */
export type Place = 'src' | 'dst' | 'ssh-dst' | 'owner'

/** Checks a selector. @throws ControlError 'bad-policy' */
export function readSelector(document: PolicyDocument, text: string, place: Place): Selector {
  if (text === '*') return { kind: 'everything' }
  if (text === 'autogroup:internet' && place === 'dst') return { kind: 'internet' }
  if (text === 'autogroup:self' && (place === 'dst' || place === 'ssh-dst')) return { kind: 'self' }
  const matches = nodesMeant(document, text)
  if (matches !== null) return { kind: 'nodes', matches }
  const host = Object.hasOwn(document.hosts, text) ? document.hosts[text] : undefined
  const prefix = readPrefix(host ?? text)
  if (prefix !== null && (place === 'src' || place === 'dst')) return { kind: 'prefix', prefix }
  throw unknown(text, place)
}

/** Nodes that a selector means by what they are; null when it is of another kind. */
function nodesMeant(
  document: PolicyDocument,
  text: string,
): ((node: DirectoryNode) => boolean) | null {
  switch (text) {
    case 'autogroup:member':
    case 'autogroup:members':
      return ({ user }) => user !== null
    case 'autogroup:tagged':
      return ({ tags }) => tags.length > 0
    case 'autogroup:admin':
      return ({ user }) => user?.role === 'admin' || user?.role === 'owner'
    case 'autogroup:owner':
      return ({ user }) => user?.role === 'owner'
    default:
  }
  if (text.startsWith('tag:')) {
    if (!Object.hasOwn(document.tagOwners, text)) {
      throw new ControlError('bad-policy', `${JSON.stringify(text)} is not among the tagOwners`)
    }
    return ({ tags }) => tags.includes(text)
  }
  if (text.startsWith('group:')) {
    const names = groupMembers(document, text)
    return ({ user }) => user !== null && names.some((name) => isUser(name, user.name))
  }
  if (text.includes('@')) return ({ user }) => user !== null && isUser(text, user.name)
  return null
}

/** The users of a group. @throws ControlError 'bad-policy' */
function groupMembers(document: PolicyDocument, name: string): readonly string[] {
  const members = Object.hasOwn(document.groups, name) ? document.groups[name] : undefined
  if (members === undefined) {
    throw new ControlError('bad-policy', `${JSON.stringify(name)} is not among the groups`)
  }
  return members
}

/** A member of a group is a user; groups do not hold groups. @throws ControlError 'bad-policy' */
export function checkMember(text: string): void {
  if (text.includes('@') && !text.includes(':')) return
  throw new ControlError(
    'bad-policy',
    `${JSON.stringify(text)} is no user: write ann@ for the user ann, or ann@example.com`,
  )
}

/** `ann@` is the user ann, `ann@example.com` the user of exactly this name. */
function isUser(text: string, name: string): boolean {
  return text === name || text === `${name}@`
}

function unknown(text: string, place: Place): ControlError {
  const hint = /^[A-Za-z0-9._-]+$/.test(text) ? `; write ${text}@ for a user of this name` : ''
  const what = place === 'src' ? 'source' : place === 'owner' ? 'owner' : 'destination'
  return new ControlError('bad-policy', `${JSON.stringify(text)} is no ${what}${hint}`)
}

/** The nodes that selectors mean, in the order of the directory. */
export function nodesOf(
  directory: Directory,
  selectors: readonly Selector[],
): readonly DirectoryNode[] {
  return [...directory.nodes.values()].filter((node) => isMeant(selectors, node))
}

/** Whether one of the selectors means this node itself. */
export function isMeant(selectors: readonly Selector[], node: DirectoryNode): boolean {
  return selectors.some((selector) => {
    switch (selector.kind) {
      case 'everything':
        return true
      case 'nodes':
        return selector.matches(node)
      case 'prefix':
        return node.own.some((address) => contains(selector.prefix, address))
      case 'internet':
      case 'self':
        break
    }
    return false
  })
}
