// SPDX-License-Identifier: Apache-2.0

/**
 * Three relays of one region on sockets, each linked to each other, and what happens when one of them goes away.
 */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { encodeSendPacket, encodeWatchConns } from '@signet/derp'
import { generateNodeKey, nodePublicOf, parseDerpMeshKey } from '@signet/keys'
import type { DerpMeshKey, NodePrivate } from '@signet/keys'
import type { FakeClock } from '@signet/testkit'
import pino from 'pino'
import {
  MESH_CONNECT_DEADLINE_MS,
  MESH_RETRY_MAX_MS,
  MESH_RETRY_MIN_MS,
  MESH_SILENCE_MS,
} from '../src/relay/limits.ts'
import { loadMeshKey } from '../src/relay/mesh-key.ts'
import { startMesh } from '../src/relay/mesh.ts'
import type { Mesh } from '../src/relay/mesh.ts'
import { startRelay } from '../src/relay/relay-server.ts'
import type { RelayServer } from '../src/relay/relay-server.ts'
import { startControl } from '../src/index.ts'
import { dialRelay, eventually } from './support/relay-client.ts'
import { openTestServer } from './support/server.ts'
import type { TestServer } from './support/server.ts'

const MESH = parseDerpMeshKey('7f'.repeat(32))
const logger = pino({ level: 'silent' })

interface Rig extends AsyncDisposable {
  readonly port: number
  readonly url: string
  readonly relay: RelayServer
}

/** A relay on a port of its own. */
async function startRig(
  server: TestServer,
  options: { serverKey?: NodePrivate; meshKey?: DerpMeshKey; port?: number } = {},
): Promise<Rig> {
  const relay = startRelay({
    serverKey: options.serverKey ?? generateNodeKey(),
    tailnets: server.services.tailnets,
    clock: server.clock,
    logger,
    meshKey: options.meshKey ?? MESH,
  })
  const http = createServer()
  const sockets = new Set<{ destroy(): void }>()
  http.on('upgrade', (request, socket, head) => {
    sockets.add(socket)
    socket.on('error', () => {})
    relay.accept(request, socket, head)
  })
  http.listen(options.port ?? 0, '127.0.0.1')
  await once(http, 'listening')
  const { port } = http.address() as AddressInfo
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    relay,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      http.close()
      await once(http, 'close')
      relay[Symbol.dispose]()
    },
  }
}

function link(rig: Rig, urls: readonly string[], clock: FakeClock, random = 0): Mesh {
  return startMesh({ relay: rig.relay.relay, urls, clock, logger, random: () => random })
}

const connected = (mesh: Mesh): boolean =>
  mesh.status().every(({ state }) => state === 'connected' || state === 'own')

