// SPDX-License-Identifier: Apache-2.0

/**
 * The wire that can be cut.
 *
 * @module
 */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { test } from 'node:test'
import { until } from '../support/until.ts'
import { createForwarder, type Forwarder, type Piece } from './forwarder.ts'

/** A server that sends everything back, and a forwarder before it. */
async function echo(): Promise<AsyncDisposable & { readonly forwarder: Forwarder }> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.pipe(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const forwarder = await createForwarder(`http://127.0.0.1:${port}`)
  return {
    forwarder,
    async [Symbol.asyncDispose]() {
      await forwarder[Symbol.asyncDispose]()
      server.close()
    },
  }
}

async function dial(forwarder: Forwarder): Promise<Socket> {
  const socket = connect(Number(new URL(forwarder.url).port), '127.0.0.1')
  await once(socket, 'connect')
  return socket
}

test('createForwarder() passes bytes both ways, and shows them to the watcher', async () => {
  await using stage = await echo()
  const pieces: Piece[] = []
  stage.forwarder.watch((piece) => pieces.push(piece) > 0)
  const socket = await dial(stage.forwarder)
  socket.write('hello')
  const [back] = (await once(socket, 'data')) as [Buffer]
  assert.equal(back.toString(), 'hello')
  assert.deepEqual(pieces, [
    { connection: 1, to: 'server', bytes: 5 },
    { connection: 1, to: 'client', bytes: 5 },
  ])
})

test('createForwarder() throws away what the watcher does not let pass', async () => {
  await using stage = await echo()
  stage.forwarder.watch(({ bytes }) => bytes !== 4)
  const socket = await dial(stage.forwarder)
  socket.write('lost')
  const next = await dial(stage.forwarder)
  next.write('kept!')
  const [back] = (await once(next, 'data')) as [Buffer]
  assert.equal(back.toString(), 'kept!')
  assert.equal(socket.bytesRead, 0)
})

test('createForwarder() cuts what is connected and takes new connections', async () => {
  await using stage = await echo()
  const socket = await dial(stage.forwarder)
  socket.on('error', () => undefined)
  socket.write('one')
  await once(socket, 'data')
  const closed = once(socket, 'close')
  stage.forwarder.cut()
  await closed
  const again = await dial(stage.forwarder)
  again.write('two')
  const [back] = (await once(again, 'data')) as [Buffer]
  assert.equal(back.toString(), 'two')
})

test('createForwarder() lets a direction be late, in order', async () => {
  await using stage = await echo()
  const socket = await dial(stage.forwarder)
  stage.forwarder.delay('client', 60)
  const began = performance.now()
  let back = ''
  socket.setEncoding('utf8').on('data', (text: string) => (back += text))
  socket.write('one ')
  socket.write('two')
  await until('both are back', () => back === 'one two')
  assert.ok(performance.now() - began >= 59)
})
