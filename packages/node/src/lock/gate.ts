// SPDX-License-Identifier: Apache-2.0

/**
 * The gate: the only way from the server's word to a peer.
 *
 *     untrusted map -> GATE -> AdmittedPeer -> tunnel
 *
 * The tunnel takes AdmittedPeer and nothing else, and nobody but this file can make one. All peers
 * are judged together, each time, whether a full map or a change of one field brought us here: what
 * has not changed costs no verification (see `verdicts.ts`).
 *
 * @module
 */

import { isZeroNodePublic, type NodePublic } from '@signet/keys'
import type { ControlNode } from '@signet/protocol'
import {
  filterNetmap,
  indexTrustedKeys,
  type Authority,
  type LockPeer,
  type PeerVerdict,
  type TrustedKeys,
} from '@signet/tka'
import type { RefusalReason } from './refusal.ts'
import { rememberRotations } from './rotation.ts'
import type { RotationMemory, SeenRotation } from './rotation-memory.ts'
import { isJudgedAlike, isShownAlike, type JudgedNode, type ShownNode } from './same-peer.ts'
import type { SignatureVerdict, SignedKey, VerdictCache } from './verdicts.ts'

declare const admitted: unique symbol

/** A peer that the lock lets in. Made by {@link createGate} only. */
export interface AdmittedPeer {
  /** Cannot be written outside of this file: the symbol is not exported. */
  readonly [admitted]: true
  readonly id: number
  readonly stableId: string
  /** Full domain name, without the dot at the end. */
  readonly name: string
  readonly nodeKey: NodePublic
  /** Prefixes that packets of this peer may come from, and go to. */
  readonly allowedIps: readonly string[]
  /** Where the peer said that it can be reached, `ip:port`. */
  readonly endpoints: readonly string[]
  readonly discoKey: string
  /** The relay region where the peer said that it can be reached; 0 for nowhere. */
  readonly homeRelay: number
}

/** A peer that stays outside. */
export type RefusedPeer = { readonly node: ControlNode; readonly reason: RefusalReason }

/** What the gate has to know about the lock. */
export type GateLock =
  /** There is no lock, and there never was one here that could be missing. */
  | { readonly kind: 'open' }
  /** Nobody gets in. */
  | { readonly kind: 'closed' }
  | { readonly kind: 'locked'; readonly authority: Authority; readonly memory: RotationMemory }

/** One thing to judge. */
export type GateInput = {
  readonly self: ControlNode | null
  readonly peers: readonly ControlNode[]
  readonly lock: GateLock
  /** Whether networks behind peers are wanted. */
  readonly acceptRoutes: boolean
}

/** The judgement, each list in the order of the map. */
export type GateResult = {
  readonly admitted: readonly AdmittedPeer[]
  readonly refused: readonly RefusedPeer[]
  /** Why this node's own key would be refused by its peers; null when it would not be. */
  readonly self: RefusalReason | null
}

/** Judges maps. */
export type Gate = { judge(input: GateInput): Promise<GateResult> }

/** A peer that could be one, with what is known about its signature when there is a lock. */
type Candidate = LockPeer & {
  readonly node: JudgedNode
  verdict: SignatureVerdict | undefined
}

/** Why each peer stays outside, in the order of the map; undefined for those let in. */
type Judgement = {
  readonly reasons: readonly (RefusalReason | undefined)[]
  readonly self: RefusalReason | null
}

/** Creates a gate over a cache of verdicts. */
export function createGate(verdicts: VerdictCache): Gate {
  const admitPeer = createAdmission()
  type Last = { input: GateInput; readonly judgement: Judgement; readonly result: GateResult }
  let last: Last | undefined
  return {
    async judge(input) {
      const { peers } = input
      const before = last
      const sameness = before ? compareInputs(before.input, input) : 'other'
      if (before && sameness === 'shown-alike') {
        before.input = { ...input, peers: [...peers] }
        return refusedAnew(before.result, before.judgement, peers)
      }
      last = undefined
      const known = sameness === 'other' ? undefined : before?.judgement
      const judgement = known ?? (await judgeInput(input, verdicts))
      const admit = admitPeer(input.acceptRoutes)
      const admittedPeers: AdmittedPeer[] = []
      const refused: RefusedPeer[] = []
      for (const [index, node] of peers.entries()) {
        const reason = judgement.reasons[index]
        if (reason === undefined) admittedPeers.push(admit(node))
        else refused.push({ node, reason })
      }
      const result = { admitted: admittedPeers, refused, self: judgement.self }
      // What could not be checked this time is tried again with the same map.
      const isFinal = !judgement.reasons.includes('unchecked') && judgement.self !== 'unchecked'
      if (isFinal) last = { input: { ...input, peers: [...peers] }, judgement, result }
      return result
    },
  }
}

