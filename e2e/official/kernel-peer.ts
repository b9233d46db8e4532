// SPDX-License-Identifier: Apache-2.0

/**
 * The two ends of a transfer over the sockets of whatever namespace this runs in:
 *
 *   kernel-peer.ts listen ADDRESS PORT        prints the SHA-256 of what a connection brought, for each
 *   kernel-peer.ts send ADDRESS PORT BYTES    sends random bytes, prints their SHA-256
 *   kernel-peer.ts udp-echo ADDRESS PORT      sends every datagram back
 *   kernel-peer.ts udp-ping ADDRESS PORT      sends datagrams until one comes back
 *
 * @module
 */

import { createHash, randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { setInterval } from 'node:timers'

const UDP_EVERY_MS = 200

const [mode, host = '', port = '', bytes = '0'] = process.argv.slice(2)

if (mode === 'listen') {
  const server = createServer((socket) => {
    const hash = createHash('sha256')
    socket.on('data', (data: Buffer) => hash.update(data))
    socket.on('end', () => say(hash.digest('hex')))
    socket.on('error', (error) => say(String(error)))
  })
  server.listen(Number(port), host, () => say('listening'))
} else if (mode === 'send') {
  const payload = randomBytes(Number(bytes))
  const socket = connect(Number(port), host)
  await once(socket, 'connect')
  socket.end(payload)
  await once(socket, 'close')
  say(createHash('sha256').update(payload).digest('hex'))
} else if (mode === 'udp-echo') {
  const socket = createSocket('udp4')
  socket.on('message', (message, from) => socket.send(message, from.port, from.address))
  socket.bind(Number(port), host, () => say('listening'))
} else if (mode === 'udp-ping') {
  const socket = createSocket('udp4')
  const timer = setInterval(() => socket.send('ping', Number(port), host), UDP_EVERY_MS)
  await once(socket, 'message')
  clearInterval(timer)
  socket.close()
  say('pong')
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
