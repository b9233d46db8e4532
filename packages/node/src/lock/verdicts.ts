// SPDX-License-Identifier: Apache-2.0

/**
 * Verdicts on node-key signatures, kept so that a map that has not changed costs no verification.
 *
 * A verdict is about bytes: this signature does or does not hold for this node key, and then it
 * comes from that key. It does not depend on who is trusted, so it outlives changes of the
 * authority; trust is looked up each time by the gate.
 *
 * New signatures are checked in slices between which the event loop runs, on other threads too.
 * Exact checks (needed only where the platform's fast one says no, that is for forgeries and for
 * deliberately odd signatures) hold the loop for some milliseconds each: one at a time, and only
 * so many for one map.
 *
 * @module
 */

import { sha256, createVerifier } from '@signet/crypto'
import { toHex } from '@signet/codec'
import type { NodePublic } from '@signet/keys'
import {
  claimNodeKey,
  dropReason,
  encodeNodeKeySignature,
  proveClaim,
  SigKind,
  verifySignatureCheck,
  type NodeKeyClaim,
  type NodeKeySignature,
  type PeerDropReason,
  type RotationDetails,
} from '@signet/tka'
import { maxExactChecks, maxKnownSigners, maxVerdicts, verdictSlice } from '../limits.ts'

/** What is known about one signature. */
export type SignatureVerdict =
  | {
      readonly ok: true
      /** Hex id of the trusted-or-not key that stands behind it. */
      readonly authorizingKey: string
      readonly authorizingKeyId: Uint8Array
      readonly rotation: RotationDetails | null
      /** Names the direct signature at the bottom of a rotation; '' where there is none. */
      readonly root: string
    }
  | { readonly ok: false; readonly reason: PeerDropReason }

/** A signature and the node key that it is said to be for. */
export type SignedKey = { readonly nodeKey: NodePublic; readonly signature: Uint8Array }

/** Verdicts by node key and signature bytes. */
export type VerdictCache = {
  /**
   * Returns the verdict of every pair, in order: those of earlier rounds at no cost, the others
   * after verification. Undefined is a pair for which the allowance of exact checks ran out; it is
   * tried again next time. Never rejects because of what a signature holds.
   */
  check(pairs: readonly SignedKey[]): Promise<readonly (SignatureVerdict | undefined)[]>
  /** How many signatures have been verified, and how many verdicts are kept. */
  stats(): { readonly verified: number; readonly exact: number; readonly kept: number }
}

type Entry = {
  readonly signature: Uint8Array
  readonly verdict: SignatureVerdict
  /** The call of `check` in which it was last of use, for eviction. */
  round: number
}

/** Slices that may be under way at once: enough to keep other threads busy while the next is read. */
const slicesInFlight = 8

