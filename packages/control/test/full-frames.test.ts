// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { zstdDecompressSync } from 'node:zlib'
import { frameCounters } from '../src/map/frame-encoder.ts'
import { FullFrames } from '../src/map/full-frames.ts'
import { composeFull } from '../src/map/full.ts'
import type { FullOptions } from '../src/map/full.ts'
import { NO_RELAYS } from '../src/relay/relay-map.ts'
import { openTestServer } from './support/server.ts'
import type { TestServer } from './support/server.ts'

function optionsFor(server: TestServer): FullOptions {
  const [node] = server.tailnet.nodes.values()
  const guidance = server.runtime.sessions.guide.for(node!)
  return { lock: null, now: 0, relays: NO_RELAYS, guidance }
}

/** Every node's frame says what a message made for it alone would say. */
function checkAll(server: TestServer, frames: FullFrames): void {
  const options = optionsFor(server)
  for (const node of server.tailnet.nodes.values()) {
    const frame = Buffer.concat(frames.frame(node, options))
    assert.equal(frame.readUInt32LE(0), frame.length - 4)
    const message: unknown = JSON.parse(zstdDecompressSync(frame.subarray(4)).toString())
    const whole = composeFull(server.tailnet, node, { ...options, peers: true })
    assert.deepEqual(byId(message), byId(JSON.parse(whole)))
  }
}

function byId(message: unknown): unknown {
  const { Peers, ...rest } = message as { Peers: { ID: number }[] }
  return { ...rest, Peers: Peers.sort((a, b) => a.ID - b.ID) }
}

describe('FullFrames', () => {
  it('says to each node what composeFull() says, whatever the size of the network', () => {
    using server = openTestServer()
    const frames = new FullFrames(server.tailnet, frameCounters())
    for (let count = 1; count <= 130; count++) {
      server.join(`n${count}`)
      if ([1, 2, 63, 64, 65, 127, 128, 129, 130].includes(count)) checkAll(server, frames)
    }
  })

  it('notices changes, and who has left', () => {
    using server = openTestServer()
    const frames = new FullFrames(server.tailnet, frameCounters())
    const nodes = Array.from({ length: 70 }, (_, i) => server.join(`n${i}`))
    checkAll(server, frames)
    server.tailnet.write((draft) => {
      draft.putNode({ ...nodes[5]!.row(), endpoints: ['192.0.2.1:7'] })
    })
    checkAll(server, frames)
    // Until the last group has one node, and until the first has none.
    for (const { row } of nodes.slice(0, 69)) {
      const { id } = row()
      server.tailnet.write((draft) => draft.deleteNode(id))
      if (id % 8 === 0 || id > 60) checkAll(server, frames)
    }
  })
})
