// SPDX-License-Identifier: Apache-2.0
/** Adapters for the vectors about stored chains: opening, informing, sync, compaction. */

import { concatBytes } from '@signet/codec'
import { blake2s256 } from '@signet/crypto'
import {
  aumHash,
  aumHashBytes,
  AumKind,
  aumParent,
  bootstrapAuthority,
  compactAuthority,
  createMemoryStore,
  decodeAum,
  informAuthority,
  missingAums,
  openAuthority,
  parseSyncOffer,
  syncIntersection,
  syncOffer,
  syncOfferText,
} from '@signet/tka'
import type { Authority, AumStore, ChainOptions, SyncOffer, VerifiedAum } from '@signet/tka'
import { Checks } from './checks.ts'
import { bool, hex, integer, listOf, nullable, oneOf, text } from './fields.ts'
import type { Fields } from './fields.ts'
import { eachCase } from './format.ts'
import type { Format } from './format.ts'
import {
  checkAuthority,
  checkState,
  hash,
  readBag,
  storedAum,
  withOfficialLimits,
} from './tka-bag.ts'
import type { Allowance } from './tka-bag.ts'

const LIMITS = 'official-scan-limits'

/** Says whether a recorded error is one of the official limits on chains. */
function hitsLimit(fields: Fields | undefined): boolean {
  return /iteration limit exceeded/.test(fields?.find('error', text) ?? '')
}

/** Where opening a store may go otherwise than recorded, by the recorded error or the store. */
export function allowanceForOpening(fields: Fields, store: AumStore): Allowance {
  const isHintOddity = /multiple distinct chains/.test(fields.find('error', text) ?? '')
  const isTorn = fields.get('ok', bool) && hasGap(store)
  return {
    rule: isHintOddity ? 'last-active-ancestor' : isTorn ? 'torn-store-fails-closed' : LIMITS,
    isAllowed: isHintOddity || isTorn || hitsLimit(fields),
    mayDiffer: /^ok$/,
  }
}

/** An update has lost its parent, though nothing but a checkpoint may begin a compacted store. */
function hasGap(store: AumStore): boolean {
  for (const each of store.hashes()) {
    const aum = store.get(each)
    const parent = aum && aumParent(aum)
    if (aum?.kind !== AumKind.Checkpoint && parent && !store.has(parent)) return true
  }
  return false
}

export const chainOpen: Format = eachCase((fields, checks) => {
  const makeStore = readBag(fields, checks, 'aums')
  const ok = fields.get('ok', bool)
  withOfficialLimits(checks, allowanceForOpening(fields, makeStore()), (options, inner) => {
    const opened = inner.verdict('ok', ok, () => openAuthority(makeStore(), options))
    if (!ok || !opened) return
    checkAuthority(fields, inner, opened)
    checkState(fields, inner, opened)
  })
})

export const bootstrap: Format = eachCase((fields, checks) => {
  const store = readBag(fields, checks, 'stored')()
  const ok = fields.get('ok', bool)
  const genesis = decodeAum(fields.get('aum', hex))
  const opened = checks.verdict('ok', ok, () => bootstrapAuthority(store, genesis))
  if (!ok || !opened) return
  checkAuthority(fields, checks, opened)
  checkState(fields, checks, opened)
  checks.equal('hintAfter', fields.get('hintAfter', text), store.lastActiveAncestor())
})

