// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { encodeUtf8, toHex } from '@signet/codec'
import { drawChain } from '@signet/testkit/chain'
import {
  checkDisablement,
  disablementSecretText,
  disablementValue,
  parseDisablementSecret,
  type State,
} from '../src/index.ts'
import { refusal } from './support/refuses.ts'
import { STATE } from './support/samples.ts'

const secret = new Uint8Array(32).fill(0xa5)
const value = await disablementValue(secret)

function withValues(...values: State['disablementValues'] & object): State {
  return { ...STATE, disablementValues: values }
}

describe('disablementValue()', () => {
  test('derives what official software derives', async () => {
    assert.equal(toHex(value), 'c3fea8a0d70ede2555990ca60d70a8a03cbe627d2c9f3cb0e2ba7093d0884e2f')
    assert.match(toHex(await disablementValue(new Uint8Array(32))), /^f56df7e8/)
    assert.match(toHex(await disablementValue(encodeUtf8('hello'))), /^61d3beb9/)
  })
})

describe('checkDisablement()', () => {
  test('accepts a secret of one of several values', async () => {
    const other = new Uint8Array(32)
    assert.equal(await checkDisablement(withValues(other, value), secret), true)
    assert.equal(await checkDisablement(withValues(value, other), secret), true)
  })

  const refused: [string, State, Uint8Array][] = [
    ['another secret', withValues(value), new Uint8Array(32)],
    ['the value itself', withValues(value), value],
    ['Q61: a secret that was stored as value', withValues(secret), secret],
    ['a value that was cut', withValues(value.subarray(0, 31)), secret],
    ['a null value', withValues(null), secret],
    ['no values', withValues(), secret],
    ['null values', { ...STATE, disablementValues: null }, secret],
  ]
  for (const [name, state, given] of refused) {
    test(`refuses ${name}`, async () => assert.equal(await checkDisablement(state, given), false))
  }

  test('Q63: follows the state at the head, not the first one', async () => {
    const net = drawChain('G -> coup', {
      updates: { coup: { resets: (state) => ({ ...state, disablementValues: [value] }) } },
    })
    const { authority } = net.open()
    assert.equal(await checkDisablement(net.state('G'), secret), false)
    assert.equal(await checkDisablement(authority.state, secret), true)
  })
})

describe('parseDisablementSecret()', () => {
  const text = `disablement-secret:${'A5'.repeat(32)}`

  test('reads what disablementSecretText() writes, in either case', () => {
    assert.equal(disablementSecretText(secret), text)
    assert.deepEqual(parseDisablementSecret(text), secret)
    assert.deepEqual(parseDisablementSecret(text.replaceAll('A5', 'a5')), secret)
  })

  const refused = {
    'no prefix': 'A5'.repeat(32),
    'another prefix': text.replace('secret', 'value'),
    'a prefix in upper case': text.replace('disablement', 'DISABLEMENT'),
    '31 bytes': text.slice(0, -2),
    '33 bytes': `${text}A5`,
    'half a byte': text.slice(0, -1),
    'what is not hexadecimal': text.replace('A5', 'G5'),
    nothing: '',
  }
  for (const [name, bad] of Object.entries(refused)) {
    test(`refuses ${name}`, () =>
      assert.throws(() => parseDisablementSecret(bad), refusal('bad-text')))
  }
})
