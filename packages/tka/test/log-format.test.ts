// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { concatBytes, encodeUtf8, toHex } from '@signet/codec'
import { drawChain } from '@signet/testkit/chain'
import { encodeAum, type Aum } from '../src/index.ts'
import { aumHash } from '../src/aum-codec.ts'
import { crc32 } from '../src/crc32.ts'
import { decodeLog, encodeLog, encodeRecord, type LogEntry } from '../src/log-format.ts'
import { refusal } from './support/refuses.ts'
import { aumOf, SOME_HASH } from './support/samples.ts'

const net = drawChain('G -> a -> b')
const HEADER = encodeLog([])

function updateEntry(aum: Aum, commitTime = 1_700_000_000_000): LogEntry {
  return { kind: 'update', hash: aumHash(aum), commitTime, bytes: encodeAum(aum) }
}

const batches: LogEntry[][] = [
  [updateEntry(net.aum('G')), { kind: 'active', hash: net.hash('G') }],
  [updateEntry(net.aum('a')), updateEntry(net.aum('b'))],
  [{ kind: 'forgotten', hash: SOME_HASH, commitTime: 1.5 }],
]
const records = batches.map((batch, number) => encodeRecord(number, batch))
const whole = concatBytes(HEADER, ...records)

/** Offsets at which the log is whole, with the number of records before each. */
const boundaries = new Map<number, number>([[HEADER.length, 0]])
for (const [i, record] of records.entries()) {
  const before = [...boundaries.keys()].at(-1) ?? 0
  boundaries.set(before + record.length, i + 1)
}

describe('crc32()', () => {
  test('has the standard’s check value', () => {
    assert.equal(crc32(encodeUtf8('123456789')), 0xcbf43926)
    assert.equal(crc32(new Uint8Array(0)), 0)
  })

  test('goes on where it was', () => {
    assert.equal(crc32(encodeUtf8('6789'), crc32(encodeUtf8('12345'))), 0xcbf43926)
  })
})

describe('encodeRecord()', () => {
  // Written by hand from the format, 2026-11-22.
  test('has the documented bytes', () => {
    const record = encodeRecord(7, [{ kind: 'active', hash: SOME_HASH }])
    const payload = `03${'ab'.repeat(32)}`
    assert.equal(toHex(record.subarray(0, 12)), 'aa756d0a0000002100000007')
    assert.equal(toHex(record.subarray(16)), payload)
    assert.equal(toHex(HEADER), toHex(encodeUtf8('signet aum log 1\n')))
  })

  test('of a forgotten update has its time, and of an update its bytes', () => {
    const forgotten = encodeRecord(0, [{ kind: 'forgotten', hash: SOME_HASH, commitTime: 2 }])
    assert.equal(toHex(forgotten.subarray(16)), `02${'ab'.repeat(32)}4000000000000000`)
    const aum = aumOf()
    const update = encodeRecord(0, [updateEntry(aum, 2)])
    const bytes = encodeAum(aum)
    const length = bytes.length.toString(16).padStart(8, '0')
    const expected = `01${aumHash(aum)}4000000000000000${length}${toHex(bytes)}`
    assert.equal(toHex(update.subarray(16)), expected)
  })
})

