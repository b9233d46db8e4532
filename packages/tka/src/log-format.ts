// SPDX-License-Identifier: Apache-2.0

/**
 * Tailnet Key Authority, our file: an append-only log. Pure bytes; who writes them where is not
 * known here.
 *
 *     header   "signet aum log 1\n"
 *     record   marker 4 | length 4 | number 4 | CRC-32 4 | payload      one change, whole or not
 *     record   ...
 *
 *     payload  entries, one after another: kind 1 | hash 32 | fields
 *
 * Numbers are big-endian; records are numbered from 0. The CRC covers the rest of the record, and
 * finds accidents; updates are checked against their hashes besides.
 *
 * A crash while the last record was written leaves something that is no record, and nothing
 * behind it: that tail was never acknowledged and is cut off. Anything else that is no record has
 * records behind it, or the header is wrong: then the file was damaged, and nobody may go on as if
 * it had not said more.
 *
 * @module
 */

import { compareBytes, concatBytes, encodeUtf8 } from '@signet/codec'
import { aumHashBytes, aumHashFromBytes, type AumHash } from './aum.ts'
import { hashOfCanonicalAum } from './aum-codec.ts'
import { crc32 } from './crc32.ts'
import { TkaError } from './errors.ts'

/** One fact in the log. */
export type LogEntry =
  /** An update that is kept, in its canonical form. */
  | {
      readonly kind: 'update'
      readonly hash: AumHash
      readonly commitTime: number
      readonly bytes: Uint8Array
    }
  /** An update that is not kept, and when it was first committed. */
  | { readonly kind: 'forgotten'; readonly hash: AumHash; readonly commitTime: number }
  /** The oldest update of the active chain. */
  | { readonly kind: 'active'; readonly hash: AumHash }

/** What a log says. */
export interface LogContent {
  readonly entries: readonly LogEntry[]
  /** How many records there are, which is the number of the next one. */
  readonly records: number
  /** Bytes up to the end of the last whole record. */
  readonly wholeLength: number
}

const HEADER = encodeUtf8('signet aum log 1\n')
const MARKER = Uint8Array.of(0xaa, 0x75, 0x6d, 0x0a)
const LENGTH_AT = 4
const NUMBER_AT = 8
const CHECK_AT = 12
const PAYLOAD_AT = 16
const KIND = { update: 1, forgotten: 2, active: 3 } as const

/** Returns a whole log that says these things, in one record. */
export function encodeLog(entries: readonly LogEntry[]): Uint8Array {
  return entries.length === 0 ? HEADER.slice() : concatBytes(HEADER, encodeRecord(0, entries))
}

/** Returns one record, to be appended to a log that has `number` records. */
export function encodeRecord(number: number, entries: readonly LogEntry[]): Uint8Array {
  const payload = join(entries.map(encodeEntry))
  const record = new Uint8Array(PAYLOAD_AT + payload.length)
  const view = new DataView(record.buffer)
  record.set(MARKER)
  view.setUint32(LENGTH_AT, payload.length)
  view.setUint32(NUMBER_AT, number)
  record.set(payload, PAYLOAD_AT)
  view.setUint32(CHECK_AT, checkOf(record))
  return record
}

/**
 * Reads a log. A tail that is no record, with no record behind it, is not part of the content.
 *
 * @throws TkaError `store-damaged`
 */
export function decodeLog(bytes: Uint8Array): LogContent {
  if (compareBytes(bytes.subarray(0, HEADER.length), HEADER) !== 0) throw damaged('no header')
  const entries: LogEntry[] = []
  let records = 0
  let at = HEADER.length
  while (at < bytes.length) {
    const payload = recordAt(bytes, at, records)
    if (!payload) {
      refuseRecordsBehind(bytes, at)
      break
    }
    readEntries(payload, entries)
    at += PAYLOAD_AT + payload.length
    records++
  }
  return { entries, records, wholeLength: at }
}

/** Returns the payload of the record at an offset, or undefined if there is none with that number. */
function recordAt(bytes: Uint8Array, at: number, number?: number): Uint8Array | undefined {
  const rest = bytes.subarray(at)
  if (rest.length < PAYLOAD_AT || !MARKER.every((byte, i) => rest[i] === byte)) return undefined
  const view = new DataView(rest.buffer, rest.byteOffset)
  const end = PAYLOAD_AT + view.getUint32(LENGTH_AT)
  if (rest.length < end) return undefined
  if (number !== undefined && view.getUint32(NUMBER_AT) !== number) return undefined
  const record = rest.subarray(0, end)
  return view.getUint32(CHECK_AT) === checkOf(record) ? record.subarray(PAYLOAD_AT) : undefined
}

function checkOf(record: Uint8Array): number {
  return crc32(record.subarray(PAYLOAD_AT), crc32(record.subarray(0, CHECK_AT)))
}

/** A torn write leaves nothing valid behind it. If there is a record, something in between broke. */
function refuseRecordsBehind(bytes: Uint8Array, start: number): void {
  for (let at = bytes.indexOf(MARKER[0] ?? 0, start); at >= 0;) {
    if (recordAt(bytes, at)) throw damaged(`no record at ${start}, but one at ${at}`)
    at = bytes.indexOf(MARKER[0] ?? 0, at + 1)
  }
}

/** Joins any number of parts: a log can have more than fit into one call. */
function join(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

function encodeEntry(entry: LogEntry): Uint8Array {
  const start = concatBytes(Uint8Array.of(KIND[entry.kind]), aumHashBytes(entry.hash))
  if (entry.kind === 'active') return start
  if (entry.kind === 'forgotten') return concatBytes(start, encodeTime(entry.commitTime))
  const length = new Uint8Array(4)
  new DataView(length.buffer).setUint32(0, entry.bytes.length)
  return concatBytes(start, encodeTime(entry.commitTime), length, entry.bytes)
}

function encodeTime(time: number): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setFloat64(0, time)
  return bytes
}

/** A payload with a right CRC was written by us; what does not parse is damage all the same. */
function readEntries(payload: Uint8Array, entries: LogEntry[]): void {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length)
  let at = 0
  const take = (length: number): number => {
    if (payload.length - at < length) throw damaged('an entry ends early')
    at += length
    return at - length
  }
  while (at < payload.length) {
    const kind = view.getUint8(take(1))
    const hashAt = take(32)
    const hash = aumHashFromBytes(payload.subarray(hashAt, hashAt + 32))
    switch (kind) {
      case KIND.update: {
        const commitTime = view.getFloat64(take(8))
        const length = view.getUint32(take(4))
        const aumAt = take(length)
        const bytes = payload.subarray(aumAt, aumAt + length)
        if (hashOfCanonicalAum(bytes) !== hash) throw damaged(`update ${hash}`)
        entries.push({ kind: 'update', hash, commitTime, bytes })
        break
      }
      case KIND.forgotten:
        entries.push({ kind: 'forgotten', hash, commitTime: view.getFloat64(take(8)) })
        break
      case KIND.active:
        entries.push({ kind: 'active', hash })
        break
      default:
        throw damaged(`an entry of kind ${kind}`)
    }
  }
}

function damaged(what: string): TkaError {
  return new TkaError('store-damaged', `Cannot read stored authority: ${what}`)
}
