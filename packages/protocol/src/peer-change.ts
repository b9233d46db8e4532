// SPDX-License-Identifier: Apache-2.0

/**
 * One peer of the network map from one message to the next.
 *
 * A server may describe a known peer anew as a whole. Official clients then look for what differs,
 * and where only a few fields do, they turn the description into a change of those fields. In such
 * a change an absent field means "as before", so what the new description lacks stays as it was:
 * endpoints, home region, capability version, online, last seen. Servers know this and rely on it.
 *
 * One field is treated otherwise here: a description without signature takes the old signature
 * away. A signature that its server no longer shows must not keep a peer alive.
 *
 * @module
 */

import { compareBytes } from '@signet/codec'
import type { ControlNode, PeerChange } from './control-node.ts'
import type { CapMap } from './filter-rule.ts'
import { hostinfo } from './hostinfo.ts'
import { encodeJson, list, pointer } from './schema.ts'
import { resolver } from './dns.ts'
import { isNoTime, NO_TIME, type WireTime, wireTimeMs } from './wire-time.ts'

const DERP_MAGIC = '127.3.3.40:'

/**
 * Returns a node in its modern form: home region as a number, allowed addresses filled in. A peer
 * that needs no signature gets no more than its own addresses.
 */
export function upgradeNode(node: ControlNode): ControlNode {
  const { DERP: legacy, ...rest } = node
  const addresses = node.Addresses ?? []
  return {
    ...rest,
    ...(node.KeySignature !== undefined && { KeySignature: nonEmpty(node.KeySignature) }),
    ...(!node.HomeDERP && legacy !== undefined && { HomeDERP: legacyHome(legacy) }),
    AllowedIPs: node.UnsignedPeerAPIOnly === true ? addresses : (node.AllowedIPs ?? addresses),
  }
}

/** A signature without bytes is none. */
function nonEmpty(signature: Uint8Array): Uint8Array | undefined {
  return signature.length > 0 ? signature : undefined
}

function legacyHome(legacy: string): number {
  const region = legacy.startsWith(DERP_MAGIC) ? legacy.slice(DERP_MAGIC.length) : ''
  return /^[+-]?[0-9]{1,9}$/.test(region) ? Number(region) : 0
}

/** What is the same about two descriptions of a peer. */
export type PeerDifference =
  | { readonly kind: 'same' }
  | { readonly kind: 'patch'; readonly change: PeerChange }
  | { readonly kind: 'replace' }

/** Says how to get from one description of a peer to the next. Both must be in modern form. */
export function diffPeer(was: ControlNode, now: ControlNode): PeerDifference {
  if (!sameIdentity(was, now)) return { kind: 'replace' }
  const change: { -readonly [K in keyof PeerChange]: PeerChange[K] } = { NodeID: now.ID }
  let differs = false
  const note = (different: boolean, set: () => void): void => {
    if (!different) return
    differs = true
    set()
  }
  note(was.Key !== now.Key, () => (change.Key = now.Key))
  note(!sameTime(was.KeyExpiry, now.KeyExpiry), () => (change.KeyExpiry = now.KeyExpiry ?? NO_TIME))
  note(!sameBytes(was.KeySignature, now.KeySignature), () => {
    // Unlike official clients: none now means none.
    change.KeySignature = now.KeySignature ?? new Uint8Array()
  })
  note(was.DiscoKey !== now.DiscoKey, () => (change.DiscoKey = now.DiscoKey))
  note(!sameTexts(was.Endpoints, now.Endpoints), () => (change.Endpoints = now.Endpoints))
  note((was.HomeDERP ?? 0) !== (now.HomeDERP ?? 0), () => (change.DERPRegion = now.HomeDERP))
  note((was.Cap ?? 0) !== (now.Cap ?? 0), () => (change.Cap = now.Cap))
  note(!sameCapMap(was.CapMap, now.CapMap), () => (change.CapMap = now.CapMap ?? {}))
  if (was.Online !== undefined && now.Online !== undefined) {
    note(was.Online !== now.Online, () => (change.Online = now.Online))
  }
  if (was.LastSeen !== undefined && now.LastSeen !== undefined) {
    note(!sameTime(was.LastSeen, now.LastSeen), () => (change.LastSeen = now.LastSeen))
  }
  return differs ? { kind: 'patch', change } : { kind: 'same' }
}

/** Applies a change to a peer and returns the new description. */
export function patchPeer(node: ControlNode, change: PeerChange): ControlNode {
  return {
    ...node,
    ...(change.DERPRegion && { HomeDERP: change.DERPRegion }),
    ...(change.Cap && { Cap: change.Cap }),
    ...(change.Endpoints !== undefined && { Endpoints: change.Endpoints }),
    ...(change.Key !== undefined && { Key: change.Key }),
    ...(change.DiscoKey !== undefined && { DiscoKey: change.DiscoKey }),
    ...(change.Online !== undefined && { Online: change.Online }),
    ...(change.LastSeen !== undefined && { LastSeen: change.LastSeen }),
    ...(change.KeyExpiry !== undefined && { KeyExpiry: change.KeyExpiry }),
    ...(change.KeySignature !== undefined && { KeySignature: nonEmpty(change.KeySignature) }),
    ...(change.CapMap !== undefined && { CapMap: change.CapMap }),
  }
}

