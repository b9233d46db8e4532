// SPDX-License-Identifier: Apache-2.0

/** Whatever a peer sends, parsers return or throw their own error. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { encodeUtf8 } from '@signet/codec'
import * as fc from 'fast-check'
import { MapFrameReader, NetmapSession, parseMapResponse, ProtocolError } from '../src/index.ts'
import { messageTypes } from './message-types.ts'

const url = new URL('../../../vectors/wire/control-json.json', import.meta.url)
const { cases } = JSON.parse(readFileSync(url, 'utf8')) as {
  cases: { type: string; json?: string }[]
}
const samples = cases.flatMap(({ type, json }) => (json === undefined ? [] : [{ type, json }]))

function onlyOurError(act: () => void): void {
  try {
    act()
  } catch (error) {
    assert.ok(error instanceof ProtocolError, String(error))
  }
}

describe('every message type', () => {
  test('survives changed bytes of real messages', () => {
    const change = fc.record({ at: fc.nat(), byte: fc.nat(255), drop: fc.nat(3) })
    fc.assert(
      fc.property(
        fc.constantFrom(...samples),
        fc.array(change, { maxLength: 3 }),
        (sample, changes) => {
          const bytes = [...encodeUtf8(sample.json)]
          for (const { at, byte, drop } of changes)
            bytes.splice(at % (bytes.length + 1), drop, byte)
          onlyOurError(() => messageTypes.get(sample.type)?.reencode(Uint8Array.from(bytes)))
        },
      ),
      { numRuns: 1500 },
    )
  })

  test('survives any JSON', () => {
    const types = [...messageTypes.values()]
    fc.assert(
      fc.property(fc.constantFrom(...types), fc.json(), (type, json) => {
        onlyOurError(() => type.reencode(json))
      }),
      { numRuns: 500 },
    )
  })

  test('survives a real message of another type', () => {
    for (const { json } of samples.filter((_, i) => i % 9 === 0)) {
      for (const type of messageTypes.values()) onlyOurError(() => type.reencode(json))
    }
  })

  test('writes what it reads back as the same', () => {
    fc.assert(
      fc.property(fc.constantFrom(...messageTypes.values()), fc.json(), (type, json) => {
        onlyOurError(() => {
          const once = type.reencode(json)
          assert.equal(type.reencode(once), once)
        })
      }),
      { numRuns: 500 },
    )
  })
})

test('MapFrameReader survives any bytes', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), (chunks) => {
      const reader = new MapFrameReader({ limit: 64 })
      onlyOurError(() => {
        for (const chunk of chunks) reader.push(chunk)
        reader.end()
      })
    }),
  )
})

test('NetmapSession survives any messages, and holds what it is told last', () => {
  const id = fc.integer({ min: 0, max: 3 })
  const node = fc.record(
    {
      ID: id,
      Name: fc.constantFrom('a.t.', 'b.t.', ''),
      KeySignature: fc.constantFrom('AQ==', 'Ag==', null, ''),
      Endpoints: fc.constantFrom(['1.2.3.4:5'], [], null),
      Online: fc.constantFrom(true, false, null),
      HomeDERP: fc.nat(2),
      LastSeen: fc.constantFrom('2026-01-01T00:00:00Z', '2026-01-01T00:00:00.000000001Z', null),
      CapMap: fc.constantFrom({ x: [1] }, { __proto__: null, constructor: null }, null),
    },
    { requiredKeys: ['ID'] },
  )
  const message = fc.record(
    {
      Node: node,
      Peers: fc.array(fc.option(node), { maxLength: 3 }),
      PeersChanged: fc.array(fc.option(node), { maxLength: 3 }),
      PeersRemoved: fc.array(id, { maxLength: 2 }),
      PeersChangedPatch: fc.array(
        fc.option(
          fc.record(
            { NodeID: id, KeySignature: fc.constantFrom('Aw==', ''), DERPRegion: fc.nat(2) },
            { requiredKeys: ['NodeID'] },
          ),
        ),
        { maxLength: 3 },
      ),
      OnlineChange: fc.dictionary(fc.constantFrom('0', '1', '2'), fc.boolean()),
      PeerSeenChange: fc.dictionary(fc.constantFrom('0', '1', '2'), fc.boolean()),
      PacketFilters: fc.dictionary(
        fc.constantFrom('*', 'base', '__proto__'),
        fc.constantFrom([], null),
      ),
      TKAInfo: fc.record({ Head: fc.string(), Disabled: fc.boolean() }),
    },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(fc.array(message, { maxLength: 6 }), (messages) => {
      const session = new NetmapSession()
      for (const sent of messages) {
        const parsed = parseMapResponse(JSON.stringify(sent))
        const change = session.merge(parsed, 0)
        if (parsed.Peers !== undefined && parsed.Peers.length > 0) {
          assert.equal(change.peers, 'all')
          const ids = new Set(parsed.Peers.flatMap((peer) => (peer ? [peer.ID] : [])))
          assert.deepEqual(new Set(session.peers.keys()), ids)
          continue
        }
        // The rule that differs from official clients: no signature shown, none held.
        const patched = new Set(parsed.PeersChangedPatch?.map((patch) => patch?.NodeID))
        const last = new Map(
          parsed.PeersChanged?.flatMap((peer) => (peer ? [[peer.ID, peer]] : [])),
        )
        const times = parsed.PeersChanged?.map((peer) => peer?.ID) ?? []
        for (const [peer, described] of last) {
          const held = session.peers.get(peer)
          if (held === undefined || patched.has(peer)) continue
          if (times.filter((other) => other === peer).length > 1) continue
          assert.deepEqual(
            held.KeySignature ?? new Uint8Array(),
            described.KeySignature ?? new Uint8Array(),
          )
        }
      }
    }),
    { numRuns: 400 },
  )
})
