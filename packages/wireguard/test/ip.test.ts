// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { formatIp, formatPrefix, parseIp, parsePrefix } from '../src/index.ts'

test('parseIp() and formatIp() know the forms of RFC 5952', () => {
  const rows: readonly [text: string, canonical: string][] = [
    ['0.0.0.0', '0.0.0.0'],
    ['255.255.255.255', '255.255.255.255'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['2001:DB8:0:0:0:0:2:1', '2001:db8::2:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['fd7a:115c:a1e0::7', 'fd7a:115c:a1e0::7'],
    ['::ffff:1.2.3.4', '::ffff:102:304'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
  ]
  for (const [text, canonical] of rows) {
    const bytes = parseIp(text)
    assert.ok(bytes, text)
    assert.equal(formatIp(bytes), canonical, text)
  }
})

test('parseIp() refuses what is none', () => {
  const texts = [
    '',
    '1',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    '01.2.3.4',
    '1.2.3.04',
    ' 1.2.3.4',
    '1.2.3.4 ',
    '1.2.3.-4',
    '1.2.3.4e0',
    '0x1.2.3.4',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '12345::',
    '1:2:3:4:5:6:7:8:9',
    '::g',
    '1:2:3:4:5:6:7:8::',
    'fe80::1%eth0',
    '1.2.3.4::',
    '::1.2.3.4:5',
    '1.2.3.4:80',
    '[::1]',
    '::1.2.3',
    ':1',
    '1:',
  ]
  for (const text of texts) assert.equal(parseIp(text), null, JSON.stringify(text))
})

test('formatIp() and parseIp() are inverse', () => {
  const addresses = fc.oneof(
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
    fc.array(fc.constantFrom(0, 0, 0, 1), { minLength: 16, maxLength: 16 }).map((bytes) => {
      return Uint8Array.from(bytes)
    }),
  )
  fc.assert(fc.property(addresses, (bytes) => assert.deepEqual(parseIp(formatIp(bytes)), bytes)))
})

test('parsePrefix() clears the bits behind the length', () => {
  const rows: readonly [text: string, canonical: string][] = [
    ['10.20.30.40/16', '10.20.0.0/16'],
    ['10.20.30.40', '10.20.30.40/32'],
    ['10.20.30.40/0', '0.0.0.0/0'],
    ['10.20.30.41/31', '10.20.30.40/31'],
    ['255.255.255.255/9', '255.128.0.0/9'],
    ['fd7a:115c:a1e0::7', 'fd7a:115c:a1e0::7/128'],
    ['fd7a:115c:a1e0:ab12::7/50', 'fd7a:115c:a1e0:8000::/50'],
    ['::/0', '::/0'],
  ]
  for (const [text, canonical] of rows) assert.equal(formatPrefix(parsePrefix(text)), canonical)
})

test('parsePrefix() refuses what is none', () => {
  const texts = [
    '',
    '/',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/08',
    '10.0.0.0/8/8',
    '::/129',
    '::/1e1',
    '10.0.0/8',
    '10.0.0.0/ 8',
  ]
  for (const text of texts) {
    assert.throws(() => parsePrefix(text), { code: 'bad-prefix' }, JSON.stringify(text))
  }
})
