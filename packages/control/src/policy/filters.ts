// SPDX-License-Identifier: Apache-2.0

/**
 * Packet filters: of all rules, those whose destination is one node or what lies behind it.
 *
 * Everything is spelled out in addresses. A source that is `*` means the addresses of the tailnet and the
 * approved subnets, not the whole world: an exit node is no way in.
 *
 * @module
 */

import type { IpPrefix } from '@signet/protocol'
import { isExitRoute } from '../tailnet/routes.ts'
import type { Directory, DirectoryNode } from './directory.ts'
import type { PolicyDocument } from './document.ts'
import type { Faults } from './faults.ts'
import { checkTraffic, readPorts, readProtocol, readTraffic } from './ports.ts'
import type { PortRange, Traffic } from './ports.ts'
import { intersection, prefixText, readPrefix, without } from './prefixes.ts'
import { isMeant, nodesOf, readSelector } from './selectors.ts'
import type { Selector } from './selectors.ts'

/** A destination and what may reach it there. */
interface Destination {
  readonly selector: Selector
  readonly traffic: readonly Traffic[]
}

/** One rule, checked. */
export interface FilterSource {
  readonly src: readonly Selector[]
  readonly destinations: readonly Destination[]
  /** Capabilities that the sources have at the destinations, as JSON. */
  readonly app: string | null
}

/** Addresses that nodes have. */
const TAILNET = ['100.64.0.0/10', 'fd7a:115c:a1e0::/48']
/** What is not the public internet. */
const PRIVATE = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '224.0.0.0/3',
]
const INTERNET: readonly IpPrefix[] = [
  ...without(prefixOf('0.0.0.0/0'), PRIVATE.map(prefixOf)),
  prefixOf('2000::/3'),
]

/** Checks the rules of a policy. What is wrong is collected. */
export function readFilters(document: PolicyDocument, faults: Faults): readonly FilterSource[] {
  const acls = document.acls.map((rule, index): FilterSource => {
    const at = ['acls', index]
    const protocols = faults.try([...at, 'proto'], () => readProtocol(rule.proto)) ?? []
    return {
      src: readSources(document, rule.src, [...at, 'src'], faults),
      destinations: rule.dst.flatMap((text, position) => {
        const found = faults.try([...at, 'dst', position], () => {
          const [host, ports] = splitPorts(text)
          const traffic = { protocols, ports: readPorts(ports) }
          checkTraffic(traffic)
          return { selector: readSelector(document, host, 'dst'), traffic: [traffic] }
        })
        return found ?? []
      }),
      app: null,
    }
  })
  const grants = document.grants.flatMap((grant, index): readonly FilterSource[] => {
    const at = ['grants', index]
    const src = readSources(document, grant.src, [...at, 'src'], faults)
    const traffic = (grant.ip ?? []).flatMap(
      (text, position) => faults.try([...at, 'ip', position], () => readTraffic(text)) ?? [],
    )
    const destinations = grant.dst.flatMap((text, position) => {
      const selector = faults.try([...at, 'dst', position], () =>
        readSelector(document, text, 'dst'),
      )
      return selector === undefined ? [] : [{ selector, traffic }]
    })
    const app = grant.app === undefined ? null : JSON.stringify(grant.app)
    return [
      ...(traffic.length > 0 ? [{ src, destinations, app: null }] : []),
      ...(app === null ? [] : [{ src, destinations, app }]),
    ]
  })
  return [...acls, ...grants]
}

/** Checks a list of sources. */
export function readSources(
  document: PolicyDocument,
  texts: readonly string[],
  path: readonly PropertyKey[],
  faults: Faults,
): readonly Selector[] {
  return texts.flatMap(
    (text, index) => faults.try([...path, index], () => readSelector(document, text, 'src')) ?? [],
  )
}

/** The named filters of one node, as they are sent. An empty list lets nothing in. */
export function filtersFor(
  rules: readonly FilterSource[],
  directory: Directory,
  node: DirectoryNode,
): string {
  const parts: string[] = []
  for (const rule of rules) {
    for (const isSelf of [false, true]) {
      const destinations = rule.destinations.filter(
        ({ selector }) => (selector.kind === 'self') === isSelf,
      )
      const reached = destinations.map(({ selector, traffic }) => ({
        targets: targetsAt(selector, node),
        traffic,
      }))
      if (!reached.some(({ targets }) => targets.length > 0)) continue
      const src = isSelf ? ownSources(rule, directory, node) : sourcesOf(rule, directory)
      if (src.length === 0) continue
      parts.push(...rulesJson(JSON.stringify(src), reached, rule.app))
    }
  }
  return `{"base":[${parts.join(',')}]}`
}

