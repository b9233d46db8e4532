// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import {
  type Codec,
  controlNode,
  derpMap,
  displayMessage,
  dnsConfig,
  encodeJson,
  filterRule,
  type MapResponse,
  type NetmapChange,
  NetmapSession,
  parseMapResponse,
  sshPolicy,
  userProfile,
} from '../src/index.ts'

interface Step {
  response: string
  state_changes: Record<string, unknown>
  updates: string[]
}

const url = new URL('../../../vectors/wire/netmap-delta.json', import.meta.url)
const { cases } = JSON.parse(readFileSync(url, 'utf8')) as {
  cases: { name: string; now: string; steps: Step[] }[]
}

/**
 * Official clients keep the signature of a peer whose new description has none (Q66). Ours drops it:
 * what is not signed by what the server shows now is not signed.
 */
const WITHDRAWN_SIGNATURE: ReadonlySet<string> = new Set([
  'peers-changed-signature-absent',
  'peers-changed-signature-null',
  'peers-changed-signature-absent-and-new-key',
])

function plain<T>(codec: Codec<T>, value: T): unknown {
  return JSON.parse(encodeJson(codec, value))
}

function entries<T>(codec: Codec<T>, map: ReadonlyMap<unknown, T>): unknown {
  return map.size === 0
    ? null
    : Object.fromEntries([...map].map(([key, value]) => [String(key), plain(codec, value)]))
}

function rulesOf(session: NetmapSession): unknown {
  const rules = session.packetFilterRules.map((rule) => plain(filterRule, rule))
  return rules.length === 0 ? null : rules
}

function stateOf(session: NetmapSession): Record<string, unknown> {
  return {
    self: session.self && plain(controlNode, session.self),
    peers: session.sortedPeers().map((peer) => plain(controlNode, peer)),
    user_profiles: entries(userProfile, session.referencedUsers()) ?? {},
    domain: session.domain,
    dns: plain(dnsConfig, session.dns),
    derp_map: session.derpMap === undefined ? null : plain(derpMap, session.derpMap),
    collect_services: session.collectServices,
    packet_filter_rules: rulesOf(session),
    ssh_policy: session.sshPolicy === undefined ? null : plain(sshPolicy, session.sshPolicy),
    display_messages: entries(displayMessage, session.displayMessages()),
    tka_enabled: session.lock.enabled,
    tka_head: session.lock.head,
  }
}

/** What official clients pass on to the rest of the program, in the words of the vectors. */
function updatesOf(message: MapResponse, change: NetmapChange): string[] {
  if (change.full) {
    // A filter or profiles are told first, also when everything else follows.
    return [...incremental(message, change), 'full']
  }
  const mutations = change.mutations.map(({ kind, node }) => `${kind}:${node}`).toSorted()
  return [
    ...incremental(message, change),
    ...(mutations.length > 0 ? [`delta ${mutations.join(',')}`] : []),
  ]
}

function incremental(message: MapResponse, change: NetmapChange): string[] {
  const users = new Set(message.UserProfiles?.map(({ ID }) => ID))
  return [
    ...(change.parts.has('packetFilter') ? ['packet-filter'] : []),
    ...(change.parts.has('userProfiles') ? [`user-profiles ${users.size}`] : []),
  ]
}

describe('vectors/wire/netmap-delta', () => {
  for (const { name, now, steps } of cases) {
    test(name, () => {
      const session = new NetmapSession()
      let expected: Record<string, unknown> = {}
      for (const { response, state_changes: changes, updates } of steps) {
        const message = parseMapResponse(response)
        const before = new Map(session.peers)
        const change = session.merge(message, Date.parse(now))
        // How many rules the filter can use is not for the map to say.
        const { parsed_rules: _, ...known } = changes
        expected = { ...expected, ...known }
        const actual = stateOf(session)
        if (WITHDRAWN_SIGNATURE.has(name) && before.size > 0) {
          assert.equal(session.peers.get(3)?.KeySignature, undefined)
          assert.deepEqual([...updatesOf(message, change)], ['full'])
          return
        }
        for (const [member, value] of Object.entries(expected)) {
          assert.deepEqual(actual[member], value, member)
        }
        assert.deepEqual(updatesOf(message, change), updates)
        checkTouched(before, session, change)
      }
    })
  }
})

/** Every peer that is another object than before is reported, and no other. */
function checkTouched(
  before: ReadonlyMap<number, unknown>,
  session: NetmapSession,
  change: NetmapChange,
): void {
  if (change.peers === 'all') return
  for (const id of new Set([...before.keys(), ...session.peers.keys()])) {
    if (before.get(id) !== session.peers.get(id)) assert.ok(change.peers.has(id), `peer ${id}`)
  }
}
