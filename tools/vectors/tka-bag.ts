// SPDX-License-Identifier: Apache-2.0
/** Stored sets of updates ("bags") and opened authorities, as vectors/tka writes them. */

import { blake2s256 } from '@signet/crypto'
import {
  aumHash,
  aumHashBytes,
  aumHashFromBytes,
  aumHashText,
  AumKind,
  createMemoryStore,
  decodeAum,
  EMPTY_AUM,
  encodeState,
  trustStoredAum,
} from '@signet/tka'
import type { AumHash, AumStore, Authority, ChainOptions, VerifiedAum } from '@signet/tka'
import { Checks } from './checks.ts'
import { hex, integer, listOf, nullable, text, uint64 } from './fields.ts'
import type { Fields, Reader } from './fields.ts'
import { state, stateShape } from './tka-shapes.ts'

export const hash: Reader<AumHash> = (value, path) => aumHashFromBytes(hex(value, path))

/** An update whose verification the vector takes for granted. */
export const storedAum: Reader<VerifiedAum> = (value, path) =>
  trustStoredAum(decodeAum(hex(value, path)))

/** How to make a store of a case; called once for each store that is needed. */
export type MakeStore = () => AumStore

/** Reads a bag: the updates in `member`, those to generate, and the hint. */
export function readBag(fields: Fields, checks: Checks, member: 'aums' | 'stored'): MakeStore {
  const aums = fields.get(member, listOf(storedAum))
  const hint = fields.get('hint', nullable(hash)) ?? undefined
  const generated = fields.has('generate') ? fields.objects('generate').flatMap(generate) : []
  const last = fields.find('generatedLast', hash)
  if (last !== undefined) checks.equal('generatedLast', last, lastHash(generated))
  const entries = [...aums, ...generated].map((aum) => ({ aum, commitTime: 0 }))
  return () => createMemoryStore({ now: () => 0, entries, lastActiveAncestor: hint })
}

function lastHash(aums: readonly VerifiedAum[]): AumHash | undefined {
  const last = aums.at(-1)
  return last && aumHash(last)
}

/** Unsigned no-ops in a row, every `checkpointEvery`-th a checkpoint. */
function generate(fields: Fields): VerifiedAum[] {
  const every = fields.get('checkpointEvery', integer)
  const checkpoint = fields.find('state', state)
  let prev = fields.get('start', hash)
  return Array.from({ length: fields.get('count', integer) }, (_, index) => {
    const isCheckpoint = every > 0 && (index + 1) % every === 0
    const aum = trustStoredAum({
      ...EMPTY_AUM,
      kind: isCheckpoint ? AumKind.Checkpoint : AumKind.NoOp,
      prev: aumHashBytes(prev),
      state: isCheckpoint ? (checkpoint ?? null) : null,
    })
    prev = aumHash(aum)
    return aum
  })
}

/** Compares an opened authority with the members that describe one. */
export function checkAuthority(fields: Fields, checks: Checks, opened: Authority): void {
  checks.equal('head', fields.get('head', text), opened.head)
  checks.equal('headText', fields.get('headText', text), aumHashText(opened.head))
  checks.equal('oldest', fields.get('oldest', text), opened.oldestAncestor)
  checks.equal('stateHash', fields.get('stateHash', hex), blake2s256(encodeState(opened.state)))
  const id1 = fields.find('stateId1', uint64)
  const id2 = fields.find('stateId2', uint64)
  if (id1 !== undefined) checks.equal('stateId1', id1, opened.state.stateId1)
  if (id2 !== undefined) checks.equal('stateId2', id2, opened.state.stateId2)
}

/** Compares the state of an opened authority, if the case has it. */
export function checkState(fields: Fields, checks: Checks, opened: Authority): void {
  const structure = fields.find('state', state)
  if (structure) checks.equal('state', stateShape(structure), stateShape(opened.state))
}

/** Under which rule a comparison may differ. */
export interface Allowance {
  readonly rule: string
  /** What the marks of the case say. */
  readonly isAllowed: boolean
  /** The members that may differ under the rule. */
  readonly mayDiffer: RegExp
}

/**
 * Runs a comparison as our code runs in earnest. If that differs from what was recorded, runs it
 * again within the limits of official software (see `ChainOptions`): when the difference vanishes
 * it was one of the written rule, otherwise it stays a failure.
 *
 * The rule may be used only if the marks of the case allow it, and only for some of its members.
 */
export function withOfficialLimits(
  checks: Checks,
  allowance: Allowance,
  compare: (options: ChainOptions, checks: Checks) => void,
): void {
  const { rule, mayDiffer } = allowance
  const inEarnest = new Checks()
  compare({}, inEarnest)
  const limited = new Checks()
  const isAllowed =
    allowance.isAllowed && inEarnest.mismatches.every(({ what }) => mayDiffer.test(what))
  if (inEarnest.mismatches.length > 0 && isAllowed) compare({ officialLimits: true }, limited)
  if (inEarnest.mismatches.length === 0 || !isAllowed || limited.mismatches.length > 0) {
    checks.mismatches.push(...inEarnest.mismatches)
    for (const { what, ...rest } of limited.mismatches) {
      checks.mismatches.push({ what: `${what} (official limits)`, ...rest })
    }
  } else {
    checks.judgeBy(rule)
  }
}
