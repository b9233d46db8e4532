// SPDX-License-Identifier: Apache-2.0
/** Adapters for vectors/tka/netmap-filter.json and deeplink.json. */

import { nodePublicFromBytes } from '@signet/keys'
import {
  authorizeNodeKey,
  decodeAum,
  decodeNodeKeySignature,
  dropReason,
  filterNetmap,
  indexTrustedKeys,
  newDeeplink,
  parseSignedNodeKey,
  validateDeeplink,
} from '@signet/tka'
import type { FilteredPeers, LockPeer, PeerDropReason, PeerVerdict, TrustedKeys } from '@signet/tka'
import type { Checks } from './checks.ts'
import { bool, hex, integer, listOf, oneOf, text, uint64 } from './fields.ts'
import type { Fields } from './fields.ts'
import { byKind, eachCase } from './format.ts'
import type { Adapter, Format } from './format.ts'

interface Peer extends LockPeer {
  readonly id: number
}

function readPeer(fields: Fields): Peer {
  return {
    id: fields.get('id', integer),
    nodeKey: nodePublicFromBytes(fields.get('nodeKey', hex)),
    signature: fields.get('signature', hex),
    unsignedPeerApiOnly: fields.get('unsignedPeerApiOnly', bool),
  }
}

function readTrustedKeys(fields: Fields): TrustedKeys {
  return indexTrustedKeys(decodeAum(fields.get('genesis', hex)).state?.keys ?? null)
}

function verdictOf(trusted: TrustedKeys, peer: LockPeer): PeerVerdict {
  try {
    const signature = peer.signature ?? new Uint8Array()
    return { ok: true, rotation: authorizeNodeKey(trusted, peer.nodeKey, signature).rotation }
  } catch (error) {
    return { ok: false, reason: dropReason(error) }
  }
}

/** The filter with the option that official nodes have always on. */
function filter(trusted: TrustedKeys, peers: readonly Peer[]): FilteredPeers<Peer> {
  const options = { allowUnsignedPeerApi: true }
  return filterNetmap(peers, (peer) => verdictOf(trusted, peer), options)
}

function idsOf(peers: readonly Peer[]): number[] {
  return peers.map((peer) => peer.id)
}

const fullMap: Adapter = (fields, checks) => {
  const trusted = readTrustedKeys(fields)
  const peers = fields.objects('peers').map(readPeer)
  const { kept, dropped } = filter(trusted, peers)
  const wantKept = fields.get('kept', listOf(integer))
  const wantFiltered = fields.get('filtered', listOf(integer))
  if (dropped.some(({ reason }) => reason === 'unsafe-wrapping-key')) {
    checks.judgeBy('small-order-wrapping-key')
    checkForged(checks, { kept, dropped }, wantKept)
  } else {
    checks.equal('kept', wantKept, idsOf(kept))
    const filtered = new Set(dropped.map(({ peer }) => peer.id))
    checks.equal('filtered', new Set(wantFiltered), filtered)
  }
  if (!fields.has('self')) return
  const self = readPeer(fields.object('self'))
  checks.equal('lockedOut', fields.get('lockedOut', bool), !verdictOf(trusted, self).ok)
}

/** Official nodes keep the forger and evict the node that it robbed; here it is the other way. */
function checkForged(checks: Checks, ours: FilteredPeers<Peer>, official: number[]): void {
  const forgers = ours.dropped.filter(({ reason }) => reason === 'unsafe-wrapping-key')
  const forgerIds = new Set(forgers.map(({ peer }) => peer.id))
  const victims = new Set(forgers.flatMap(({ peer }) => robbedKeys(peer)))
  const kept = new Set(idsOf(ours.kept))
  for (const id of official) {
    if (!kept.has(id) && !forgerIds.has(id)) checks.fail('kept', `peer ${id}`, 'dropped')
  }
  for (const peer of ours.kept) {
    if (!official.includes(peer.id) && !victims.has(peer.nodeKey)) {
      checks.fail('kept', `peer ${peer.id} dropped`, 'kept, and no forger names its key')
    }
  }
}

