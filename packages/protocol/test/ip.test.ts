// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import {
  canonicalAddress,
  canonicalAddressPort,
  canonicalPrefix,
  formatAddress,
  parseAddress,
  parsePrefix,
  prefixContains,
} from '../src/index.ts'

const valueError = { name: 'ProtocolError', code: 'value' }

describe('canonicalAddress()', () => {
  const rows: [string, string][] = [
    ['', ''],
    ['0.0.0.0', '0.0.0.0'],
    ['255.255.255.255', '255.255.255.255'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['FD7A:115C:A1E0::1', 'fd7a:115c:a1e0::1'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['1:0:0:2:0:0:3:4', '1::2:0:0:3:4'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['1:2:3::5:6:7:8', '1:2:3:0:5:6:7:8'],
    ['1:2:3:4:5:6::8', '1:2:3:4:5:6:0:8'],
    ['1:2:3:4:5:6::', '1:2:3:4:5:6::'],
    ['1:2:3:4:5::8', '1:2:3:4:5::8'],
    ['::ffff:1.2.3.4', '::ffff:1.2.3.4'],
    ['::ffff:102:304', '::ffff:1.2.3.4'],
    ['64:ff9b::1.2.3.4', '64:ff9b::102:304'],
    ['fe80::1%eth0', 'fe80::1%eth0'],
    ['0001::0', '1::'],
  ]
  for (const [given, canonical] of rows) {
    test(`reads ${JSON.stringify(given)}`, () => assert.equal(canonicalAddress(given), canonical))
  }

  const refused = [
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '01.2.3.4',
    '1.2.3.04',
    '1..2.3',
    '1.2.3.4.',
    '.1.2.3.4',
    '1.2.3.4%eth0',
    'a.b.c.d',
    '1.2.3.+4',
    ':',
    ':::',
    '1::2::3',
    ':1::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '::1:2:3:4:5:6:7:8',
    '12345::',
    'g::',
    '::1.2.3',
    '::1.2.3.4:5',
    '1.2.3.4::',
    '::%',
    'fe80::1%',
    '[::1]',
    ' ::1',
    '::1 ',
  ]
  for (const given of refused) {
    test(`refuses ${JSON.stringify(given)}`, () =>
      assert.throws(() => canonicalAddress(given), valueError))
  }

  test('has one text for each address', () => {
    const zeros = fc.constantFrom(0, 0, 0, 1, 255)
    const bytes = fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc
        .array(fc.oneof(zeros, fc.nat(255)), { minLength: 16, maxLength: 16 })
        .map((a) => Uint8Array.from(a)),
    )
    fc.assert(
      fc.property(bytes, (raw) => {
        const text = formatAddress({ bytes: raw, zone: '' })
        assert.deepEqual(parseAddress(text), { bytes: raw, zone: '' })
        assert.equal(canonicalAddress(text), text)
        if (raw.length === 16) {
          const groups = Array.from({ length: 8 }, (_, i) =>
            (((raw[2 * i] ?? 0) << 8) | (raw[2 * i + 1] ?? 0)).toString(16).padStart(4, '0'),
          )
          assert.equal(canonicalAddress(groups.join(':')), text)
        }
      }),
    )
  })

  test('what passes without a closer look is what the closer look gives', () => {
    const hex = fc.constantFrom('0', '1', '10', 'ab', 'ffff', '00a', '', 'A', '12345', '1.2.3.4')
    fc.assert(
      fc.property(fc.array(hex, { maxLength: 10 }), (groups) => {
        const text = groups.join(':')
        try {
          assert.equal(canonicalAddress(text), text === '' ? '' : formatAddress(parseAddress(text)))
        } catch (error) {
          assert.equal((error as Error).name, 'ProtocolError')
        }
      }),
      { numRuns: 2000 },
    )
  })
})

describe('canonicalPrefix()', () => {
  const rows: [string, string][] = [
    ['', ''],
    ['10.1.2.3/8', '10.1.2.3/8'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['100.64.0.1/32', '100.64.0.1/32'],
    ['::/0', '::/0'],
    ['FD7A::/48', 'fd7a::/48'],
    ['fd7a:115c:a1e0::1/128', 'fd7a:115c:a1e0::1/128'],
    ['::ffff:1.2.3.4/128', '::ffff:1.2.3.4/128'],
  ]
  for (const [given, canonical] of rows) {
    test(`reads ${JSON.stringify(given)}`, () => assert.equal(canonicalPrefix(given), canonical))
  }
  const refused = [
    '10.0.0.0',
    '/8',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/08',
    '10.0.0.0/+8',
    '10.0.0.0/128',
    '::/129',
    '::1%e/64',
    '1.2.3.4/8/8',
  ]
  for (const given of refused) {
    test(`refuses ${JSON.stringify(given)}`, () =>
      assert.throws(() => canonicalPrefix(given), valueError))
  }
})

describe('canonicalAddressPort()', () => {
  const rows: [string, string][] = [
    ['', ''],
    ['1.2.3.4:0', '1.2.3.4:0'],
    ['1.2.3.4:0080', '1.2.3.4:80'],
    ['1.2.3.4:65535', '1.2.3.4:65535'],
    ['[2001:DB8::1]:1', '[2001:db8::1]:1'],
    ['[fe80::1%eth0]:41641', '[fe80::1%eth0]:41641'],
    ['[::ffff:1.2.3.4]:1', '[::ffff:1.2.3.4]:1'],
  ]
  for (const [given, canonical] of rows) {
    test(`reads ${JSON.stringify(given)}`, () =>
      assert.equal(canonicalAddressPort(given), canonical))
  }
  const refused = [
    '1.2.3.4',
    '1.2.3.4:',
    '1.2.3.4:65536',
    '1.2.3.4:+1',
    '[1.2.3.4]:1',
    '2001:db8::1:1',
    '[::1]',
    '[::1]:',
    '[::1:1',
    '::1]:1',
    ':1',
    '1.2.3.4:1:2',
  ]
  for (const given of refused) {
    test(`refuses ${JSON.stringify(given)}`, () =>
      assert.throws(() => canonicalAddressPort(given), valueError))
  }
})

describe('prefixContains()', () => {
  const rows: [string, string, boolean][] = [
    ['100.64.0.0/10', '100.127.255.255', true],
    ['100.64.0.0/10', '100.128.0.0', false],
    ['0.0.0.0/0', '1.2.3.4', true],
    ['0.0.0.0/0', '::1', false],
    ['10.0.0.1/32', '10.0.0.1', true],
    ['10.0.0.1/32', '10.0.0.2', false],
    ['fd7a:115c:a1e0::/48', 'fd7a:115c:a1e0:ab::1', true],
    ['fd7a:115c:a1e0::/48', 'fd7a:115c:a1e1::1', false],
  ]
  for (const [prefix, address, expected] of rows) {
    test(`${prefix} ${expected ? 'has' : 'has not'} ${address}`, () => {
      assert.equal(prefixContains(parsePrefix(prefix), parseAddress(address).bytes), expected)
    })
  }
})
