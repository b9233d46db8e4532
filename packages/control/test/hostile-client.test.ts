// SPDX-License-Identifier: Apache-2.0

/**
 * Clients that send nonsense: whatever it is, it gets an answer below 500 with a reason, and the server goes
 * on serving others.
 */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { generateMachineKey } from '@signet/keys'
import { dialControl } from '@signet/ts2021'
import { tkaCalls } from '@signet/protocol'
import { connectMachine, startRealServer } from './support/real-client.ts'

const posts = ['/machine/register', '/machine/map', '/machine/update-health']
const gets = Object.values(tkaCalls).map((call) => call.path)

describe('hostile clients', () => {
  it('get an answer below 500 for any body on any path', async () => {
    await using server = await startRealServer()
    const machine = await connectMachine(server, 'a')
    await machine.register(await server.authKey())
    const valid = JSON.stringify({
      Version: 145,
      NodeKey: machine.nodePublic,
      NLKey: `nlpub:${'1'.repeat(64)}`,
      OldNodeKey: machine.nodePublic,
      Expiry: '0001-01-01T00:00:00Z',
      Hostinfo: { Hostname: 'x', NetInfo: { PreferredDERP: 1 } },
      Endpoints: ['1.2.3.4:5'],
      OmitPeers: true,
      GenesisAUM: 'oA==',
      Signatures: { 1: 'AA==' },
      Head: 'A'.repeat(52),
      Ancestors: ['A'.repeat(52)],
      MissingAUMs: ['AA==', null],
      DisablementSecret: 'AA==',
      Signature: 'pA==',
      KeyID: 'AA==',
    })
    const mutated = fc
      .tuple(fc.nat(valid.length), fc.nat(8), fc.string({ maxLength: 8 }))
      .map(([at, drop, insert]) => valid.slice(0, at) + insert + valid.slice(at + drop))
    const body = fc.oneof(mutated, fc.json(), fc.string(), fc.constant(''), fc.constant(valid))
    const route = fc.constantFrom(...posts, ...gets)
    await fc.assert(
      fc.asyncProperty(route, body, async (path, text) => {
        const reply = await machine.post(gets.includes(path) ? 'GET' : 'POST', path, text)
        assert.ok(
          reply.status < 500,
          `${path} ${JSON.stringify(text)}: ${reply.status} ${reply.text}`,
        )
        if (reply.status !== 200) assert.ok(reply.text.length > 0 && !reply.text.endsWith('\n'))
      }),
      { numRuns: 400 },
    )
    machine.close()
  })

  it('get told what a path takes, and that there is no such path', async () => {
    await using server = await startRealServer()
    const machine = await connectMachine(server, 'a')
    for (const path of posts) assert.equal((await machine.post('GET', path, '{}')).status, 405)
    for (const path of gets) assert.equal((await machine.post('POST', path, '{}')).status, 405)
    for (const path of [
      '/machine',
      '/machine/tka',
      '/machine/tka/',
      '/machine/map/x',
      '/',
      '/key',
    ]) {
      assert.equal((await machine.post('POST', path, '{}')).status, 404, path)
    }
    machine.close()
  })

  it('may not send more than a path takes', async () => {
    await using server = await startRealServer()
    const machine = await connectMachine(server, 'a')
    const reply = await machine.post('POST', '/machine/register', `"${'x'.repeat(1 << 20)}"`)
    assert.equal(reply.status, 413)
    machine.close()
  })

  it('may not speak for others: map, report and stream are refused alike', async () => {
    await using server = await startRealServer()
    const victim = await connectMachine(server, 'victim')
    await victim.register(await server.authKey())
    const thief = await connectMachine(server, 'thief')
    const NodeKey = victim.nodePublic
    assert.equal((await thief.report({ NodeKey })).status, 401)
    await assert.rejects(thief.stream({ NodeKey }), /401/)
    await assert.rejects(thief.stream(), /404/)
    assert.equal((await victim.report()).status, 200)
    assert.equal((await victim.report({ Version: 112 })).status, 400)
    assert.equal((await victim.report({ Compress: 'gzip' })).status, 400)
    victim.close()
    thief.close()
  })

  it('may vanish in the middle of anything', async () => {
    await using server = await startRealServer()
    const key = await server.authKey()
    for (let round = 0; round < 10; round++) {
      const machine = await connectMachine(server, 'a')
      const pending = [
        machine.register(key),
        machine.report(),
        machine.tka('bootstrap', { Head: '' }),
        machine.stream(),
      ].map((promise) => promise.catch(() => {}))
      if (round % 2 === 1) await pending[0]
      machine.close()
      await Promise.all(pending)
    }
    const survivor = await connectMachine(server, 'b')
    assert.equal((await survivor.register(key)).json.Error, '')
    survivor.close()
  })

  it('may connect under any machine key, and get nothing by it', async () => {
    await using server = await startRealServer()
    const connection = await dialControl({
      url: server.control.url,
      machineKey: generateMachineKey(),
      serverKey: server.control.publicKey,
      version: 1,
    })
    const response = await connection.request({ method: 'POST', path: '/machine/map', body: '{}' })
    assert.equal(response.status, 404)
    connection.close()
  })
})