/** The node keys that a forged rotation names as previous ones. */
function robbedKeys(forger: Peer): string[] {
  const keys: string[] = []
  let layer = decodeNodeKeySignature(forger.signature ?? new Uint8Array()).nested
  while (layer) {
    if (layer.pubkey) keys.push(parseSignedNodeKey(layer.pubkey))
    layer = layer.nested
  }
  return keys
}

const ROTATION_REASONS: ReadonlySet<PeerDropReason> = new Set([
  'obsolete-key',
  'shorter-rotation',
  'rotation-tie',
])

/**
 * A delta, as official nodes treat it: each new peer judged alone. Ours judges all peers together,
 * so it may drop more, but only by rotation, and never keeps what they drop.
 */
const delta: Adapter = (fields, checks) => {
  const trusted = readTrustedKeys(fields)
  const peers = new Map(
    fields
      .objects('before')
      .map(readPeer)
      .map((peer) => [peer.id, peer]),
  )
  const filteredBefore = new Set(fields.get('filteredBefore', listOf(integer)))
  const official = new Set([...peers.keys()].filter((id) => !filteredBefore.has(id)))
  for (const mutation of fields.objects('mutations')) {
    if (mutation.get('op', oneOf('upsert', 'remove')) === 'remove') {
      peers.delete(mutation.get('id', integer))
    } else {
      const peer = readPeer(mutation.object('peer'))
      peers.set(peer.id, peer)
    }
  }
  for (const step of fields.objects('result')) {
    const id = step.get('id', integer)
    if (step.get('op', oneOf('upsert', 'remove')) === 'upsert') official.add(id)
    else official.delete(id)
  }
  const { kept, dropped } = filter(trusted, [...peers.values()])
  const reasons = new Map(dropped.map(({ peer, reason }) => [peer.id, reason]))
  const isRotation = (id: number): boolean => ROTATION_REASONS.has(reasons.get(id) ?? 'unsigned')
  const ours = new Set(idsOf(kept))
  const wantFiltered = new Set(fields.get('filteredAfter', listOf(integer)))
  const onlyTheirs = [...official].filter((id) => !ours.has(id))
  const stale = [...wantFiltered].filter((id) => ours.has(id))
  if (onlyTheirs.some(isRotation) || stale.length > 0) checks.judgeBy('deltas-run-the-full-filter')
  const keptOnPurpose = [...official].filter((id) => !isRotation(id))
  checks.equal('kept', new Set(keptOnPurpose), ours)
  const filteredOnPurpose = [...wantFiltered].filter((id) => !stale.includes(id))
  const droppedAlike = [...reasons.keys()].filter((id) => !isRotation(id))
  checks.equal('filteredAfter', new Set(filteredOnPurpose), new Set(droppedAlike))
}

export const netmapFilter: Format = eachCase(byKind('op', { netmap: fullMap, delta }))

export const deeplink: Format = eachCase(
  byKind('op', {
    new(fields, checks) {
      const ok = fields.get('ok', bool)
      const stateId1 = fields.get('stateId1', uint64)
      const link = {
        nodeKey: fields.get('nodeKey', text),
        lockPublic: fields.get('tlPub', text),
        deviceName: fields.get('deviceName', text),
        osName: fields.get('osName', text),
        loginName: fields.get('loginName', text),
      }
      const url = checks.verdict('ok', ok, () => newDeeplink(stateId1, link))
      if (ok && url !== undefined) checks.equal('url', fields.get('url', text), url)
    },
    validate(fields, checks) {
      const verdict = validateDeeplink(fields.get('stateId1', uint64), fields.get('url', text))
      checks.equal('isValid', fields.get('isValid', bool), verdict.isValid)
      const got = verdict.isValid ? verdict.fields : null
      checks.equal('nodeKey', fields.get('nodeKey', text), got?.nodeKey ?? '')
      checks.equal('tlPub', fields.get('tlPub', text), got?.lockPublic ?? '')
      checks.equal('deviceName', fields.get('deviceName', text), got?.deviceName ?? '')
      checks.equal('osName', fields.get('osName', text), got?.osName ?? '')
      checks.equal('emailAddress', fields.get('emailAddress', text), got?.loginName ?? '')
      // Official software never sets it.
      checks.equal('version', fields.get('version', integer), 0)
    },
  }),
)