/** True if the change may be passed on field by field, without a look at the whole network. */
export function isLightChange(change: PeerChange): boolean {
  return (
    change.NodeID !== 0 &&
    !change.Cap &&
    change.CapMap === undefined &&
    change.Key === undefined &&
    change.KeySignature === undefined &&
    change.DiscoKey === undefined &&
    change.KeyExpiry === undefined
  )
}

/**
 * True if a change brings a disco key of a peer that is offline, and is no news: then the whole
 * change is dropped, as the key that the peer itself told may be newer.
 */
export function isStaleDiscoChange(change: PeerChange, known: ControlNode | undefined): boolean {
  if (change.DiscoKey === undefined || change.Online !== false || change.LastSeen === undefined) {
    return false
  }
  return known?.LastSeen !== undefined && !isAfter(change.LastSeen, known.LastSeen)
}

/** True if `a` is later than `b`. */
export function isAfter(a: WireTime, b: WireTime): boolean {
  const byMs =
    (wireTimeMs(a) ?? Number.NEGATIVE_INFINITY) - (wireTimeMs(b) ?? Number.NEGATIVE_INFINITY)
  if (byMs !== 0 && !Number.isNaN(byMs)) return byMs > 0
  return fraction(a) > fraction(b)
}

function fraction(time: WireTime): string {
  return (/\.(\d+)/.exec(time)?.[1] ?? '').padEnd(9, '0')
}

function sameIdentity(was: ControlNode, now: ControlNode): boolean {
  return (
    was.StableID === now.StableID &&
    was.Name === now.Name &&
    was.User === now.User &&
    (was.Sharer ?? 0) === (now.Sharer ?? 0) &&
    was.Machine === now.Machine &&
    sameTexts(was.Addresses, now.Addresses) &&
    sameTexts(was.AllowedIPs, now.AllowedIPs) &&
    sameTexts(was.Tags, now.Tags) &&
    sameTexts(was.PrimaryRoutes, now.PrimaryRoutes) &&
    sameTime(was.Created, now.Created) &&
    (was.MachineAuthorized ?? false) === (now.MachineAuthorized ?? false) &&
    (was.UnsignedPeerAPIOnly ?? false) === (now.UnsignedPeerAPIOnly ?? false) &&
    (was.IsWireGuardOnly ?? false) === (now.IsWireGuardOnly ?? false) &&
    (was.IsJailed ?? false) === (now.IsJailed ?? false) &&
    (was.Expired ?? false) === (now.Expired ?? false) &&
    was.SelfNodeV4MasqAddrForThisPeer === now.SelfNodeV4MasqAddrForThisPeer &&
    was.SelfNodeV6MasqAddrForThisPeer === now.SelfNodeV6MasqAddrForThisPeer &&
    sameHostinfo(was, now) &&
    sameResolvers(was, now)
  )
}

type Texts = readonly string[] | null | undefined

function sameTexts(a: Texts, b: Texts): boolean {
  if (a === b) return true
  const [x, y] = [a ?? [], b ?? []]
  return x.length === y.length && x.every((text, i) => text === y[i])
}

function sameTime(a: WireTime | undefined, b: WireTime | undefined): boolean {
  if (a === b) return true
  const [x, y] = [a ?? NO_TIME, b ?? NO_TIME]
  if (isNoTime(x) || isNoTime(y)) return isNoTime(x) && isNoTime(y)
  return !isAfter(x, y) && !isAfter(y, x)
}

function sameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === b || compareBytes(a ?? new Uint8Array(), b ?? new Uint8Array()) === 0
}

function sameCapMap(a: CapMap | undefined, b: CapMap | undefined): boolean {
  const [x, y] = [a ?? {}, b ?? {}]
  const names = Object.keys(x)
  return (
    names.length === Object.keys(y).length &&
    names.every((name) => Object.hasOwn(y, name) && sameTexts(x[name], y[name]))
  )
}

function sameHostinfo(was: ControlNode, now: ControlNode): boolean {
  if (was.Hostinfo === now.Hostinfo) return true
  if (was.Hostinfo === undefined || now.Hostinfo === undefined) return false
  return encodeJson(hostinfo, was.Hostinfo) === encodeJson(hostinfo, now.Hostinfo)
}

const resolvers = list(pointer(resolver))

function sameResolvers(was: ControlNode, now: ControlNode): boolean {
  const [x, y] = [was.ExitNodeDNSResolvers ?? [], now.ExitNodeDNSResolvers ?? []]
  return (x.length === 0 && y.length === 0) || encodeJson(resolvers, x) === encodeJson(resolvers, y)
}
