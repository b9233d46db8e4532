// SPDX-License-Identifier: Apache-2.0

/**
 * The packet filter of a running node: follows the map, and stands between the tunnel and the driver.
 *
 * Until the first map it lets in answers only. The rules are the server's word: they keep peers from
 * what the owners closed, and are no protection from the server.
 *
 * @module
 */

import { createPacketFilter, Flows, type Match, type PacketFilter, readRules } from '@signet/filter'
import {
  type ControlNode,
  type FilterRule,
  formatAddress,
  type IpPrefix,
  parsePrefix,
} from '@signet/protocol'

/** What the tunnel asks about each packet. */
export type PacketGuard = Pick<PacketFilter, 'admits' | 'sends'>

/** What a filter depends on. */
export type FilteringInput = {
  /** This node's own prefixes. */
  readonly addresses: readonly string[]
  readonly peers: readonly ControlNode[]
  readonly rules: readonly FilterRule[]
  /** Whether the user wants nothing to come in. */
  readonly shieldsUp: boolean
}

/** See the module comment. */
export type Filtering = PacketGuard & {
  /** Makes these the rules. Returns what in them could not be read; the same rules again cost nothing. */
  update(input: FilteringInput): readonly string[]
}

/** Creates a filter without rules. */
export function createFiltering(): Filtering {
  const flows = new Flows()
  let filter = createPacketFilter({ matches: [], local: [], flows })
  let known: FilteringInput | undefined
  let read = readRules([])
  return {
    admits: (packet) => filter.admits(packet),
    sends: (packet) => filter.sends(packet),
    update(input) {
      const before = known
      known = input
      const isNewRules = before?.rules !== input.rules
      if (isNewRules) read = readRules(input.rules)
      // Peers count only where a rule names them by what they can do.
      const byCap = read.matches.some(({ sourceCaps }) => sourceCaps.length > 0)
      const isSame =
        !isNewRules &&
        before?.shieldsUp === input.shieldsUp &&
        sameTexts(before.addresses, input.addresses) &&
        (!byCap || before.peers === input.peers)
      if (isSame) return []
      const matches: readonly Match[] = input.shieldsUp ? [] : read.matches
      filter = createPacketFilter({
        matches,
        local: readLocal(input.addresses),
        hasCap: byCap ? capsOf(input.peers) : () => false,
        flows,
      })
      return isNewRules ? read.problems : []
    },
  }
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, i) => text === b[i])
}

/** The map's reader has made every prefix canonical; "" is the invalid one. */
function readLocal(addresses: readonly string[]): IpPrefix[] {
  return addresses.filter((text) => text !== '').map((text) => parsePrefix(text))
}

/** Only an admitted peer can send from its addresses, so they tell who it is. */
function capsOf(peers: readonly ControlNode[]): (source: Uint8Array, cap: string) => boolean {
  const caps = new Map<string, ReadonlySet<string>>()
  for (const { Addresses, CapMap } of peers) {
    const names = new Set(Object.keys(CapMap ?? {}))
    if (names.size === 0) continue
    for (const prefix of Addresses ?? []) caps.set(prefix, names)
  }
  return (source, cap) => {
    const prefix = `${formatAddress({ bytes: source, zone: '' })}/${source.length * 8}`
    return caps.get(prefix)?.has(cap) === true
  }
}
