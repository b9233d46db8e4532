// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { innerPacketLength } from '../src/index.ts'
import { MessageType, messageType } from '../src/message.ts'

function datagram(length: number, ...start: number[]): Uint8Array {
  const bytes = new Uint8Array(length)
  bytes.set(start.slice(0, length))
  return bytes
}

test('messageType() knows a message by 32 bits of type and its length', () => {
  const rows: readonly [datagram: Uint8Array, expected: MessageType | null][] = [
    [datagram(148, 1), MessageType.Initiation],
    [datagram(147, 1), null],
    [datagram(149, 1), null],
    [datagram(92, 2), MessageType.Response],
    [datagram(91, 2), null],
    [datagram(93, 2), null],
    [datagram(64, 3), MessageType.CookieReply],
    [datagram(63, 3), null],
    [datagram(65, 3), null],
    [datagram(32, 4), MessageType.Transport],
    [datagram(31, 4), null],
    [datagram(65_535, 4), MessageType.Transport],
    [datagram(148, 1, 1), null],
    [datagram(148, 1, 0, 0, 0x80), null],
    [datagram(32, 4, 0, 1), null],
    [datagram(148, 0), null],
    [datagram(148, 5), null],
    [datagram(148, 0xff, 0xff, 0xff, 0xff), null],
    [datagram(3, 4), null],
    [datagram(0), null],
  ]
  for (const [bytes, expected] of rows) assert.equal(messageType(bytes), expected)
})

test('innerPacketLength() refuses a length that wraps around 16 bits', () => {
  const content = new Uint8Array(64)
  content[0] = 0x60
  content[4] = 0xff
  content[5] = 0xe0
  assert.equal(innerPacketLength(content), 0)
})

test('innerPacketLength() takes exactly what fits', () => {
  const v4 = (length: number, total: number): number => {
    const content = new Uint8Array(length)
    content[0] = 0x45
    content[2] = total >>> 8
    content[3] = total
    return innerPacketLength(content)
  }
  assert.equal(v4(32, 32), 32)
  assert.equal(v4(32, 33), 0)
  assert.equal(v4(32, 20), 20)
  assert.equal(v4(32, 19), 0)
  assert.equal(v4(19, 19), 0)
  assert.equal(innerPacketLength(new Uint8Array(0)), 0)
})
