// SPDX-License-Identifier: Apache-2.0

/** What a client that takes no answers can make the server keep and do. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Flag, FrameType } from '../src/http2/frames.ts'
import { MAX_NUISANCE, MIN_WINDOW_STEP } from '../src/limits.ts'
import { data, frame, harness, HELLO, REQUEST, request, settings } from './http2-frames.ts'

const STREAMS = 256
const END = Flag.EndHeaders | Flag.EndStream

describe('Http2Connection, for a client that takes no answers', () => {
  test('keeps no body of a request that was answered without it', () => {
    const h = harness((stream) => {
      stream.respond(404)
      stream.end('no such path')
    }, STREAMS)
    // No window, so every answer stays where it is.
    h.connection.receive(Buffer.concat([HELLO, settings([4, 0])]))
    const part = Buffer.from(data(1, 'x'.repeat(16_000)))
    const before = process.memoryUsage().arrayBuffers
    for (let id = 1; id < 2 * STREAMS; id += 2) {
      h.connection.receive(request(id, REQUEST, Flag.EndHeaders))
      part.writeUInt32BE(id, 5)
      for (let count = 0; count < 4; count++) h.connection.receive(part)
    }
    assert.equal(h.streams.filter((stream) => !stream.closed).length, STREAMS)
    assert.ok(process.memoryUsage().arrayBuffers - before < 4 << 20)
  })

  test('does not go on answering byte by byte', () => {
    const h = harness((stream) => {
      stream.respond(200)
      stream.end('x'.repeat(4 * MAX_NUISANCE))
    })
    // The settings and their like take some of the patience.
    h.connection.receive(Buffer.concat([HELLO, settings([4, 0]), request(1, REQUEST, END)]))
    const open = (step: number, times: number): void => {
      const update = frame(FrameType.WindowUpdate, 1, [0, 0, step >> 8, step & 0xff])
      h.connection.receive(Buffer.concat(Array.from({ length: times }, () => update)))
    }
    open(MIN_WINDOW_STEP, 3)
    open(1, MAX_NUISANCE - 10)
    assert.equal(h.closed, false)
    open(1, 10)
    assert.equal(h.closed, true)
    assert.match(String(h.errors[0]), /say nothing/)
  })

  test('goes on for one that opens its window by what is worth while', () => {
    const h = harness((stream) => {
      stream.respond(200)
      stream.end(new Uint8Array(2 * MAX_NUISANCE * MIN_WINDOW_STEP))
    })
    h.connection.receive(Buffer.concat([HELLO, settings([4, 0]), request(1, REQUEST, END)]))
    for (let count = 0; count < 2 * MAX_NUISANCE; count++) {
      for (const id of [0, 1]) {
        h.connection.receive(frame(FrameType.WindowUpdate, id, [0, 0, MIN_WINDOW_STEP >> 8, 0]))
      }
    }
    assert.equal(h.closed, false)
    assert.equal(h.streams[0]?.closed, true)
  })
})
