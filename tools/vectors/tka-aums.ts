// SPDX-License-Identifier: Apache-2.0
/** Adapters for the vectors about single updates: bytes, hashes, verification, application. */

import { blake2s256 } from '@signet/crypto'
import {
  applyAum,
  aumHash,
  aumHashBytes,
  aumHashText,
  aumKindText,
  aumParent,
  aumSigHash,
  aumWeight,
  chooseFork,
  decodeAum,
  encodeAum,
  encodeState,
  parseAumHash,
  trustStoredAum,
  validateAum,
  verifyAum,
  verifyAumSignature,
} from '@signet/tka'
import type { Aum, State } from '@signet/tka'
import type { Checks } from './checks.ts'
import { bool, hex, integer, listOf, nullable, text, uint64 } from './fields.ts'
import type { Fields } from './fields.ts'
import { eachCase } from './format.ts'
import type { Format } from './format.ts'
import { aum, aumShape, state, stateShape } from './tka-shapes.ts'
import { seedSigner } from './tka-node-signatures.ts'

/** A verdict text of Go: anything but "ok" is a refusal, whose words need not match. */
function checkGoVerdict(checks: Checks, what: string, recorded: string, work: () => void): void {
  checks.verdict(what, recorded === 'ok', work)
}

export const aumSerialize: Format = eachCase((fields, checks) => {
  const value = fields.get('aum', aum)
  const sigHash = fields.get('sigHash', hex)
  const hash = aumHash(value)
  checks.equal('serialized', fields.get('serialized', hex), encodeAum(value))
  checks.equal('hash', fields.get('hash', text), hash)
  checks.equal('hashText', fields.get('hashText', text), aumHashText(hash))
  checks.equal('sigHash', sigHash, aumSigHash(value))
  checks.equal('parent', fields.get('parent', nullable(text)), aumParent(value))
  checks.equal('kindText', fields.get('kindText', text), aumKindText(value.kind))
  const verdict = fields.get('staticValidate', text)
  checkGoVerdict(checks, 'staticValidate', verdict, () => validateAum(value))
  const seeds = fields.find('signerSeeds', listOf(hex))
  if (seeds === undefined) return
  const signatures = seeds.map(seedSigner).map(({ keyId, sign }) => {
    return { keyId, signature: sign(sigHash) }
  })
  checks.equal('aum.signatures', value.signatures, signatures)
})

export const aumHashTexts: Format = eachCase((fields, checks) => {
  const ok = fields.get('ok', bool)
  const source = fields.get('text', text)
  const hash = checks.verdict('ok', ok, () => parseAumHash(source))
  if (!ok || hash === undefined) return
  checks.equal('hash', fields.get('hash', hex), aumHashBytes(hash))
  checks.equal('canonicalText', fields.get('canonicalText', text), aumHashText(hash))
})

export const aumDecode: Format = eachCase((fields, checks) => {
  const input = fields.get('input', hex)
  const ok = fields.get('ok', bool)
  const decoded = checks.verdict('ok', ok, () => decodeAum(input))
  if (!ok || !decoded) return
  checks.equal('serialized', fields.find('serialized', hex) ?? input, encodeAum(decoded))
  checks.equal('hash', fields.get('hash', text), aumHash(decoded))
  const verdict = fields.get('staticValidate', text)
  checkGoVerdict(checks, 'staticValidate', verdict, () => validateAum(decoded))
  const structure = fields.find('aum', aum)
  if (structure) checks.equal('aum', aumShape(structure), aumShape(decoded))
})

export const aumVerify: Format = eachCase((fields, checks) => {
  const decoded = decodeAum(fields.get('aum', hex))
  const before = fields.get('state', state)
  const genesis = fields.get('isGenesis', bool)
  checks.verdict('ok', fields.get('ok', bool), () => verifyAum(decoded, before, { genesis }))
  const sigHash = aumSigHash(decoded)
  checks.equal('sigHash', fields.get('sigHash', hex), sigHash)
  const verdicts = fields.get('perSignature', listOf(text))
  const signatures = decoded.signatures ?? []
  checks.equal('signatures', verdicts.length, signatures.length)
  for (const [index, entry] of signatures.entries()) {
    checkGoVerdict(checks, `perSignature[${index}]`, verdicts[index] ?? '', () =>
      verifyAumSignature(entry, sigHash, before),
    )
  }
  // Null: Go panics on a key id of another length, which verification has refused before.
  const weight = fields.get('weight', nullable(uint64))
  if (weight !== null) checks.equal('weight', weight, aumWeight(decoded, before))
})

/** Applies without verification, as the vectors do, and compares the state after it. */
function checkNext(fields: Fields, checks: Checks, ok: boolean, before: State, value: Aum): void {
  const next = checks.verdict('ok', ok, () => applyAum(before, trustStoredAum(value)))
  if (!ok || !next) return
  const serialized = encodeState(next)
  checks.equal('nextHash', fields.get('nextHash', hex), blake2s256(serialized))
  const bytes = fields.find('nextSerialized', hex)
  if (bytes) checks.equal('nextSerialized', bytes, serialized)
  const structure = fields.find('next', state)
  if (structure) checks.equal('next', stateShape(structure), stateShape(next))
}

export const stateApply: Format = eachCase((fields, checks) => {
  const before = fields.get('state', state)
  const value = decodeAum(fields.get('aum', hex))
  checkNext(fields, checks, fields.get('ok', bool), before, value)
})

export const forkChoice: Format = eachCase((fields, checks) => {
  const before = fields.get('state', state)
  const candidates = fields
    .get('candidates', listOf(hex))
    .map((bytes) => trustStoredAum(decodeAum(bytes)))
  checks.equal('hashes', fields.get('hashes', listOf(text)), candidates.map(aumHash))
  const weights = candidates.map((candidate) => aumWeight(candidate, before))
  checks.equal('weights', fields.get('weights', listOf(uint64)), weights)
  const expected = candidates[fields.get('chosen', integer)]
  if (!expected) throw new RangeError('chosen is no index')
  for (let turn = 0; turn < candidates.length; turn++) {
    const order = [...candidates.slice(turn), ...candidates.slice(0, turn)]
    for (const siblings of [order, [...order].reverse()]) {
      checks.equal('chosen', aumHash(expected), aumHash(chooseFork(before, siblings)))
    }
  }
  checkNext(fields, checks, fields.get('applyOk', bool), before, expected)
})