export const inform: Format = eachCase((fields, checks) => {
  const makeStore = readBag(fields, checks, 'stored')
  const start = fields.object('start')
  const batches = fields.get('batches', listOf(listOf(hex)))
  const steps = fields.objects('steps')
  const reopen = fields.object('reopen')
  const finalStored = fields.find('finalStored', listOf(text))
  const isLimited = hitsLimit(reopen) || steps.some(hitsLimit)
  const isOutOfOrder = steps.some((step) =>
    /file does not exist/.test(step.find('error', text) ?? ''),
  )
  const rule = isLimited ? LIMITS : 'batches-in-any-order'
  const allowance = { rule, isAllowed: isLimited || isOutOfOrder, mayDiffer: /./ }
  withOfficialLimits(checks, allowance, (options, inner) => {
    const store = makeStore()
    let authority = openAuthority(store, options)
    checkAuthority(start, inner, authority)
    inner.equal('steps', batches.length, steps.length)
    for (const [index, step] of steps.entries()) {
      const batch = (batches[index] ?? []).map((bytes) => decodeAum(bytes))
      const next = inner.verdict(`steps[${index}].ok`, step.get('ok', bool), () =>
        informAuthority(authority, store, batch, options),
      )
      if (next) authority = next
      checkAuthority(step, inner, authority)
      inner.equal(`steps[${index}].stored`, step.get('stored', integer), sizeOf(store))
    }
    if (finalStored) inner.equal('finalStored', new Set(finalStored), new Set(store.hashes()))
    const ok = reopen.get('ok', bool)
    const reopened = inner.verdict('reopen.ok', ok, () => openAuthority(store, options))
    if (ok && reopened) checkAuthority(reopen, inner, reopened)
  })
})

function sizeOf(store: AumStore): number {
  return [...store.hashes()].length
}

export const sync: Format = eachCase((fields, checks) => {
  const a = fields.object('a')
  const b = fields.object('b')
  const makeA = readBag(a, checks, 'aums')
  const makeB = readBag(b, checks, 'aums')
  const answers = [fields.object('missingFromAForB'), fields.object('missingFromBForA')]
  const after = [fields, fields].map((each, index) => {
    const name = index === 0 ? 'afterA' : 'afterB'
    return each.has(name) ? each.object(name) : undefined
  })
  const offers = [fields.object('offerA'), fields.object('offerB')]
  // Only long chains, which are generated, reach the limits; where both arrive may never differ.
  const isAllowed = a.has('generate') || b.has('generate')
  const mayDiffer = /^(offer\.ancestors|intersection|at|count|digest|hashes|first|last)$/
  withOfficialLimits(checks, { rule: LIMITS, isAllowed, mayDiffer }, (options, inner) => {
    const sides = [openSide(makeA(), options), openSide(makeB(), options)] as const
    const sent = sides.map((side, index) => {
      const other = sides[1 - index] ?? side
      const offer = syncOffer(side.authority, options)
      const shown = syncOfferText(offer)
      inner.equal('offer.head', offers[index]?.get('head', text), shown.head)
      inner.equal('offer.ancestors', offers[index]?.get('ancestors', listOf(text)), shown.ancestors)
      const remote = syncOffer(other.authority, options)
      const answer = answers[index]
      return answer && checkMissing(answer, inner, side, remote, options)
    })
    for (const [index, side] of sides.entries()) {
      const result = after[index]
      if (result) checkAfter(result, inner, side, sent[1 - index] ?? [], options)
    }
  })
})

interface Side {
  readonly store: AumStore
  readonly authority: Authority
}

function openSide(store: AumStore, options: ChainOptions): Side {
  return { store, authority: openAuthority(store, options) }
}

const INTERSECTIONS = { upToDate: 'up-to-date', head: 'head', tail: 'tail' } as const

/** What one side sends for the other's offer. */
function checkMissing(
  fields: Fields,
  checks: Checks,
  { store, authority }: Side,
  remote: SyncOffer,
  options: ChainOptions,
): readonly VerifiedAum[] | undefined {
  const ok = fields.get('ok', bool)
  const sent = checks.verdict('missing.ok', ok, () =>
    missingAums(authority, store, remote, options),
  )
  if (!ok || !sent) return undefined
  const meeting = syncIntersection(authority, store, remote, options)
  const kind = fields.get('intersection', oneOf('upToDate', 'head', 'tail'))
  checks.equal('intersection', INTERSECTIONS[kind], meeting.kind)
  const at = fields.find('at', text)
  if (at !== undefined) checks.equal('at', at, meeting.kind === 'none' ? null : meeting.at)
  const hashes = sent.map(aumHash)
  checks.equal('count', fields.get('count', integer), hashes.length)
  const digest = blake2s256(concatBytes(...hashes.map(aumHashBytes)))
  checks.equal('digest', fields.get('digest', hex), digest)
  const list = fields.find('hashes', listOf(text))
  if (list) checks.equal('hashes', list, hashes)
  const first = fields.find('first', text)
  if (first !== undefined) checks.equal('first', first, hashes[0])
  const last = fields.find('last', text)
  if (last !== undefined) checks.equal('last', last, hashes.at(-1))
  return sent
}