/** Creates an empty cache of at most `limit` verdicts. */
export function createVerdictCache(limit: number = maxVerdicts): VerdictCache {
  const entries = new Map<NodePublic, Entry[]>()
  let kept = 0
  let round = 0
  let verified = 0
  let exact = 0

  const find = (nodeKey: NodePublic, signature: Uint8Array): SignatureVerdict | undefined => {
    const list = entries.get(nodeKey)
    if (list === undefined) return undefined
    for (const entry of list) {
      if (Buffer.compare(entry.signature, signature) !== 0) continue
      entry.round = round
      return entry.verdict
    }
    return undefined
  }

  const keep = ({ nodeKey, signature }: SignedKey, verdict: SignatureVerdict): void => {
    const list = entries.get(nodeKey) ?? []
    // A server that invents ever new signatures for one key must not push out all other keys.
    if (list.length >= signaturesPerKey) {
      list.shift()
      kept--
    }
    // A copy, and in memory shared with others: ten thousand arrays of their own slow down every
    // collection of garbage.
    list.push({ signature: Buffer.from(signature), verdict, round })
    entries.set(nodeKey, list)
    kept++
    if (kept > limit) kept -= evict(entries, limit, round)
  }

  const settle = async (claims: readonly PendingClaim[], budget: Budget): Promise<void> => {
    const verifier = createVerifier({ maxSlowChecks: 0 })
    const items = claims.flatMap(({ claim }) =>
      claim.checks.map((check) => ({ ...check, publicKey: check.public })),
    )
    // The platform's yes is a yes under both rules, its no only leads to the exact check.
    const quick = await verifier.verifyBatchAsync(items)
    verified += claims.length
    let at = 0
    for (const { pair, claim } of claims) {
      const results: boolean[] = []
      let isUnchecked = false
      for (const check of claim.checks) {
        const said = quick[at++]
        if (said !== 'unchecked' || results.includes(false) || isUnchecked) {
          results.push(said === 'valid')
        } else if (budget.exact > 0) {
          budget.exact--
          exact++
          await yieldToLoop()
          results.push(verifySignatureCheck(check))
        } else {
          isUnchecked = true
        }
      }
      if (!isUnchecked) keep(pair, proven(claim, results))
    }
  }

  return {
    async check(pairs) {
      round++
      const found = pairs.map(({ nodeKey, signature }) => find(nodeKey, signature))
      const unknown = pairs.filter((_, index) => found[index] === undefined)
      if (unknown.length === 0) return found
      const budget: Budget = { exact: maxExactChecks }
      const inFlight: Promise<void>[] = []
      let claims: PendingClaim[] = []
      let work = 0
      const flush = async (): Promise<void> => {
        if (inFlight.length >= slicesInFlight) await inFlight.shift()
        inFlight.push(settle(claims, budget))
        claims = []
        work = 0
        await yieldToLoop()
      }
      for (const pair of unknown) {
        const claim = claimed(pair)
        if ('reason' in claim) keep(pair, claim)
        else claims.push({ pair, claim })
        // Each level of a chain costs what a signature costs.
        work += 'reason' in claim ? 1 : claim.checks.length
        if (work >= verdictSlice) await flush()
      }
      if (claims.length > 0) await flush()
      await Promise.all(inFlight)
      await yieldToLoop()
      const now = found.map((verdict, index) => {
        const pair = pairs[index]
        return verdict ?? (pair && find(pair.nodeKey, pair.signature))
      })
      await yieldToLoop()
      return now
    },
    stats: () => ({ verified, exact, kept }),
  }
}

/** Signatures kept for one node key: the present one, the next one, and some lies. */
const signaturesPerKey = 4

type Budget = { exact: number }
type PendingClaim = { readonly pair: SignedKey; readonly claim: NodeKeyClaim }
type Refused = { readonly ok: false; readonly reason: PeerDropReason }

function claimed({ nodeKey, signature }: SignedKey): NodeKeyClaim | Refused {
  try {
    return claimNodeKey(signature, nodeKey)
  } catch (error) {
    return { ok: false, reason: dropReason(error) }
  }
}

function proven(claim: NodeKeyClaim, results: readonly boolean[]): SignatureVerdict {
  try {
    const { authorizingKeyId, rotation } = proveClaim(claim, results)
    return {
      ok: true,
      ...signers.get(authorizingKeyId),
      rotation,
      root: rotation ? rootOf(rotation.initialSignature) : '',
    }
  } catch (error) {
    return { ok: false, reason: dropReason(error) }
  }
}

type Signer = Pick<SignatureVerdict & { ok: true }, 'authorizingKey' | 'authorizingKeyId'>

/** The same few keys stand behind all signatures: verdicts share their names. */
const signers = createSigners()

function createSigners(): { get(id: Uint8Array): Signer } {
  const known = new Map<string, Signer>()
  return {
    get(id) {
      const authorizingKey = toHex(id)
      let signer = known.get(authorizingKey)
      if (signer === undefined) {
        // A liar can name any number of keys.
        if (known.size >= maxKnownSigners) known.clear()
        signer = { authorizingKey, authorizingKeyId: id.slice() }
        known.set(authorizingKey, signer)
      }
      return signer
    },
  }
}

function rootOf(initial: NodeKeySignature): string {
  return initial.sigKind === SigKind.Direct ? toHex(sha256(encodeNodeKeySignature(initial))) : ''
}

/** Drops what the newest round did not use, oldest first, until there is room again. */
function evict(entries: Map<NodePublic, Entry[]>, limit: number, round: number): number {
  const target = Math.floor(limit * 0.9)
  let size = 0
  for (const list of entries.values()) size += list.length
  const before = size
  for (const isOld of [(entry: Entry) => entry.round < round, () => true]) {
    for (const [nodeKey, list] of entries) {
      if (size <= target) return before - size
      const rest = list.filter((entry) => !isOld(entry))
      size -= list.length - rest.length
      if (rest.length === 0) entries.delete(nodeKey)
      else entries.set(nodeKey, rest)
    }
  }
  return before - size
}

function yieldToLoop(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
