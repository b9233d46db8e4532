// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeUtf8 } from '@signet/codec'
import { generateNodeKey, nodePublicOf } from '@signet/keys'
import * as fc from 'fast-check'
import {
  DerpError,
  encodeForwardPacket,
  encodeFrame,
  encodeSendPacket,
  FrameType,
  MAX_CLIENT_FRAME,
  MAX_PACKET,
  type ServerMessage,
  ServerMessageReader,
} from '../src/index.ts'

const client = generateNodeKey()
const serverKey = nodePublicOf(generateNodeKey())

function read(...frames: readonly Uint8Array[]): ServerMessage[] {
  const reader = new ServerMessageReader(client, serverKey)
  const messages: ServerMessage[] = []
  for (const frame of frames) reader.push(frame, (message) => messages.push(message))
  reader.end()
  return messages
}

test('ServerMessageReader refuses a frame beyond its limit, of any type', () => {
  for (const type of [FrameType.KeepAlive, 0x70]) {
    const longest = encodeFrame(type, new Uint8Array(MAX_CLIENT_FRAME))
    assert.equal(read(longest).length, type === FrameType.KeepAlive ? 1 : 0)
    const beyond = encodeFrame(type, new Uint8Array(MAX_CLIENT_FRAME + 1))
    assert.throws(() => read(beyond), { code: 'too-large' })
  }
})

test('ServerMessageReader shows health in whatever encoding it comes', () => {
  const health = (bytes: Uint8Array): unknown => {
    const [message] = read(encodeFrame(FrameType.Health, bytes))
    return message?.type === 'health' ? message.problem : undefined
  }
  assert.equal(health(encodeUtf8('grün €')), 'grün €')
  assert.equal(health(Uint8Array.of(0xc3)), '\ufffd')
  assert.equal(health(Uint8Array.of(0xff, 0xe2, 0x82, 0xac, 0xfe)), '\ufffd€\ufffd')
})

test('ServerMessageReader leaves out what is too short, and the first error is final', () => {
  const reader = new ServerMessageReader(client, serverKey)
  const bad = encodeFrame(FrameType.ServerInfo, new Uint8Array(60))
  const ignore = (): void => undefined
  assert.throws(() => reader.push(bad, ignore), { code: 'bad-box' })
  assert.throws(() => reader.push(encodeFrame(FrameType.KeepAlive), ignore), { code: 'bad-box' })
  for (const type of [FrameType.RecvPacket, FrameType.PeerGone, FrameType.PeerPresent]) {
    assert.deepEqual(read(encodeFrame(type, new Uint8Array(31))), [])
  }
})

test('ServerMessageReader survives any bytes', () => {
  const type = fc.integer({ min: 0, max: 0x16 })
  fc.assert(
    fc.property(fc.array(fc.tuple(type, fc.uint8Array({ maxLength: 80 }))), (frames) => {
      try {
        read(...frames.map(([each, payload]) => encodeFrame(each, payload)))
      } catch (error) {
        assert.ok(error instanceof DerpError)
      }
    }),
  )
})

test('encodeSendPacket() and encodeForwardPacket() refuse one byte beyond the limit', () => {
  const key = nodePublicOf(generateNodeKey())
  assert.equal(encodeSendPacket(key, new Uint8Array(MAX_PACKET)).length, 37 + MAX_PACKET)
  const beyond = new Uint8Array(MAX_PACKET + 1)
  assert.throws(() => encodeSendPacket(key, beyond), { code: 'too-large' })
  assert.throws(() => encodeForwardPacket(key, key, beyond), { code: 'too-large' })
})
