// SPDX-License-Identifier: Apache-2.0

/**
 * What the messages of a stream say when they are laid over each other, as plain JSON. Written for the
 * comparison alone, so that a mistake of our own merging cannot hide in both sides.
 *
 * @module
 */

import { array, isObject, object, showText } from './transcript.ts'
import type { JsonObject } from './transcript.ts'

/** What one stream has said so far. */
export interface NetmapState {
  /** Whether everything has been said once; if not, only what was said is known. */
  isWhole: boolean
  /** Whether nothing was said before. */
  isFromStart: boolean
  messages: number
  node: JsonObject | null
  readonly peers: Map<string, JsonObject>
  /** Peers that are gone: what is said of them later counts for nothing. */
  readonly removed: Set<string>
  readonly profiles: Map<string, JsonObject>
  /** The members that replace each other. */
  readonly parts: JsonObject
}

const PARTS = ['DERPMap', 'DNSConfig', 'Domain', 'SSHPolicy', 'CollectServices', 'Debug', 'TKAInfo']
const PATCHED: Readonly<Record<string, string>> = { DERPRegion: 'HomeDERP' }

export function emptyState(): NetmapState {
  return {
    isWhole: false,
    isFromStart: false,
    messages: 0,
    node: null,
    peers: new Map(),
    removed: new Set(),
    profiles: new Map(),
    parts: {},
  }
}

/** Lays one message over what is there. */
export function merge(state: NetmapState, message: JsonObject): void {
  if (message['KeepAlive'] === true) return
  state.messages++
  if (isObject(message['Node'])) state.node = message['Node']
  if (message['Peers'] !== undefined && message['Peers'] !== null) {
    state.peers.clear()
    state.isWhole = true
    for (const peer of array(message['Peers'])) putPeer(state, object(peer))
  }
  for (const peer of array(message['PeersChanged'])) putPeer(state, object(peer))
  for (const id of array(message['PeersRemoved']).map(showText)) {
    state.peers.delete(id)
    state.removed.add(id)
  }
  for (const patch of array(message['PeersChangedPatch'])) patchPeer(state, object(patch))
  for (const [id, online] of Object.entries(member(message, 'OnlineChange'))) {
    state.peers.set(id, { ...state.peers.get(id), Online: online })
  }
  for (const profile of array(message['UserProfiles'])) {
    const read = object(profile)
    state.profiles.set(showText(read['ID']), read)
  }
  for (const name of PARTS) {
    const value = message[name]
    if (value !== undefined && value !== null) state.parts[name] = value
  }
  mergeFilters(state, message)
}

function putPeer(state: NetmapState, peer: JsonObject): void {
  const id = showText(peer['ID'])
  state.removed.delete(id)
  state.peers.set(id, peer)
}

function patchPeer(state: NetmapState, patch: JsonObject): void {
  const { NodeID, ...fields } = patch
  const renamed = Object.entries(fields).map(([name, value]) => [PATCHED[name] ?? name, value])
  const id = showText(NodeID)
  if (state.removed.has(id)) return
  state.peers.set(id, { ...state.peers.get(id), ...Object.fromEntries(renamed) })
}

function mergeFilters(state: NetmapState, message: JsonObject): void {
  if (Array.isArray(message['PacketFilter'])) {
    state.parts['PacketFilters'] = { base: message['PacketFilter'] }
  }
  if (!isObject(message['PacketFilters'])) return
  const named = message['PacketFilters']
  const before = named['*'] === null ? {} : member(state.parts, 'PacketFilters')
  const { '*': _all, ...changed } = { ...before, ...named }
  for (const [name, rules] of Object.entries(changed)) if (rules === null) delete changed[name]
  state.parts['PacketFilters'] = changed
}

function member(value: JsonObject, name: string): JsonObject {
  const found = value[name]
  return isObject(found) ? found : {}
}
