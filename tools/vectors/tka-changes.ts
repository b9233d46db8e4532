// SPDX-License-Identifier: Apache-2.0
/** Adapters for the vectors about making changes: builder, genesis, revocation, disablement. */

import {
  aumHash,
  aumParent,
  bootstrapAuthority,
  checkDisablement,
  createGenesis,
  createMemoryStore,
  createUpdateBuilder,
  decodeAum,
  disablementValue,
  EMPTY_STATE,
  encodeAum,
  informAuthority,
  makeRecoveryAum,
  openAuthority,
  signAum,
} from '@signet/tka'
import type { Authority, AumStore, UpdateBuilder } from '@signet/tka'
import type { Checks } from './checks.ts'
import { bool, hex, listOf, nullable, oneOf, record, text, uint64 } from './fields.ts'
import type { Fields } from './fields.ts'
import { byKind, eachCase } from './format.ts'
import type { Format } from './format.ts'
import { checkAuthority, checkState, hash, readBag } from './tka-bag.ts'
import { seedSigner } from './tka-node-signatures.ts'
import { key, meta, state } from './tka-shapes.ts'

export const updateBuilder: Format = eachCase((fields, checks) => {
  const store = readBag(fields, checks, 'stored')()
  const signers = fields.get('signerSeeds', listOf(hex)).map(seedSigner)
  const ops = (fields.get('ops', nullable(listOf(record))) ?? []).map((op) => fields.watch(op))
  const results = fields.get('opResults', listOf(text))
  const authority = openAuthority(store)
  const builder = createUpdateBuilder(authority, signers)
  checks.equal('opResults', results.length, ops.length)
  for (const [index, op] of ops.entries()) {
    const run = readOp(op)
    checks.verdict(`opResults[${index}]`, results[index] === 'ok', () => run(builder))
  }
  const meanwhile = fields
    .find('informBeforeFinalize', listOf(hex))
    ?.map((bytes) => decodeAum(bytes))
  const current = meanwhile ? informAuthority(authority, store, meanwhile) : authority
  const ok = fields.get('ok', bool)
  const made = checks.verdict('ok', ok, () => builder.finish(current))
  if (!ok || !made) return
  checks.equal('result', fields.get('result', listOf(hex)), made.map(encodeAum))
  checks.equal('hashes', fields.get('hashes', listOf(text)), made.map(aumHash))
  if (!fields.has('inform')) return
  const inform = fields.object('inform')
  checkInform(inform, checks, () => informAuthority(current, store, made))
})

function checkInform(fields: Fields, checks: Checks, work: () => Authority): Authority | undefined {
  const ok = fields.get('ok', bool)
  const next = checks.verdict('inform.ok', ok, work)
  if (!ok || !next) return undefined
  checkAuthority(fields, checks, next)
  checkState(fields, checks, next)
  return next
}

function readOp(op: Fields): (builder: UpdateBuilder) => void {
  const name = op.get('op', oneOf('addKey', 'removeKey', 'setKeyVote', 'setKeyMeta'))
  if (name === 'addKey') {
    const added = op.get('key', key)
    return (builder) => builder.addKey(added)
  }
  const keyId = op.get('keyId', hex)
  if (name === 'removeKey') return (builder) => builder.removeKey(keyId)
  if (name === 'setKeyVote') {
    const votes = op.get('votes', uint64)
    return (builder) => builder.setKeyVotes(keyId, votes)
  }
  const pairs = op.find('meta', meta) ?? null
  return (builder) => builder.setKeyMeta(keyId, pairs)
}

export const create: Format = eachCase((fields, checks) => {
  const signers = fields.get('signerSeeds', listOf(hex)).map(seedSigner)
  const initial = fields.get('state', state)
  const genesis = fields.get('genesis', nullable(hex))
  const ok = fields.get('ok', bool)
  const made = checks.verdict('ok', ok, () => createGenesis(initial, signers))
  if (!ok || !made) return
  checks.equal('genesis', genesis, encodeAum(made))
  // The member `state` is what the genesis is made of, not what the authority ends up with.
  checkAuthority(fields, checks, bootstrapAuthority(createMemoryStore({ now: () => 0 }), made))
})

export const revocation: Format = eachCase((fields, checks) => {
  const store: AumStore = readBag(fields, checks, 'stored')()
  const authority = openAuthority(store)
  const removeKeys = fields.get('removeKeys', listOf(hex))
  const ourKey = fields.get('ourKey', hex)
  const forkFrom = fields.get('forkFrom', nullable(hash))
  const ok = fields.get('ok', bool)
  const options = { removeKeys, ourKey, ...(forkFrom === null ? {} : { forkFrom }) }
  const made = checks.verdict('ok', ok, () => makeRecoveryAum(authority, store, options))
  if (!ok || !made) return
  checks.equal('aum', fields.get('aum', hex), encodeAum(made))
  checks.equal('parent', fields.get('parent', text), aumParent(made))
  const seeds = fields.find('signerSeeds', listOf(hex))
  if (!seeds) return
  const signed = signAum(made, seeds.map(seedSigner))
  checks.equal('signed', fields.get('signed', hex), encodeAum(signed))
  const inform = fields.object('inform')
  const next = checkInform(inform, checks, () => informAuthority(authority, store, [signed]))
  if (!next) return
  const isHead = next.head === aumHash(signed)
  checks.equal('revocationIsHead', inform.get('revocationIsHead', bool), isHead)
})

export const disablement: Format = eachCase(
  byKind('op', {
    async kdf(fields, checks) {
      const value = await disablementValue(fields.get('secret', hex))
      checks.equal('value', fields.get('value', hex), value)
    },
    async check(fields, checks) {
      const disablementValues = fields.get('values', listOf(nullable(hex)))
      const secret = fields.get('secret', hex)
      const valid = await checkDisablement({ ...EMPTY_STATE, disablementValues }, secret)
      checks.equal('valid', fields.get('valid', bool), valid)
    },
    async chain(fields, checks) {
      const [genesis, ...rest] = fields.get('aums', listOf(hex)).map((bytes) => decodeAum(bytes))
      const secret = fields.get('secret', hex)
      if (!genesis) throw new RangeError('a chain of no updates')
      const store = createMemoryStore({ now: () => 0 })
      const first = bootstrapAuthority(store, genesis)
      const authority = rest.length === 0 ? first : informAuthority(first, store, rest)
      const valid = await checkDisablement(authority.state, secret)
      checks.equal('valid', fields.get('valid', bool), valid)
    },
  }),
)