function checkAfter(
  fields: Fields,
  checks: Checks,
  { store, authority }: Side,
  received: readonly VerifiedAum[],
  options: ChainOptions,
): void {
  const ok = fields.get('ok', bool)
  const next = checks.verdict('after.ok', ok, () =>
    // Nothing to tell is nothing to do; informing of no updates is an error of its own.
    received.length === 0 ? authority : informAuthority(authority, store, received, options),
  )
  if (ok && next) checks.equal('after.head', fields.get('head', text), next.head)
}

export const syncOfferTexts: Format = eachCase((fields, checks) => {
  const head = fields.get('head', text)
  const ancestors = fields.get('ancestors', nullable(listOf(text))) ?? []
  const ok = fields.get('ok', bool)
  const offer = checks.verdict('ok', ok, () => parseSyncOffer({ head, ancestors }))
  if (!ok || !offer) return
  const back = syncOfferText(offer)
  checks.equal('headHash', fields.get('headHash', text), offer.head)
  checks.equal('ancestorHashes', fields.get('ancestorHashes', listOf(text)), offer.ancestors)
  checks.equal('headText', fields.get('headText', text), back.head)
  checks.equal('ancestorTexts', fields.get('ancestorTexts', listOf(text)), back.ancestors)
})

export const compact: Format = eachCase((fields, checks) => {
  const aums = fields.get('aums', listOf(storedAum))
  const ages = fields.get('ageSeconds', listOf(integer))
  const recorded = new Checks()
  compareCompaction(fields, recorded, aums, ages)
  if (recorded.mismatches.length === 0) return
  // Some outcomes are those of a set whose last update, on a fork, was young, though all recorded
  // ages are the same. (With these ages official software gives what ours does.)
  const isUniform = new Set(ages).size === 1
  const last = aums.at(-1)
  const isFork = last !== undefined && aumHash(last) !== fields.get('head', text)
  const youngTip = new Checks()
  if (isUniform && isFork) compareCompaction(fields, youngTip, aums, [...ages.slice(0, -1), 60])
  if (isUniform && isFork && youngTip.mismatches.length === 0) checks.judgeBy('age-of-the-fork-tip')
  else checks.mismatches.push(...recorded.mismatches)
})

function compareCompaction(
  fields: Fields,
  checks: Checks,
  aums: readonly VerifiedAum[],
  ages: readonly number[],
): void {
  const hint = fields.get('hint', hash)
  const minChain = fields.get('minChain', integer)
  const minAge = fields.get('minAgeSeconds', integer) * 1000
  const now = 1_800_000_000_000
  for (const outcome of fields.objects('outcomes')) {
    const store = createMemoryStore({
      now: () => now,
      entries: aums.map((aum, index) => ({ aum, commitTime: now - (ages[index] ?? 0) * 1000 })),
      lastActiveAncestor: hint,
    })
    const authority = openAuthority(store)
    checks.equal('head', fields.get('head', text), authority.head)
    const ok = outcome.get('ok', bool)
    const compacted = checks.verdict('ok', ok, () =>
      compactAuthority(authority, store, { now, minChain, minAge }),
    )
    if (ok && compacted) {
      checks.equal('oldest', outcome.get('oldest', text), compacted.oldestAncestor)
    }
    checks.equal('hintAfter', outcome.get('hintAfter', text), store.lastActiveAncestor())
    const remaining = new Set(outcome.get('remaining', listOf(text)))
    checks.equal('remaining', remaining, new Set(store.hashes()))
    const reopen = outcome.object('reopen')
    const reopened = checks.verdict('reopen', reopen.get('ok', bool), () => openAuthority(store))
    if (reopened) checks.equal('reopen.head', reopen.get('head', text), reopened.head)
  }
}
