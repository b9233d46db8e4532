// SPDX-License-Identifier: Apache-2.0

/**
 * Bodies of requests: bounded in what they cost whoever sends them, and never taken for whole when they are
 * not.
 */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { toBase64 } from '@signet/codec'
import { generateMachineKey, lockSigner, machinePublicOf } from '@signet/keys'
import { createFakeClock } from '@signet/testkit'
import { createGenesis, encodeAum, stateIdsFromBytes } from '@signet/tka'
import { type ControlConnection, dialControl, type ServerStream, Ts2021Error } from '@signet/ts2021'
import { ControlError } from '../src/errors.ts'
import {
  BODY_DEADLINE_MS,
  MAX_BODY_BYTES,
  MAX_BODY_BYTES_PER_MACHINE,
  MAX_CONNECTIONS_PER_MACHINE,
  MAX_LARGE_BODY_BYTES,
  MAX_STRANGER_BODIES,
  MAX_STRANGER_BODY_BYTES,
  STRANGER_CONNECTION_MS,
} from '../src/limits.ts'
import { createBodyBudget } from '../src/machine/body-budget.ts'
import { readBody } from '../src/machine/request.ts'
import { secretValue, trusted } from './support/lock.ts'
import { connectMachine, startRealServer } from './support/real-client.ts'

const never = new AbortController().signal

/** A stream whose body is never whole, and fails as it is told. */
function fakeStream(failure?: Ts2021Error): Pick<ServerStream, 'readBody'> {
  return {
    readBody: (_limit, options) =>
      new Promise((_resolve, reject) => {
        if (failure !== undefined) reject(failure)
        const late = new Ts2021Error('timeout', 'given up')
        options?.signal?.addEventListener('abort', () => reject(late))
      }),
  }
}

describe('readBody()', () => {
  it('says of a body that was cut and of one too large what a client understands', async () => {
    const room = { limit: 100, signal: never }
    const cut = fakeStream(new Ts2021Error('closed', 'cut'))
    await assert.rejects(readBody(cut, room, createFakeClock()), { code: 'bad-request' })
    const large = fakeStream(new Ts2021Error('body-too-large', 'over'))
    await assert.rejects(readBody(large, room, createFakeClock()), { code: 'too-large' })
  })

  it('gives up after the deadline, and when its room is taken away', async () => {
    const clock = createFakeClock()
    const slow = readBody(fakeStream(), { limit: 1, signal: never }, clock)
    clock.advance(BODY_DEADLINE_MS)
    await assert.rejects(slow, { code: 'timeout' })
    const ending = new AbortController()
    const ended = readBody(fakeStream(), { limit: 1, signal: ending.signal }, clock)
    ending.abort()
    await assert.rejects(ended, { code: 'timeout' })
  })
})

describe('createBodyBudget()', () => {
  const machine = machinePublicOf(generateMachineKey())

  it('gives a stranger little, and takes the oldest room away for the newest', () => {
    const budget = createBodyBudget()
    const rooms = Array.from({ length: MAX_STRANGER_BODIES }, () =>
      budget.enter(machine, false, MAX_LARGE_BODY_BYTES),
    )
    assert.ok(rooms.every(({ limit }) => limit === MAX_STRANGER_BODY_BYTES))
    assert.ok(rooms.every(({ signal }) => !signal.aborted))
    rooms[0]?.[Symbol.dispose]()
    budget.enter(machine, false, MAX_BODY_BYTES)
    assert.equal(rooms[1]?.signal.aborted, false)
    budget.enter(machine, false, MAX_BODY_BYTES)
    assert.equal(rooms[1]?.signal.aborted, true)
    assert.equal(rooms[2]?.signal.aborted, false)
  })

  it('refuses a machine that has too much under way, and nobody else', () => {
    const budget = createBodyBudget()
    const count = Math.floor(MAX_BODY_BYTES_PER_MACHINE / MAX_LARGE_BODY_BYTES)
    const rooms = Array.from({ length: count }, () =>
      budget.enter(machine, true, MAX_LARGE_BODY_BYTES),
    )
    assert.throws(
      () => budget.enter(machine, true, MAX_LARGE_BODY_BYTES),
      (error) => error instanceof ControlError && error.code === 'rate-limited',
    )
    budget.enter(machinePublicOf(generateMachineKey()), true, MAX_LARGE_BODY_BYTES)
    rooms[0]?.[Symbol.dispose]()
    budget.enter(machine, true, MAX_LARGE_BODY_BYTES)
  })
})

