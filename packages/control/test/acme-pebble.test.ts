// SPDX-License-Identifier: Apache-2.0

/**
 * ACME with an authority that others wrote: Pebble, by the makers of the largest one. SIGNET_PEBBLE names the
 * program; without it there is nothing to run. All of it stays on loopback, names are looked up here as well.
 */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { connect, setDefaultCACertificates } from 'node:tls'
import pino from 'pino'
import { createAuthority } from '@signet/testkit/certificates'
import { startRealServer } from './support/real-client.ts'

const program = process.env['SIGNET_PEBBLE'] ?? ''
const NAMES = ['signet.example', 'www.signet.example']

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** A name server that knows one answer, by UDP and by TCP: every name is this machine. */
async function startNameServer(): Promise<{ port: number } & Disposable> {
  const stream = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.on('data', (data) => {
      const answer = answerName(data.subarray(2))
      const length = Buffer.alloc(2)
      length.writeUInt16BE(answer.length)
      socket.write(Buffer.concat([length, answer]))
    })
  }).listen(0, '127.0.0.1')
  await once(stream, 'listening')
  const { port } = stream.address() as AddressInfo
  const socket = createSocket('udp4')
  socket.on('message', (query, from) => socket.send(answerName(query), from.port, from.address))
  socket.bind(port, '127.0.0.1')
  await once(socket, 'listening')
  return {
    port,
    [Symbol.dispose]() {
      socket.close()
      stream.close()
    },
  }
}

function answerName(query: Buffer): Buffer {
  const end = query.indexOf(0, 12) + 5
  const isA = query.readUInt16BE(end - 4) === 1
  const reply = Buffer.from(query.subarray(0, end))
  // An answer, recursion was available, one question, one or no answers.
  reply.writeUInt16BE(0x8180, 2)
  reply.writeUInt16BE(isA ? 1 : 0, 6)
  reply.fill(0, 8, 12)
  // The name of the question, A, IN, not to be kept, four bytes: 127.0.0.1.
  const record = Buffer.from('c00c000100010000000000047f000001', 'hex')
  return isA ? Buffer.concat([reply, record]) : reply
}

describe('ACME with Pebble', { skip: program === '' && 'SIGNET_PEBBLE is not set' }, () => {
  it('gives the server a certificate for all its names', { timeout: 60_000 }, async () => {
    const dir = mkdtempSync(join(tmpdir(), 'signet-pebble-'))
    const trust = createAuthority()
    const own = trust.issue({ names: ['localhost'] })
    writeFileSync(join(dir, 'cert.pem'), own.cert)
    writeFileSync(join(dir, 'key.pem'), own.key)
    const [port, httpPort] = [await freePort(), await freePort()]
    const config = {
      listenAddress: `127.0.0.1:${port}`,
      managementListenAddress: '',
      certificate: join(dir, 'cert.pem'),
      privateKey: join(dir, 'key.pem'),
      httpPort,
      tlsPort: 1,
      ocspResponderURL: '',
      externalAccountBindingRequired: false,
    }
    writeFileSync(join(dir, 'config.json'), JSON.stringify({ pebble: config }))
    using names = await startNameServer()
    const flags = ['-config', join(dir, 'config.json'), '-dnsserver', `127.0.0.1:${names.port}`]
    const pebble = spawn(program, flags, {
      // It refuses one nonce of ten, to see whether clients ask again.
      env: { ...process.env, PEBBLE_WFE_NONCEREJECT: '10', PEBBLE_VA_NOSLEEP: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    const isUp = new Promise<void>((resolve) => {
      const read = (chunk: unknown): void => {
        output += String(chunk)
        if (output.includes('Listening on')) resolve()
      }
      pebble.stdout.on('data', read)
      pebble.stderr.on('data', read)
    })
    await isUp
    setDefaultCACertificates([trust.cert])
    try {
      const lines: string[] = []
      const served = Promise.withResolvers<void>()
      await using server = await startRealServer({
        acme: { domains: NAMES, email: undefined, directory: `https://localhost:${port}/dir` },
        httpListen: { host: '127.0.0.1', port: httpPort },
        logger: pino(
          {},
          {
            write(line: string) {
              lines.push(line)
              if (line.includes('serving a new certificate')) served.resolve()
              if (line.includes('no certificate yet')) served.reject(new Error(line))
            },
          },
        ),
      })
      await served.promise
      const socket = connect({
        port: server.control.port,
        host: '127.0.0.1',
        servername: 'signet.example',
        rejectUnauthorized: false,
      })
      await once(socket, 'secureConnect')
      const leaf = socket.getPeerX509Certificate()
      for (const name of NAMES) assert.ok(leaf?.checkHost(name) !== undefined, name)
      assert.match(leaf?.issuer ?? '', /Pebble/)
      socket.destroy()
    } finally {
      pebble.kill()
      await once(pebble, 'exit')
      rmSync(dir, { recursive: true })
    }
  })
})