/** Those refused are told with the newest map's words. */
function refusedAnew(
  result: GateResult,
  { reasons }: Judgement,
  peers: readonly ControlNode[],
): GateResult {
  if (result.refused.length === 0) return result
  const refused = peers.flatMap((node, index) => {
    const reason = reasons[index]
    return reason === undefined ? [] : [{ node, reason }]
  })
  return { ...result, refused }
}

/**
 * What a map has in common with the one before: nothing; all that a judgement depends on; or also all
 * that the tunnel is shown. One walk: ten thousand nodes do not fit into the processor's cache.
 */
function compareInputs(a: GateInput, b: GateInput): 'other' | 'judged-alike' | 'shown-alike' {
  if (!isSameLock(a.lock, b.lock) || a.peers.length !== b.peers.length) return 'other'
  const isSameSelf = a.self === b.self || (a.self && b.self && isJudgedAlike(a.self, b.self))
  if (isSameSelf !== true) return 'other'
  let isShown = a.acceptRoutes === b.acceptRoutes
  for (let index = 0; index < a.peers.length; index++) {
    const one = a.peers[index]
    const other = b.peers[index]
    if (!one || !other || !isJudgedAlike(one, other)) return 'other'
    isShown &&= isShownAlike(one, other)
  }
  return isShown ? 'shown-alike' : 'judged-alike'
}

function isSameLock(a: GateLock, b: GateLock): boolean {
  if (a.kind !== 'locked' || b.kind !== 'locked') return a.kind === b.kind
  return a.authority === b.authority && a.memory === b.memory
}

async function judgeInput(
  { self, peers, lock }: GateInput,
  verdicts: VerdictCache,
): Promise<Judgement> {
  const { sound, reasons } = soundPeers(self, peers)
  let selfReason: RefusalReason | null = lock.kind === 'closed' ? 'lock-closed' : null
  if (lock.kind === 'closed') {
    for (const { node } of sound) reasons.set(node, 'lock-closed')
  } else if (lock.kind === 'locked') {
    const own = self && candidate(self)
    await verifySignatures(own ? [own, ...sound] : sound, verdicts)
    judgeAll(sound, lock, reasons)
    selfReason = own && judgeSelf(own, lock.authority)
  }
  return { reasons: peers.map((node) => reasons.get(node)), self: selfReason }
}

type Reasons = Map<JudgedNode, RefusalReason>

function candidate(node: JudgedNode): Candidate {
  return { node, nodeKey: node.Key, signature: node.KeySignature, verdict: undefined }
}

/** Sorts out what could not be a peer with or without a lock. */
function soundPeers(
  self: JudgedNode | null,
  peers: readonly JudgedNode[],
): { readonly sound: readonly Candidate[]; readonly reasons: Reasons } {
  const reasons: Reasons = new Map()
  const seen = new Set<NodePublic>()
  const sound: Candidate[] = []
  for (const node of peers) {
    if (isZeroNodePublic(node.Key)) reasons.set(node, 'no-key')
    else if (node.Key === self?.Key) reasons.set(node, 'own-key')
    else if (node.Expired === true) reasons.set(node, 'expired')
    else if (seen.has(node.Key)) reasons.set(node, 'duplicate-key')
    else {
      seen.add(node.Key)
      sound.push(candidate(node))
    }
  }
  return { sound, reasons }
}

async function verifySignatures(
  candidates: readonly Candidate[],
  verdicts: VerdictCache,
): Promise<void> {
  const signed: Candidate[] = []
  const pairs: SignedKey[] = []
  for (const one of candidates) {
    const { nodeKey, signature } = one
    if (!signature || signature.length === 0) continue
    signed.push(one)
    pairs.push({ nodeKey, signature })
  }
  const found = await verdicts.check(pairs)
  for (const [index, one] of signed.entries()) one.verdict = found[index]
}

