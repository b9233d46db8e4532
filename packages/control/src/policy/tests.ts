// SPDX-License-Identifier: Apache-2.0

/**
 * The `tests` of a policy: who must reach what, and who must not. A policy whose own tests fail is not used.
 *
 * Each is tried on two nodes made up for it, one that is the source and one that is, or carries, the
 * destination, with the very filters that nodes get. A user is a member here, whatever role they have.
 *
 * @module
 */

import { ControlError } from '../errors.ts'
import type { Directory, DirectoryNode } from './directory.ts'
import type { PolicyDocument } from './document.ts'
import type { Faults } from './faults.ts'
import { filtersFor, splitPorts } from './filters.ts'
import type { FilterSource } from './filters.ts'
import { readPorts, readProtocol } from './ports.ts'
import type { PortRange } from './ports.ts'
import { contains, prefixText, readPrefix } from './prefixes.ts'
import { readSelector } from './selectors.ts'

/** One rule as it is sent. */
interface SentRule {
  readonly SrcIPs: readonly string[]
  readonly DstPorts?: readonly { readonly IP: string; readonly Ports: PortRange }[]
  readonly IPProto?: readonly number[]
}

/** What rules without protocols let in. */
const USUAL_PROTOCOLS = [1, 6, 17, 58]
const TCP = 6

/** Runs the tests; each that fails is a fault. */
export function runTests(
  document: PolicyDocument,
  rules: readonly FilterSource[],
  faults: Faults,
): void {
  for (const [index, test] of document.tests.entries()) {
    const at = ['tests', index]
    const protocol =
      faults.try([...at, 'proto'], () =>
        readProtocol(test.proto === '' ? undefined : test.proto),
      ) ?? []
    const source = faults.try([...at, 'src'], () => nodeFor(document, test.src, 1))
    if (source === undefined) continue
    for (const outcome of ['accept', 'deny'] as const) {
      for (const [position, text] of (test[outcome] ?? []).entries()) {
        faults.try([...at, outcome, position], () => {
          const reached = isReached(document, rules, source, text, protocol[0] ?? TCP)
          if (reached === (outcome === 'accept')) return
          const verb = reached ? 'reaches' : 'does not reach'
          throw new ControlError('bad-policy', `the test fails: ${test.src} ${verb} ${text}`)
        })
      }
    }
  }
}

function isReached(
  document: PolicyDocument,
  rules: readonly FilterSource[],
  source: MadeUp,
  text: string,
  protocol: number,
): boolean {
  const [host, ports] = splitPorts(text)
  const [range, ...others] = readPorts(ports)
  if (range === undefined || others.length > 0 || range.First !== range.Last) {
    throw new ControlError('bad-policy', 'a test names one port')
  }
  const target = withUserOf(nodeFor(document, host, 2), source)
  const directory: Directory = {
    nodes: new Map([source, target].map(({ node }) => [node.id, node])),
  }
  const sent = JSON.parse(filtersFor(rules, directory, target.node)) as { base: SentRule[] }
  return sent.base.some(
    (rule) =>
      (rule.IPProto ?? USUAL_PROTOCOLS).includes(protocol) &&
      rule.SrcIPs.some((prefix) => isInside(source.address, prefix)) &&
      (rule.DstPorts ?? []).some(
        ({ IP, Ports }) =>
          isInside(target.address, IP) && Ports.First <= range.First && range.First <= Ports.Last,
      ),
  )
}

/** A node that a selector means, and the address under which it is meant. */
interface MadeUp {
  readonly node: DirectoryNode
  readonly address: string
}

function nodeFor(document: PolicyDocument, text: string, id: number): MadeUp {
  const own = `100.64.0.${id}`
  const node: DirectoryNode = {
    id,
    user: null,
    tags: [],
    addresses: [own],
    own: [own].flatMap((address) => readPrefix(address) ?? []),
    routes: [],
  }
  if (text.startsWith('tag:')) {
    readSelector(document, text, 'src')
    return { node: { ...node, tags: [text] }, address: own }
  }
  const member = text.startsWith('group:') ? document.groups[text]?.[0] : text
  if (member?.includes('@') === true) {
    readSelector(document, text, 'src')
    const name = member.replace(/@$/, '')
    return { node: { ...node, user: { id, name, role: 'member' } }, address: own }
  }
  const selector = readSelector(document, text, 'src')
  if (selector.kind !== 'prefix') {
    throw new ControlError('bad-policy', 'a test is about a user, a tag, a host or an address')
  }
  const { bytes } = selector.prefix
  const address = prefixText({ bytes, bits: bytes.length * 8 })
  return { node: { ...node, routes: [selector.prefix] }, address }
}

/** The same user on both sides is one user, so that what is their own is found. */
function withUserOf(target: MadeUp, source: MadeUp): MadeUp {
  const { user } = source.node
  if (user === null || user.name !== target.node.user?.name) return target
  return { ...target, node: { ...target.node, user } }
}

function isInside(address: string, text: string): boolean {
  const inner = readPrefix(address)
  const outer = readPrefix(text)
  return inner !== null && outer !== null && contains(outer, inner)
}
