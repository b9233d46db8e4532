// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fromBase64, toBase64 } from '@signet/codec'
import { lockPublicFromBytes, lockSigner, parseNodePublic } from '@signet/keys'
import {
  createGenesis,
  disablementValue,
  encodeAum,
  signNodeKey,
  stateIdsFromBytes,
} from '@signet/tka'
import { startControl } from '../src/index.ts'
import { VERSION } from '../src/version.ts'
import { trusted } from './support/lock.ts'
import { connectMachine, startRealServer } from './support/real-client.ts'
import pino from 'pino'
import type { LooseJson } from './support/json.ts'

const online = (message: { PeersChangedPatch?: readonly unknown[] | undefined }): boolean =>
  message.PeersChangedPatch !== undefined

describe('a server on sockets', () => {
  it('registers nodes, streams maps, passes changes on and locks', async () => {
    await using server = await startRealServer()
    const key = await server.authKey()
    const a = await connectMachine(server, 'a')
    const b = await connectMachine(server, 'b')
    assert.equal((await a.register(key)).json.MachineAuthorized, true)
    const streamA = await a.stream()
    const first = await streamA.next()
    assert.equal(first.Node!.Name, 'a.default.signet.internal.')
    assert.equal((await b.register(key)).json.Error, '')
    const arrived = await streamA.next((message) => message.PeersChanged !== undefined)
    assert.equal(arrived.PeersChanged![0]!.Key, b.nodePublic)
    const streamB = await b.stream()
    assert.equal((await streamB.next()).Peers!.length, 1)
    const report = await b.report({ Endpoints: ['192.0.2.7:7'], EndpointTypes: [1] })
    assert.deepEqual(report, { status: 200, text: '' })
    const moved = await streamA.next(
      (message) => message.PeersChangedPatch?.[0]?.Endpoints !== undefined,
    )
    assert.deepEqual(moved.PeersChangedPatch![0]!.Endpoints, ['192.0.2.7:7'])

    const signer = lockSigner(a.lockKey)
    const genesis = createGenesis(
      {
        lastAumHash: null,
        disablementValues: [await disablementValue(new Uint8Array(32).fill(1))],
        keys: [trusted(a.lockKey)],
        ...stateIdsFromBytes(new Uint8Array(16).fill(1)),
      },
      [signer],
    )
    const begun = await a.tka('init/begin', { GenesisAUM: toBase64(encodeAum(genesis)) })
    assert.equal(begun.status, 200, begun.text)
    const Signatures = Object.fromEntries(
      JSON.parse(begun.text).NeedSignatures.map((need: LooseJson) => [
        String(need.NodeID),
        toBase64(
          signNodeKey({
            nodeKey: parseNodePublic(need.NodePublic),
            rotationPublic: lockPublicFromBytes(fromBase64(need.RotationPubkey)),
            signer,
          }),
        ),
      ]),
    )
    assert.deepEqual(await a.tka('init/finish', { Signatures }), { status: 200, text: '{}' })
    const locked = await streamB.next((message) => message.TKAInfo !== undefined)
    assert.ok(locked.TKAInfo!.Head)
    assert.ok(locked.Node!.KeySignature)
    const bootstrap = JSON.parse((await b.tka('bootstrap', { Head: '' })).text)
    assert.equal(bootstrap.GenesisAUM, toBase64(encodeAum(genesis)))
    assert.equal(server.control.connectedNodes(), 2)
    assert.ok(online(moved))
    a.close()
    b.close()
  })

  it('is the same server after a restart: key, nodes, lock; and closes what was open', async () => {
    await using server = await startRealServer()
    const a = await connectMachine(server, 'a')
    await a.register(await server.authKey())
    const stream = await a.stream()
    await stream.next()
    const { publicKey } = server.control
    await server.restart()
    await stream.ended
    assert.equal(server.control.publicKey, publicKey)
    await a.redial()
    assert.equal((await a.register(null)).json.MachineAuthorized, true)
    assert.ok((await (await a.stream()).next()).Node)
    a.close()
  })

  it('answers a map without a stream once, with everything', async () => {
    await using server = await startRealServer()
    const a = await connectMachine(server, 'a')
    await a.register(await server.authKey())
    const stream = await a.stream({ Stream: false })
    assert.ok((await stream.next()).Node)
    await stream.ended
    a.close()
  })

  it('lets a stream that begins anew replace the old one', async () => {
    await using server = await startRealServer()
    const a = await connectMachine(server, 'a')
    await a.register(await server.authKey())
    const first = await a.stream()
    await first.next()
    const second = await a.stream()
    await first.ended
    assert.ok((await second.next()).Node)
    a.close()
  })

  it('merges what a client missed that stopped reading its stream', async () => {
    await using server = await startRealServer()
    const key = await server.authKey()
    const slow = await connectMachine(server, 'slow')
    await slow.register(key)
    const stream = await slow.stream()
    await stream.next()
    const busy = await connectMachine(server, 'busy')
    await busy.register(key)
    stream.pause()
    // Each report is acknowledged when it is durable, so these are as many rounds at least.
    const before = server.control.counters.bytes
    let keys: string[] = []
    for (let round = 1; round <= 80; round++) {
      keys = [randomBytes(6_000).toString('base64')]
      const Hostinfo = { OS: 'linux', Hostname: 'busy', sshHostKeys: keys }
      assert.equal((await busy.report({ Hostinfo })).status, 200)
    }
    const written = server.control.counters.bytes - before
    stream.resume()
    const last = await stream.next(
      (message) => message.PeersChanged?.[0]?.Hostinfo?.sshHostKeys?.[0] === keys[0],
    )
    assert.equal(last.PeersChanged!.length, 1)
    assert.ok(written < 250_000, `${written} bytes were written to a client that did not read`)
    slow.close()
    busy.close()
  })

  it('answers what needs no identity', async () => {
    await using server = await startRealServer()
    const { url, publicKey } = server.control
    const key = await fetch(`${url}/key?v=145`)
    assert.deepEqual(await key.json(), { legacyPublicKey: `mkey:${'0'.repeat(64)}`, publicKey })
    const portal = await fetch(`${url}/generate_204`, {
      headers: { 'x-tailscale-challenge': 'ts_x.y' },
    })
    assert.equal(portal.status, 204)
    assert.equal(portal.headers.get('x-tailscale-response'), 'response ts_x.y')
    const bad = await fetch(`${url}/generate_204`, { headers: { 'x-tailscale-challenge': 'a b' } })
    assert.equal(bad.headers.get('x-tailscale-response'), null)
    assert.equal((await fetch(`${url}/nothing`)).status, 404)
    assert.equal((await fetch(`${url}/key`, { method: 'POST' })).status, 405)
    assert.equal((await fetch(`${url}/ts2021`, { method: 'POST' })).status, 400)
  })

  it('says no to upgrades that are none, and goes on', async () => {
    await using server = await startRealServer()
    const { port } = server.control
    const upgrade = 'Upgrade: tailscale-control-protocol\r\nConnection: upgrade\r\n'
    const requests: [request: string, status: RegExp][] = [
      [`POST /other HTTP/1.1\r\nHost: x\r\n${upgrade}\r\n`, /^HTTP\/1.1 404/],
      [`POST /ts2021 HTTP/1.1\r\nHost: x\r\n${upgrade}\r\n`, /^HTTP\/1.1 400/],
      [
        `POST /ts2021 HTTP/1.1\r\nHost: x\r\n${upgrade}X-Tailscale-Handshake: !!!\r\n\r\n`,
        /^HTTP\/1.1 400/,
      ],
      [
        'POST /ts2021 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n',
        /^HTTP\/1.1 400/,
      ],
      ['\x00\x01\x02\r\n\r\n', /^HTTP\/1.1 400/],
    ]
    for (const [request, status] of requests) assert.match(await rawExchange(port, request), status)
    const garbled = toBase64(new Uint8Array(101).fill(7))
    await rawExchange(
      port,
      `POST /ts2021 HTTP/1.1\r\nHost: x\r\n${upgrade}X-Tailscale-Handshake: ${garbled}\r\n\r\n`,
    )
    assert.equal((await fetch(`${server.control.url}/health`)).status, 200)
  })

  it('keeps its files to itself, one server to a directory, and its version right', async () => {
    await using server = await startRealServer()
    for (const file of ['signet.db', 'noise.key', 'admin.sock']) {
      assert.equal(statSync(join(server.dir, file)).mode & 0o777, 0o600, file)
    }
    const second = startControl({
      stateDir: server.dir,
      listen: { host: '127.0.0.1', port: 0 },
      logger: pino({ level: 'silent' }),
    })
    await assert.rejects(second, { code: 'state-dir' })
    const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
    assert.equal(JSON.parse(manifest).version, VERSION)
  })

  it('gives everything back when it cannot listen', async () => {
    await using server = await startRealServer()
    const { port } = server.control
    const other = await startRealServer()
    await using _ = other
    const { dir } = other
    await other.control.close()
    const options = { stateDir: dir, logger: pino({ level: 'silent' }) }
    const taken = { host: '127.0.0.1', port }
    await assert.rejects(startControl({ ...options, listen: taken }), { code: 'bad-config' })
    await other.restart()
  })
})

function rawExchange(port: number, request: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(request, 'latin1'))
    let text = ''
    socket.on('data', (chunk) => (text += chunk.toString('latin1')))
    socket.on('error', () => {})
    socket.on('close', () => resolve(text))
  })
}