/** One synchronous pass: what it says holds for one authority and one map. */
function judgeAll(
  sound: readonly Candidate[],
  { authority, memory }: GateLock & { readonly kind: 'locked' },
  reasons: Reasons,
): void {
  const trust = createTrust(indexTrustedKeys(authority.state.keys))
  const rotations: SeenRotation[] = []
  const { kept, dropped } = filterNetmap(sound, ({ nodeKey, verdict }): PeerVerdict => {
    if (verdict === undefined) return unchecked
    if (!verdict.ok) return verdict
    if (!trust.has(verdict.authorizingKey, verdict.authorizingKeyId)) return untrusted
    if (verdict.rotation) {
      const { previousNodeKeys } = verdict.rotation
      rotations.push({ nodeKey, replaced: previousNodeKeys, root: verdict.root })
    }
    return verdict
  })
  for (const { peer, reason } of dropped) reasons.set(peer.node, reason)
  const replayed = rememberRotations(memory, rotations)
  for (const { node, nodeKey } of kept) {
    const reason = replayed(nodeKey)
    if (reason !== undefined) reasons.set(node, reason)
  }
}

const unchecked: PeerVerdict = { ok: false, reason: 'unchecked' }
const untrusted: PeerVerdict = { ok: false, reason: 'untrusted-key' }

/** Looks up each signing key once for a map, not once for a peer. */
function createTrust(trusted: TrustedKeys): { has(text: string, id: Uint8Array): boolean } {
  const known = new Map<string, boolean>()
  return {
    has(text, id) {
      let answer = known.get(text)
      if (answer === undefined) known.set(text, (answer = trusted.has(id)))
      return answer
    },
  }
}

/** What peers that see the same authority will think of this node. */
function judgeSelf({ signature, verdict }: Candidate, authority: Authority): RefusalReason | null {
  if (!signature || signature.length === 0) return 'unsigned'
  if (verdict === undefined) return 'unchecked'
  if (!verdict.ok) return verdict.reason
  const trusted = indexTrustedKeys(authority.state.keys)
  return trusted.has(verdict.authorizingKeyId) ? null : 'untrusted-key'
}

/**
 * Makes peers, each once while nothing of it changes: the tunnel sees by the same object that
 * nothing has. Maps come in the same order mostly, so the node before is mostly the next in line.
 */
function createAdmission(): (acceptRoutes: boolean) => (node: ShownNode) => AdmittedPeer {
  type Made = { readonly node: ShownNode; readonly peer: AdmittedPeer }
  let before: readonly Made[] = []
  let beforeRoutes = false
  return (acceptRoutes) => {
    const old = acceptRoutes === beforeRoutes ? before : []
    const made: Made[] = []
    let next = 0
    before = made
    beforeRoutes = acceptRoutes
    return (node) => {
      let known = old[next]
      if (known && known.node.Key !== node.Key) {
        const at = indexNear(old, next + 1, node)
        if (at !== -1) next = at
        known = old[at]
      }
      if (known) next++
      if (known && isShownAlike(known.node, node)) {
        made.push(known)
        return known.peer
      }
      const peer = createAdmittedPeer(node, acceptRoutes)
      made.push({ node, peer })
      return peer
    }
  }
}

/** Where a node is in a list, if it is near a place: some before it may have gone since. */
function indexNear(
  list: readonly { readonly node: ShownNode }[],
  place: number,
  node: ShownNode,
): number {
  const end = Math.min(place + 8, list.length)
  for (let at = place; at < end; at++) if (list[at]?.node.Key === node.Key) return at
  return -1
}

/** The brand's only constructor. */
function createAdmittedPeer(node: ShownNode, acceptRoutes: boolean): AdmittedPeer {
  return {
    id: node.ID,
    stableId: node.StableID,
    name: node.Name.endsWith('.') ? node.Name.slice(0, -1) : node.Name,
    nodeKey: node.Key,
    allowedIps: allowedIps(node, acceptRoutes),
    endpoints: node.Endpoints ?? [],
    discoKey: node.DiscoKey ?? '',
    homeRelay: node.HomeDERP ?? 0,
  } as AdmittedPeer
}

/**
 * A peer's own addresses, and networks behind it when they are wanted. Never everything: an exit
 * node is chosen by this node's owner, not offered by the server, nor called an address by it.
 */
function allowedIps(node: ShownNode, acceptRoutes: boolean): readonly string[] {
  const addresses = (node.Addresses ?? []).filter(isHost)
  if (node.UnsignedPeerAPIOnly === true || node.AllowedIPs === undefined) return addresses
  // A server may write a hundred thousand of each: looked up, not searched for.
  const own =
    addresses.length > 8 ? new Set(addresses) : { has: (p: string) => addresses.includes(p) }
  return node.AllowedIPs.filter(
    (prefix) => own.has(prefix) || (acceptRoutes && !prefix.endsWith('/0')),
  )
}

function isHost(prefix: string): boolean {
  return prefix.endsWith(prefix.includes(':') ? '/128' : '/32')
}