describe('relays that are linked', () => {
  it('carry packets between their clients, also after one was killed and came back', async () => {
    using server = openTestServer()
    const { clock } = server
    const keys = ['a', 'b', 'c'].map((name) => server.join(name).nodeKey)
    const [keyA, keyB, keyC] = keys as [NodePrivate, NodePrivate, NodePrivate]
    await using A = await startRig(server)
    await using B = await startRig(server)
    const cKey = generateNodeKey()
    let C = await startRig(server, { serverKey: cKey })
    const urls = [A.url, B.url, C.url]
    using meshA = link(A, urls, clock)
    using meshB = link(B, urls, clock)
    let meshC = link(C, urls, clock)
    await eventually('all are linked', () => [meshA, meshB, meshC].every(connected))
    assert.deepEqual(
      meshB.status().map(({ state }) => state),
      ['connected', 'own', 'connected'],
    )
    using a = dialRelay(A.port, keyA)
    using b = dialRelay(B.port, keyB)
    let c = dialRelay(C.port, keyC)
    for (const each of [a, b, c]) assert.equal((await each.next()).type, 'server-info')
    await eventually('each knows all', () =>
      [A, B, C].every(({ relay }) => relay.relay.remoteSize === 2),
    )

    a.socket.write(encodeSendPacket(nodePublicOf(keyC), Uint8Array.of(1)))
    const first = await c.next()
    assert.ok(first.type === 'packet' && first.source === nodePublicOf(keyA))
    c.socket.write(encodeSendPacket(nodePublicOf(keyB), Uint8Array.of(2)))
    assert.equal((await b.next()).type, 'packet')

    meshC[Symbol.dispose]()
    await C[Symbol.asyncDispose]()
    // Those who heard from it are told, as if it had been here.
    assert.deepEqual(await b.next(), { type: 'peer-gone', peer: nodePublicOf(keyC), reason: 0 })
    await eventually('the link is waited for', () => meshA.status()[2]?.state === 'waiting')
    assert.equal(A.relay.relay.remoteSize, 1)

    C = await startRig(server, { serverKey: cKey, port: C.port })
    meshC = link(C, urls, clock)
    c[Symbol.dispose]()
    c = dialRelay(C.port, keyC)
    assert.equal((await c.next()).type, 'server-info')
    clock.advance(MESH_RETRY_MIN_MS)
    await eventually('all are linked again', () => [meshA, meshB, meshC].every(connected))
    await eventually('a knows c', () => A.relay.relay.remoteSize === 2)
    a.socket.write(encodeSendPacket(nodePublicOf(keyC), Uint8Array.of(3)))
    assert.equal((await c.next()).type, 'packet')
    c[Symbol.dispose]()
    meshC[Symbol.dispose]()
    await C[Symbol.asyncDispose]()
  })

  it('do not believe a relay with another key', async () => {
    using server = openTestServer()
    await using A = await startRig(server, { meshKey: parseDerpMeshKey('11'.repeat(32)) })
    await using B = await startRig(server)
    using mesh = link(B, [A.url], server.clock)
    await eventually('refused', () => mesh.status()[0]?.state === 'waiting')
    assert.equal(A.relay.refused.get('not-admitted'), 1)
    assert.equal(A.relay.relay.size, 0)
    using stranger = dialRelay(A.port, generateNodeKey(), { meshKey: MESH })
    await stranger.closed
    using wrong = dialRelay(A.port, server.join('a').nodeKey, { meshKey: MESH })
    await wrong.next()
    wrong.socket.write(encodeWatchConns())
    await wrong.closed
    assert.equal(A.relay.refused.get('not-permitted'), 1)
  })

  it('try again later and later, up to a limit, spread by chance', async () => {
    using server = openTestServer()
    const { clock } = server
    await using A = await startRig(server)
    const delays: number[] = []
    const timing = {
      now: clock.now,
      schedule(delayMs: number, callback: () => void) {
        if (delayMs !== MESH_CONNECT_DEADLINE_MS) delays.push(delayMs)
        return clock.schedule(delayMs, callback)
      },
    }
    // Nobody listens on the port of a server that is gone.
    const gone = await startRig(server)
    await gone[Symbol.asyncDispose]()
    let chance = 0
    using mesh = startMesh({
      relay: A.relay.relay,
      urls: [gone.url],
      clock: timing,
      logger,
      random: () => chance,
    })
    for (let tries = 1; tries <= 9; tries++) {
      await eventually('it waits', () => delays.length === tries)
      if (tries === 8) chance = 1
      clock.advance(delays.at(-1) ?? 0)
    }
    assert.deepEqual(delays.slice(0, 8), [
      ...[1, 2, 4, 8, 16, 32].map((times) => times * MESH_RETRY_MIN_MS),
      MESH_RETRY_MAX_MS,
      MESH_RETRY_MAX_MS,
    ])
    assert.equal(delays[8], MESH_RETRY_MAX_MS / 2)
    assert.match(mesh.status()[0]?.problem ?? '', /ECONNREFUSED/)
  })

  it('give up on one that says nothing, before and after it introduced itself', async () => {
    using server = openTestServer()
    const { clock } = server
    await using A = await startRig(server)
    const mute = createServer()
    const sockets = new Set<{ destroy(): void }>()
    mute.on('upgrade', (_request, socket) => {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nUpgrade: DERP\r\nConnection: Upgrade\r\n\r\n',
      )
    })
    mute.listen(0, '127.0.0.1')
    await once(mute, 'listening')
    const { port } = mute.address() as AddressInfo
    using quiet = link(A, [`http://127.0.0.1:${port}`], clock)
    await eventually('it has asked', () => sockets.size === 1)
    // Either of two deadlines, before and after the upgrade has arrived, says the same.
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
    clock.advance(MESH_CONNECT_DEADLINE_MS)
    await eventually('it gave up', () => quiet.status()[0]?.state === 'waiting')
    assert.match(quiet.status()[0]?.problem ?? '', /nothing|in time/)
    quiet[Symbol.dispose]()
    mute.close()
    for (const socket of sockets) socket.destroy()

    // A relay whose clock stands still sends no keep-alives.
    using still = openTestServer()
    await using B = await startRig(still)
    using mesh = link(A, [B.url], clock)
    await eventually('linked', () => connected(mesh))
    clock.advance(MESH_SILENCE_MS - 1)
    await new Promise(setImmediate)
    assert.equal(connected(mesh), true)
    clock.advance(MESH_CONNECT_DEADLINE_MS)
    await eventually('it gave up', () => mesh.status()[0]?.state === 'waiting')
  })
})

describe('the mesh key', () => {
  const dir = mkdtempSync(join(tmpdir(), 'signet-mesh-'))
  after(() => rmSync(dir, { recursive: true }))
  const path = join(dir, 'mesh.key')

  it('comes from a file that nobody else can read', () => {
    writeFileSync(path, `${'7f'.repeat(32)}\n`, { mode: 0o600 })
    assert.equal(loadMeshKey(path).kind, 'derp-mesh')
    for (const mode of [0o640, 0o604, 0o620]) {
      chmodSync(path, mode)
      assert.throws(() => loadMeshKey(path), { code: 'bad-config', message: /expected 600/ })
    }
    chmodSync(path, 0o400)
    assert.equal(loadMeshKey(path).kind, 'derp-mesh')
  })

  it('is 64 hex digits, which no message repeats', () => {
    rmSync(path, { force: true })
    assert.throws(() => loadMeshKey(path), { code: 'bad-config' })
    for (const text of ['', '7f'.repeat(31), 'zz'.repeat(32), '7f'.repeat(33)]) {
      writeFileSync(path, text, { mode: 0o600 })
      assert.throws(
        () => loadMeshKey(path),
        (error: Error) => {
          assert.equal(Reflect.get(error, 'code'), 'bad-config')
          assert.equal(
            text !== '' && `${error.message}${String(error.cause)}`.includes(text),
            false,
          )
          return true
        },
      )
    }
  })

  it('is needed for links', async () => {
    const stateDir = join(dir, 'state')
    const options = {
      stateDir,
      listen: { host: '127.0.0.1', port: 0 },
      logger,
      relay: { meshWith: ['http://127.0.0.1:1'] },
    }
    await assert.rejects(startControl(options), { code: 'bad-config', message: /mesh_key_file/ })
  })
})
