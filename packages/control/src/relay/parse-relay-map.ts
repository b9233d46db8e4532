// SPDX-License-Identifier: Apache-2.0

/**
 * A map of outside relays, in YAML or JSON as its users have them. It comes from elsewhere and goes to every node, so
 * whatever could hurt there is refused: regions that are null (clients remove those), numbers that do not fit,
 * and relays whose certificate would not be checked.
 *
 * @module
 */

import { isIPv4, isIPv6 } from 'node:net'
import { parse as parseYaml } from 'yaml'
import { derpMap, parseJson } from '@signet/protocol'
import type { DERPMap, DERPNode, DERPRegion } from '@signet/protocol'
import {
  MAX_MAP_BYTES,
  MAX_MAP_NODES_PER_REGION,
  MAX_MAP_REGIONS,
  MAX_YAML_MARKS,
} from './limits.ts'

/** Regions by their numbers, and the weights for the choice of a home. */
export interface RelayMap {
  readonly regions: ReadonlyMap<number, DERPRegion>
  readonly scores: ReadonlyMap<number, number>
}

/** Why a map is not used. */
export class RelayMapError extends Error {
  override readonly name = 'RelayMapError'
}

/** Parses a map. @throws RelayMapError naming what is wrong with it */
export function parseRelayMap(text: string): RelayMap {
  if (Buffer.byteLength(text) > MAX_MAP_BYTES) refuse(`it exceeds ${MAX_MAP_BYTES} bytes`)
  const map = decode(text)
  const entries = Object.entries(map.Regions ?? {})
  if (entries.length === 0) refuse('it has no regions')
  if (entries.length > MAX_MAP_REGIONS) refuse(`it has more than ${MAX_MAP_REGIONS} regions`)
  const regions = new Map<number, DERPRegion>()
  for (const [key, region] of entries) {
    const id = Number(key)
    if (region === null) refuse(`region ${key} is null`)
    regions.set(id, checkRegion(id, region))
  }
  const scores = new Map<number, number>()
  for (const [key, score] of Object.entries(map.HomeParams?.RegionScore ?? {})) {
    if (!Number.isFinite(score) || score <= 0) refuse(`the score of region ${key} is not positive`)
    scores.set(Number(key), score)
  }
  return { regions, scores }
}

/** YAML, of which JSON is a part; names in any case, as the official programs read them. */
function decode(text: string): DERPMap {
  try {
    const isJson = text.trimStart().startsWith('{')
    return parseJson(derpMap, isJson ? text : yamlToJson(text))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause)
    throw new RelayMapError(`Cannot use relay map: ${reason}`, { cause })
  }
}

/** Counted before it is parsed: what comes from elsewhere must not hold up everybody. */
function yamlToJson(text: string): string {
  let marks = 0
  for (const _ of text.matchAll(/[[\]{},:?#&*!|>'"%@`\n-]/g)) {
    if (++marks > MAX_YAML_MARKS) throw new RelayMapError('it is too large for YAML; use JSON')
  }
  // That keys are unique is looked at by comparing each with each.
  return JSON.stringify(parseYaml(text, { maxAliasCount: 0, uniqueKeys: false }) ?? {})
}

function checkRegion(id: number, region: DERPRegion): DERPRegion {
  const at = `region ${id}`
  // Clients put the number into a port.
  if (!isWithin(id, 1, 65_535)) refuse(`${at} is not a number from 1 to 65535`)
  if (region.RegionID !== 0 && region.RegionID !== id) {
    refuse(`${at} calls itself ${region.RegionID}`)
  }
  checkText(`the code of ${at}`, region.RegionCode, 64)
  checkText(`the name of ${at}`, region.RegionName, 128)
  const nodes = region.Nodes ?? []
  if (nodes.length === 0) refuse(`${at} has no relays`)
  if (nodes.length > MAX_MAP_NODES_PER_REGION) {
    refuse(`${at} has more than ${MAX_MAP_NODES_PER_REGION} relays`)
  }
  const names = new Set<string>()
  const checked = nodes.map((node) => {
    if (node === null) refuse(`a relay of ${at} is null`)
    if (names.has(node.Name)) refuse(`${at} has two relays named ${JSON.stringify(node.Name)}`)
    names.add(node.Name)
    return checkNode(id, node)
  })
  return { ...region, RegionID: id, Nodes: checked }
}

function checkNode(region: number, node: DERPNode): DERPNode {
  const at = `relay ${JSON.stringify(node.Name)} of region ${region}`
  checkText(`the name of ${at}`, node.Name, 64)
  if (node.RegionID !== 0 && node.RegionID !== region) {
    refuse(`${at} says that it belongs to region ${node.RegionID}`)
  }
  if (!isHost(node.HostName)) refuse(`${at} has no usable host name`)
  const { IPv4: four = '', IPv6: six = '', CertName: cert = '' } = node
  if (four !== '' && four !== 'none' && !isIPv4(four)) refuse(`${at} has a bad IPv4 address`)
  if (six !== '' && six !== 'none' && !isIPv6(six)) refuse(`${at} has a bad IPv6 address`)
  if (cert !== '' && !isHost(cert) && !/^sha256-raw:[0-9a-f]{64}$/.test(cert)) {
    refuse(`${at} has a bad certificate name`)
  }
  if (!isWithin(node.STUNPort ?? 0, -1, 65_535)) refuse(`${at} has a bad STUN port`)
  if (!isWithin(node.DERPPort ?? 0, 0, 65_535)) refuse(`${at} has a bad port`)
  if (node.InsecureForTests === true) refuse(`${at} would have its certificate not checked`)
  const { STUNTestIP: _forTests, ...rest } = node
  return { ...rest, RegionID: region }
}

function isHost(text: string): boolean {
  const label = /^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/
  if (isIPv4(text) || isIPv6(text)) return true
  const labels = text.replace(/\.$/, '').split('.')
  return text.length <= 253 && labels.every((each) => label.test(each))
}

function checkText(what: string, text: string, longest: number): void {
  // Shown on terminals: no control characters.
  const isFine = text !== '' && text.length <= longest && !/\p{C}/u.test(text)
  if (!isFine) refuse(`${what} is not a text of 1 to ${longest} characters`)
}

function isWithin(value: number, min: number, max: number): boolean {
  return Number.isInteger(value) && value >= min && value <= max
}

function refuse(reason: string): never {
  throw new RelayMapError(`Cannot use relay map: ${reason}`)
}
