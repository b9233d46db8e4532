// SPDX-License-Identifier: Apache-2.0

/** What a client that takes no answers can make the server keep and do. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Flag } from '../src/http2/frames.ts'
import { data, harness, HELLO, REQUEST, request, settings } from './http2-frames.ts'

const STREAMS = 256

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
})