interface Reached {
  readonly targets: readonly IpPrefix[]
  readonly traffic: readonly Traffic[]
}

function rulesJson(src: string, reached: readonly Reached[], app: string | null): string[] {
  if (app !== null) {
    const dsts = reached.flatMap(({ targets }) => targets.map(wholePrefixText))
    return [`{"SrcIPs":${src},"CapGrant":[{"Dsts":${JSON.stringify(dsts)},"CapMap":${app}}]}`]
  }
  const byProtocols = new Map<string, { IP: string; Ports: PortRange }[]>()
  for (const { targets, traffic } of reached) {
    for (const { protocols, ports } of traffic) {
      const key = JSON.stringify(protocols)
      const list = byProtocols.get(key) ?? []
      byProtocols.set(key, list)
      for (const target of targets) {
        for (const range of ports) list.push({ IP: prefixText(target), Ports: range })
      }
    }
  }
  return [...byProtocols]
    .filter(([, list]) => list.length > 0)
    .map(([protocols, list]) => {
      const proto = protocols === '[]' ? '' : `,"IPProto":${protocols}`
      return `{"SrcIPs":${src},"DstPorts":${JSON.stringify(list)}${proto}}`
    })
}

/** What a destination means at this node: its own addresses, and networks behind it. */
function targetsAt(selector: Selector, node: DirectoryNode): readonly IpPrefix[] {
  switch (selector.kind) {
    case 'everything':
      return [...node.own, ...node.routes]
    case 'nodes':
      return selector.matches(node) ? node.own : []
    case 'self':
      return node.user === null ? [] : node.own
    case 'prefix':
      return [...node.own, ...node.routes].flatMap(
        (held) => intersection(held, selector.prefix) ?? [],
      )
    case 'internet':
      break
  }
  return node.routes
    .filter((route) => route.bits === 0)
    .flatMap((route) => INTERNET.filter(({ bytes }) => bytes.length === route.bytes.length))
}

const sourceCache = new WeakMap<Directory, Map<FilterSource, readonly string[]>>()

/** The addresses that a rule lets in: the same for every node. */
function sourcesOf(rule: FilterSource, directory: Directory): readonly string[] {
  let cache = sourceCache.get(directory)
  if (cache === undefined) sourceCache.set(directory, (cache = new Map()))
  let sources = cache.get(rule)
  if (sources === undefined) {
    const nodes = rule.src.filter(({ kind }) => kind === 'nodes')
    sources = [
      ...new Set([
        ...rule.src.flatMap((selector) => networksOf(selector, directory)),
        ...nodesOf(directory, nodes).flatMap(({ addresses }) => addresses),
      ]),
    ]
    cache.set(rule, sources)
  }
  return sources
}

function networksOf(selector: Selector, directory: Directory): readonly string[] {
  if (selector.kind === 'prefix') return [prefixText(selector.prefix)]
  if (selector.kind !== 'everything') return []
  const subnets = [...directory.nodes.values()].flatMap(({ routes }) =>
    routes.map(wholePrefixText).filter((route) => !isExitRoute(route)),
  )
  return [...TAILNET, ...subnets]
}

/** For `autogroup:self`: the other nodes of the same user, as far as the rule means them. */
function ownSources(
  rule: FilterSource,
  directory: Directory,
  { user }: DirectoryNode,
): readonly string[] {
  return [...directory.nodes.values()]
    .filter((other) => other.user !== null && other.user.id === user?.id)
    .filter((other) => isMeant(rule.src, other))
    .flatMap(({ addresses }) => addresses)
}

function wholePrefixText({ bytes, bits }: IpPrefix): string {
  const text = prefixText({ bytes, bits })
  return text.includes('/') ? text : `${text}/${bits}`
}

/** `host:ports`, of which the host may have colons itself. */
export function splitPorts(text: string): readonly [host: string, ports: string] {
  const colon = text.lastIndexOf(':')
  const host = text.slice(0, Math.max(0, colon))
  return [host.replace(/^\[(.*)\]$/, '$1'), text.slice(colon + 1)]
}

function prefixOf(text: string): IpPrefix {
  const prefix = readPrefix(text)
  if (prefix === null) throw new TypeError(`Not a prefix: ${text}`)
  return prefix
}