describe('decodeLog()', () => {
  test('reads what was written', () => {
    const content = decodeLog(whole)
    assert.deepEqual(content.entries, batches.flat())
    assert.equal(content.records, 3)
    assert.equal(content.wholeLength, whole.length)
  })

  test('reads an empty log', () => {
    assert.deepEqual(decodeLog(HEADER), { entries: [], records: 0, wholeLength: HEADER.length })
  })

  test('encodeLog() writes all into one record', () => {
    const content = decodeLog(encodeLog(batches.flat()))
    assert.deepEqual(content.entries, batches.flat())
    assert.equal(content.records, 1)
  })

  test('a log torn at any byte reads up to the last whole record', () => {
    let expected = 0
    for (let length = HEADER.length; length <= whole.length; length++) {
      expected = boundaries.get(length) ?? expected
      const content = decodeLog(whole.slice(0, length))
      assert.equal(content.records, expected)
      assert.deepEqual(content.entries, batches.slice(0, expected).flat())
    }
  })

  test('a tail of zeros or of noise, as a power cut leaves it, is no record', () => {
    const last = [...boundaries.keys()].at(-2) ?? 0
    for (const fill of [0, 0xaa, 0xff]) {
      const torn = new Uint8Array(whole)
      torn.fill(fill, last)
      assert.equal(decodeLog(torn).wholeLength, last)
      torn.set(records[2]?.subarray(0, 20) ?? [], last)
      assert.equal(decodeLog(torn).wholeLength, last)
    }
  })

  test('Q58: a changed byte with a record behind it is damage, wherever it is', () => {
    const lastRecordAt = [...boundaries.keys()].at(-2) ?? 0
    for (let at = 0; at < lastRecordAt; at++) {
      for (const bit of [1, 0x80]) {
        const damaged = new Uint8Array(whole)
        damaged[at] = (damaged[at] ?? 0) ^ bit
        assert.throws(() => decodeLog(damaged), refusal('store-damaged'), `byte ${at}`)
      }
    }
  })

  test('Q58: a changed byte in the last record is a torn tail', () => {
    const lastRecordAt = [...boundaries.keys()].at(-2) ?? 0
    for (let at = lastRecordAt; at < whole.length; at++) {
      const torn = new Uint8Array(whole)
      torn[at] = (torn[at] ?? 0) ^ 1
      assert.equal(decodeLog(torn).wholeLength, lastRecordAt, `byte ${at}`)
    }
  })

  const [first, second, third] = records
  const damagedLogs: [string, Uint8Array[]][] = [
    ['no bytes', []],
    ['half a header', [HEADER.subarray(0, 9)]],
    ['another version', [encodeUtf8('signet aum log 2\n')]],
    ['a record without header', [first ?? HEADER]],
    ['a record missing', [HEADER, second ?? HEADER, third ?? HEADER]],
    ['a record twice', [HEADER, first ?? HEADER, first ?? HEADER, second ?? HEADER]],
    ['records in another order', [HEADER, second ?? HEADER, first ?? HEADER]],
    ['a byte between records', [HEADER, first ?? HEADER, new Uint8Array(1), second ?? HEADER]],
    [
      'an update under another hash',
      [HEADER, encodeRecord(0, [{ ...updateEntry(net.aum('a')), hash: SOME_HASH }])],
    ],
    [
      'an update whose bytes were changed',
      [HEADER, encodeRecord(0, [changed(updateEntry(net.aum('a')))])],
    ],
    ['an entry that ends early', [HEADER, rewrap(Uint8Array.of(1, 2, 3))]],
    ['an update that ends early', [HEADER, rewrap((first ?? HEADER).subarray(16, 70))]],
    ['an entry of unknown kind', [HEADER, rewrap(new Uint8Array(33).fill(9))]],
  ]
  for (const [name, parts] of damagedLogs) {
    test(`Q58: refuses ${name}`, () => {
      assert.throws(() => decodeLog(concatBytes(...parts)), refusal('store-damaged'))
    })
  }

  function changed(entry: LogEntry): LogEntry {
    if (entry.kind !== 'update') return entry
    const bytes = new Uint8Array(entry.bytes)
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
    return { ...entry, bytes }
  }

  /** A record with a right CRC around any payload. */
  function rewrap(payload: Uint8Array): Uint8Array {
    const head = new Uint8Array(16)
    const view = new DataView(head.buffer)
    head.set([0xaa, 0x75, 0x6d, 0x0a])
    view.setUint32(4, payload.length)
    view.setUint32(12, crc32(payload, crc32(head.subarray(0, 12))))
    return concatBytes(head, payload)
  }
})
