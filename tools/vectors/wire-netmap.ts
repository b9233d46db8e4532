// SPDX-License-Identifier: Apache-2.0
/** Adapter for vectors/wire/netmap-delta.json: messages of one stream, merged one after another. */

import * as protocol from '@signet/protocol'
import type { Codec, ControlNode, MapResponse, NetmapChange } from '@signet/protocol'
import { show } from './checks.ts'
import { json, listOf, text } from './fields.ts'
import type { Fields, Json } from './fields.ts'
import { eachCase } from './format.ts'
import type { Format } from './format.ts'

function plain<T>(codec: Codec<T>, value: T): Json {
  return JSON.parse(protocol.encodeJson(codec, value)) as Json
}

function plainMap<T>(codec: Codec<T>, map: ReadonlyMap<string | number, T>): Json {
  return Object.fromEntries([...map].map(([name, value]) => [String(name), plain(codec, value)]))
}

/** The merged map, in the words of the vectors. */
function stateOf(session: protocol.NetmapSession): Readonly<Record<string, Json>> {
  const rules = session.packetFilterRules.map((rule) => plain(protocol.filterRule, rule))
  const messages = session.displayMessages()
  return {
    self: session.self === undefined ? null : plain(protocol.controlNode, session.self),
    peers: session.sortedPeers().map((peer) => plain(protocol.controlNode, peer)),
    user_profiles: plainMap(protocol.userProfile, session.referencedUsers()),
    domain: session.domain,
    dns: plain(protocol.dnsConfig, session.dns),
    derp_map: session.derpMap === undefined ? null : plain(protocol.derpMap, session.derpMap),
    collect_services: session.collectServices,
    packet_filter_rules: rules.length === 0 ? null : rules,
    ssh_policy:
      session.sshPolicy === undefined ? null : plain(protocol.sshPolicy, session.sshPolicy),
    display_messages: messages.size === 0 ? null : plainMap(protocol.displayMessage, messages),
    tka_enabled: session.lock.enabled,
    tka_head: session.lock.head,
  }
}

/** What is passed on to the rest of the program, in the words of the vectors. */
function updatesOf(message: MapResponse, change: NetmapChange): string[] {
  const users = new Set(message.UserProfiles?.map(({ ID }) => ID))
  const mutations = change.mutations.map(({ kind, node }) => `${kind}:${node}`).sort()
  return [
    ...(change.parts.has('packetFilter') ? ['packet-filter'] : []),
    ...(change.parts.has('userProfiles') ? [`user-profiles ${users.size}`] : []),
    ...(change.full ? ['full'] : mutations.length > 0 ? [`delta ${mutations.join(',')}`] : []),
  ]
}

const isSigned = (node: ControlNode | undefined): boolean => (node?.KeySignature?.length ?? 0) > 0

/** Peers that were signed, and that the message describes anew without a signature. */
function withdrawn(message: MapResponse, peers: ReadonlyMap<number, ControlNode>): number[] {
  return (message.PeersChanged ?? []).flatMap((node) => {
    if (node === null || isSigned(node) || !isSigned(peers.get(node.ID))) return []
    return [node.ID]
  })
}

/** The recorded peers without the signatures that official clients keep though they are gone. */
function withoutSignatures(peers: Json, ids: ReadonlySet<number>): Json {
  if (!Array.isArray(peers)) return peers
  return peers.map((peer) => {
    if (typeof peer !== 'object' || peer === null || Array.isArray(peer)) return peer
    const { KeySignature: _, ...rest } = peer
    return typeof peer['ID'] === 'number' && ids.has(peer['ID']) ? rest : peer
  })
}

function membersOf(fields: Fields, names: readonly string[]): Record<string, Json> {
  const found = names.map((name) => [name, fields.find(name, json)] as const)
  return Object.fromEntries(
    found.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}

export const netmapDelta: Format = eachCase((fields, checks) => {
  const now = Date.parse(fields.get('now', text))
  const session = new protocol.NetmapSession()
  const unsigned = new Set<number>()
  let expected: Record<string, Json> = {}
  for (const [index, step] of fields.objects('steps').entries()) {
    const message = protocol.parseMapResponse(step.get('response', text))
    const gone = withdrawn(message, session.peers)
    for (const id of gone) unsigned.add(id)
    const change = session.merge(message, now)
    for (const id of unsigned) if (isSigned(session.peers.get(id))) unsigned.delete(id)
    const state = stateOf(session)
    const changes = step.object('state_changes')
    expected = { ...expected, ...membersOf(changes, Object.keys(state)) }
    // How many rules the packet filter can use is for the packet filter to say.
    changes.skip('parsed_rules')
    for (const [name, value] of Object.entries(expected)) {
      const wanted = name === 'peers' ? withoutSignatures(value, unsigned) : value
      if (show(wanted) !== show(value)) checks.judgeBy('withdrawn-signature')
      checks.equal(`steps[${index}].${name}`, wanted, state[name])
    }
    const updates = step.get('updates', listOf(text))
    const got = updatesOf(message, change)
    // A signature that is gone may also make everything be worked out again.
    const isRebuilt = gone.length > 0 && got.includes('full')
    if (!isRebuilt) checks.equal(`steps[${index}].updates`, updates, got)
  }
})