describe('serveStream()', () => {
  it('makes no more large answers for a machine that reads none', async () => {
    await using server = await startRealServer({
      // Answers as large as those of a tailnet with very many nodes.
      intercept: { tkaReply: () => ({ filler: 'x'.repeat(8 << 20) }) },
    })
    const machine = await connectMachine(server, 'a')
    await machine.register(await server.authKey())
    const signer = lockSigner(machine.lockKey)
    const genesis = createGenesis(
      {
        lastAumHash: null,
        disablementValues: [await secretValue()],
        keys: [trusted(machine.lockKey)],
        ...stateIdsFromBytes(new Uint8Array(16).fill(1)),
      },
      [signer],
    )
    const body = JSON.stringify({
      Version: 145,
      NodeKey: machine.nodePublic,
      GenesisAUM: toBase64(encodeAum(genesis)),
    })
    const statuses: number[] = []
    const connections: ControlConnection[] = []
    // One connection holds back by itself; so it takes many.
    for (let count = 0; count < 10; count++) {
      const connection = await dialControl({
        url: server.control.url,
        machineKey: machine.machineKey,
        serverKey: server.control.publicKey,
        version: 145,
      })
      connections.push(connection)
      const { status } = await connection.request({
        method: 'GET',
        path: '/machine/tka/init/begin',
        body,
      })
      statuses.push(status)
    }
    assert.equal(statuses[0], 200)
    assert.equal(statuses.at(-1), 429)
    for (const connection of connections) connection.close()
    machine.close()
  })
})

describe('acceptConnections()', () => {
  it('closes the connection of a machine that does not register, not of one that has', async () => {
    const clock = createFakeClock()
    await using server = await startRealServer({ clock })
    const stranger = await connectMachine(server, 'stranger')
    const node = await connectMachine(server, 'node')
    await stranger.report()
    await node.register(await server.authKey())
    clock.advance(STRANGER_CONNECTION_MS + 1)
    await stranger.connection.whenClosed
    assert.equal(node.connection.closed, false)
    node.close()
  })
})

describe('one machine', () => {
  it('has only so many connections; one more ends its oldest', async () => {
    await using server = await startRealServer()
    const machine = await connectMachine(server, 'a')
    const other = await connectMachine(server, 'b')
    const dial = () =>
      dialControl({
        url: server.control.url,
        machineKey: machine.machineKey,
        serverKey: server.control.publicKey,
        version: 145,
      })
    const connections: ControlConnection[] = []
    for (let count = 1; count < MAX_CONNECTIONS_PER_MACHINE; count++) connections.push(await dial())
    assert.equal((await machine.report()).status, 404)
    connections.push(await dial())
    await machine.connection.whenClosed
    assert.deepEqual(new Set(connections.map(({ closed }) => closed)), new Set([false]))
    assert.equal((await other.report()).status, 404)
    for (const each of [...connections, other]) each.close()
  })
})

describe('a machine without a node', () => {
  it('cannot make the server hold a large body', async () => {
    await using server = await startRealServer()
    const stranger = await connectMachine(server, 'stranger')
    const path = '/machine/tka/sync/send'
    const large = JSON.stringify({ Head: 'x'.repeat(2 * MAX_STRANGER_BODY_BYTES) })
    assert.equal((await stranger.post('GET', path, large)).status, 413)
    assert.equal((await stranger.register(await server.authKey())).json.Error, '')
    assert.equal((await stranger.post('GET', path, large)).status, 404)
    // The connection goes on after a body that was refused.
    assert.equal((await stranger.report()).status, 200)
    stranger.close()
  })
})
