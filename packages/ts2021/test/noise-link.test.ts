// SPDX-License-Identifier: Apache-2.0

import { strict as assert } from 'node:assert'
import { once } from 'node:events'
import { createServer, connect, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { duplexPair } from 'node:stream'
import { test } from 'node:test'
import { TLSSocket } from 'node:tls'
import { RecordReader } from '@signet/noise'
import { NoiseLink } from '../src/index.ts'
import { isPlainTcp } from '../src/small-room.ts'
import { handshake } from './noise-pair.ts'

/** Far more than the kernel takes for a client that does not read. */
const UNREAD = 16 << 20
const LONGEST = 4_000

async function tcpPair(): Promise<{ client: Socket; server: Socket } & Disposable> {
  const listener = createServer({ pauseOnConnect: true })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  // A TCP server has an address object.
  const client = connect((listener.address() as AddressInfo).port, '127.0.0.1')
  const [server] = (await once(listener, 'connection')) as [Socket]
  return {
    client,
    server,
    [Symbol.dispose]() {
      client.destroy()
      server.destroy()
      listener.close()
    },
  }
}

/** Bytes that no other message has. */
function message(index: number): Buffer {
  return Buffer.alloc(1 + ((index * 37) % LONGEST), index % 251)
}

test('NoiseLink keeps what a slow client has not read, whatever is sent to others', async () => {
  using slow = await tcpPair()
  using other = await tcpPair()
  const sessions = handshake()
  const reader = new RecordReader(sessions.client.receiveKey)
  const link = new NoiseLink({ socket: slow.server, session: sessions.server })
  const otherLink = new NoiseLink({ socket: other.server, session: handshake().server })
  const sent: Buffer[] = []
  let bytes = 0
  while (link.backlog === 0 && bytes < UNREAD) {
    const plaintext = message(sent.length)
    link.send(plaintext)
    sent.push(plaintext)
    bytes += plaintext.length
  }
  assert.ok(link.backlog > 0, 'the kernel took everything')
  // Of the same length: into the same room if it were thought to be free.
  otherLink.send(Buffer.alloc(sent.at(-1)?.length ?? 0, 0xff))
  assert.equal(otherLink.backlog, 0)
  for (let more = 0; more < 10; more++) {
    const plaintext = message(sent.length)
    link.send(plaintext)
    sent.push(plaintext)
    otherLink.send(plaintext)
  }

  const received: Uint8Array[] = []
  slow.client.on('data', (chunk: Buffer) => {
    reader.push(chunk, (plaintext) => received.push(plaintext))
    if (received.length === sent.length) slow.client.emit('all')
  })
  await once(slow.client, 'all')
  assert.deepEqual(Buffer.concat(received), Buffer.concat(sent))
})

test('isPlainTcp() trusts no transport that hands on the bytes themselves', async () => {
  using pair = await tcpPair()
  assert.equal(isPlainTcp(pair.server), true)
  assert.equal(isPlainTcp(new TLSSocket(pair.server, { isServer: true })), false)
  const [memory] = duplexPair()
  assert.equal(isPlainTcp(memory), false)
})
