// SPDX-License-Identifier: Apache-2.0

/**
 * TLS on real sockets: what is served, what replaces it, and what a stranger can hold on to.
 */

import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { get as httpGet } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import { get as httpsGet } from 'node:https'
import { connect as connectTcp } from 'node:net'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { connect as connectTls } from 'node:tls'
import type { ConnectionOptions, TLSSocket } from 'node:tls'
import { createFakeClock } from '@signet/testkit'
import pino from 'pino'
import { expiryOf, parsePair } from '../src/http/certificate.ts'
import { watchCertificateFiles } from '../src/http/certificate-files.ts'
import { certificateStatus } from '../src/http/certificate-status.ts'
import type { CertificateSource } from '../src/http/certificate.ts'
import { createHttpServer, listenOn, STRANGER_LIMITS } from '../src/http/http-server.ts'
import type { Listener, StrangerLimits } from '../src/http/http-server.ts'
import {
  CERTIFICATE_POLL_MS,
  CERTIFICATE_WARN_AGAIN_MS,
  CERTIFICATE_WARN_MS,
  EXPIRY_CHECK_MS,
  HEADERS_DEADLINE_MS,
  MAX_CONNECTIONS,
  MAX_TLS_HANDSHAKES,
  TLS_HANDSHAKE_DEADLINE_MS,
} from '../src/limits.ts'
import { createAuthority, selfSigned } from '@signet/testkit/certificates'
import type { MadeCertificate } from '@signet/testkit/certificates'
import { connectMachine, startRealServer } from './support/real-client.ts'

const dir = mkdtempSync(join(tmpdir(), 'signet-tls-'))
after(() => rmSync(dir, { recursive: true }))

const authority = createAuthority()
const names = ['localhost', 'signet.example']
const first = authority.issue({ names })
const second = authority.issue({ names })
const certFile = join(dir, 'cert.pem')
const keyFile = join(dir, 'key.pem')
const files = { certFile, keyFile }

function write({ cert, key }: MadeCertificate, mode = 0o600): void {
  writeFileSync(certFile, cert)
  writeFileSync(keyFile, key)
  chmodSync(keyFile, mode)
}

/** A handshake with the server; fails when it does. */
async function shake(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connectTls({
    port,
    host: '127.0.0.1',
    servername: 'localhost',
    ca: authority.cert,
    ALPNProtocols: ['http/1.1'],
    ...options,
  })
  await once(socket, 'secureConnect')
  return socket
}

async function servedBy(port: number): Promise<string> {
  const socket = await shake(port)
  const served = socket.getPeerX509Certificate()?.fingerprint256 ?? ''
  socket.destroy()
  return served
}

const fingerprint = ({ cert }: MadeCertificate): string => new X509Certificate(cert).fingerprint256

/** One request; Node's `fetch` takes no authority of ours. */
function get(url: string): Promise<{ status: number; headers: IncomingHttpHeaders; text: string }> {
  const request = url.startsWith('https:')
    ? httpsGet(url, { ca: authority.cert, agent: false, servername: 'localhost' })
    : httpGet(url, { agent: false })
  return new Promise((resolve, reject) => {
    request.on('error', reject)
    request.on('response', (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (text += chunk))
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
      )
    })
  })
}

describe('a server with TLS', () => {
  it('serves what a plain one does, by TLS 1.2 and 1.3 and HTTP/1.1 only', async () => {
    write(first)
    await using server = await startRealServer({ tls: files })
    const { port, url } = server.control
    assert.equal(url, `https://127.0.0.1:${port}`)
    assert.match((await get(`${url}/key?v=145`)).text, /"publicKey":"mkey:/)
    assert.equal((await get(`${url}/generate_204`)).status, 204)
    assert.equal((await get(`${url}/derp/probe`)).status, 200)
    assert.equal((await get(`${url}/health`)).text, 'ok')
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const socket = await shake(port, { minVersion: version, maxVersion: version })
      assert.equal(socket.alpnProtocol, 'http/1.1')
      assert.match(socket.getCipher().standardName, /GCM|CHACHA20/)
      socket.destroy()
    }
    // Old versions, ciphers without authentication, another protocol, plain HTTP.
    await assert.rejects(
      shake(port, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' }),
    )
    await assert.rejects(shake(port, { maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA' }))
    await assert.rejects(shake(port, { ALPNProtocols: ['h2'] }))
    await assert.rejects(get(`http://127.0.0.1:${port}/key`))
    const without = await shake(port, { servername: '', checkServerIdentity: () => undefined })
    without.destroy()
  })

  it('has a plain port beside it, for the control connection, and sends browsers on', async () => {
    write(first)
    await using server = await startRealServer({
      tls: files,
      httpListen: { host: '127.0.0.1', port: 0 },
      url: 'https://signet.example',
    })
    const plain = `http://127.0.0.1:${server.control.httpPort}`
    assert.equal((await get(`${plain}/generate_204`)).status, 204)
    const moved = await get(`${plain}/key?v=1`)
    assert.equal(moved.status, 308)
    assert.equal(moved.headers.location, 'https://signet.example/key?v=1')
    assert.equal((await get(`${plain}/.well-known/acme-challenge/x`)).status, 404)
    const upgrade = async (method: string, path: string, protocol: string): Promise<string> => {
      const socket = connectTcp({ port: server.control.httpPort ?? 0, host: '127.0.0.1' })
      socket.write(
        `${method} ${path} HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: ${protocol}\r\n\r\n`,
      )
      const [answer] = await once(socket, 'data')
      socket.destroy()
      return String(answer)
    }
    const answer = await upgrade('POST', '/ts2021', 'tailscale-control-protocol')
    assert.match(answer, /400 [^]*missing handshake header/)
    assert.match(await upgrade('GET', '/derp', 'DERP'), /^HTTP\/1\.1 404/)
  })

  it('refuses to begin with a plain port beside nothing, and with files that are no pair', async () => {
    const httpListen = { host: '127.0.0.1', port: 0 }
    const badConfig = { code: 'bad-config' }
    await assert.rejects(startRealServer({ httpListen }), badConfig)
    write({ cert: first.cert, key: second.key })
    await assert.rejects(startRealServer({ tls: files }), badConfig)
  })

  it('tells nodes to know the relay by its hash while its certificate vouches for itself', async () => {
    const own = selfSigned({ names })
    write(own)
    await using server = await startRealServer({ tls: files })
    const machine = await connectMachine(server, 'a')
    await machine.register(await server.authKey())
    const stream = await machine.stream()
    const nameOf = async (): Promise<string | undefined> => {
      const { DERPMap } = await stream.next((message) => (message.DERPMap ?? null) !== null)
      return DERPMap?.Regions?.[900]?.Nodes?.[0]?.CertName
    }
    const hash = createHash('sha256').update(new X509Certificate(own.cert).raw).digest('hex')
    assert.equal(await nameOf(), `sha256-raw:${hash}`)
    write(first)
    server.control.reload()
    assert.equal((await nameOf()) ?? '', '')
    stream.cancel()
    machine.close()
  })
})

describe('strangers at a TLS port', () => {
  const atMost = 3
  const open = async (
    source: CertificateSource,
    limits: Partial<StrangerLimits>,
  ): Promise<Listener> => {
    const server = createHttpServer((_request, response) => response.end(), source, {
      ...STRANGER_LIMITS,
      handshakes: atMost,
      ...limits,
    })
    return listenOn(server, { host: '127.0.0.1', port: 0 })
  }
  const knock = async (port: number): Promise<Socket> => {
    const socket = connectTcp({ port, host: '127.0.0.1' })
    socket.on('error', () => {})
    await once(socket, 'connect')
    return socket
  }

  it('may not begin a handshake and leave it', async () => {
    write(first)
    using source = watchCertificateFiles({ ...files, ...quiet() })
    await using listener = await open(source, { handshakeMs: 50 })
    const socket = await knock(listener.port)
    // The beginning of a record that never comes.
    socket.write(Buffer.from('1603010200', 'hex'))
    socket.resume()
    await once(socket, 'close')
  })

  it('may not begin more handshakes than the limit', async () => {
    write(first)
    using source = watchCertificateFiles({ ...files, ...quiet() })
    await using listener = await open(source, { handshakeMs: 60_000 })
    // A finished handshake does not count.
    const done = await shake(listener.port)
    const waiting = await Promise.all(
      Array.from({ length: atMost - 1 }, () => knock(listener.port)),
    )
    const last = await shake(listener.port)
    // The client is done a moment before the server.
    last.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    await once(last, 'data')
    waiting.push(await knock(listener.port))
    await assert.rejects(shake(listener.port))
    const [gone] = waiting
    gone?.destroy()
    // The server notices a moment later than the client.
    for (let isOpen = false; !isOpen;) {
      isOpen = await shake(listener.port).then(
        (socket) => {
          socket.destroy()
          return true
        },
        () => false,
      )
    }
    for (const socket of [...waiting, done, last]) socket.destroy()
  })

  it('may not send the head of a request byte by byte', async () => {
    write(first)
    using source = watchCertificateFiles({ ...files, ...quiet() })
    await using listener = await open(source, { headersMs: 50, checkMs: 10 })
    const socket = await shake(listener.port)
    socket.on('error', () => {})
    socket.resume()
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n')
    const drip = setInterval(() => socket.write('x'), 10)
    await once(socket, 'close')
    clearInterval(drip)
    // Nor nothing at all.
    const silent = await shake(listener.port)
    silent.resume()
    await once(silent, 'close')
  })

  it('may not have more connections than the limit', async () => {
    write(first)
    using source = watchCertificateFiles({ ...files, ...quiet() })
    await using listener = await open(source, { connections: 2 })
    const [a, b] = [await shake(listener.port), await shake(listener.port)]
    await assert.rejects(shake(listener.port))
    for (const socket of [a, b]) socket.destroy()
  })

  it('is held to the limits of the server by default', () => {
    assert.deepEqual(STRANGER_LIMITS, {
      connections: MAX_CONNECTIONS,
      handshakes: MAX_TLS_HANDSHAKES,
      handshakeMs: TLS_HANDSHAKE_DEADLINE_MS,
      headersMs: HEADERS_DEADLINE_MS,
      checkMs: EXPIRY_CHECK_MS,
    })
  })
})

/** A clock and a logger that keeps its lines. */
function quiet() {
  const lines: string[] = []
  const logger = pino({}, { write: (line: string) => void lines.push(line) })
  return { clock: createFakeClock(), logger, lines }
}

describe('watchCertificateFiles()', () => {
  it('puts a new pair in force for new connections, and no half of one', async () => {
    write(first)
    const { clock, logger, lines } = quiet()
    using source = watchCertificateFiles({ ...files, clock, logger })
    await using listener = await listenOn(
      createHttpServer(() => {}, source),
      { host: '127.0.0.1', port: 0 },
    )
    assert.equal(await servedBy(listener.port), fingerprint(first))
    writeFileSync(certFile, second.cert)
    clock.advance(CERTIFICATE_POLL_MS)
    assert.equal(await servedBy(listener.port), fingerprint(first))
    assert.match(lines.join(''), /not the key of the certificate.*kept the old certificate/)
    clock.advance(CERTIFICATE_POLL_MS)
    assert.equal(lines.length, 1, 'says so once')
    writeFileSync(keyFile, second.key)
    clock.advance(CERTIFICATE_POLL_MS - 1)
    assert.equal(await servedBy(listener.port), fingerprint(first))
    clock.advance(1)
    assert.equal(await servedBy(listener.port), fingerprint(second))
    assert.ok(lines.every((line) => !line.includes(second.key.slice(30, 60))))
    // What held for the first pair holds for the second.
    await assert.rejects(shake(listener.port, { maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA' }))
  })

  const broken: readonly (readonly [string, () => void])[] = [
    ['a file that is gone', () => rmSync(certFile)],
    ['text that is no certificate', () => writeFileSync(certFile, 'none')],
    ['text that is no key', () => writeFileSync(keyFile, 'none')],
    ['half a key', () => writeFileSync(keyFile, second.key.slice(0, 80))],
    ['a key that everybody can read', () => write(second, 0o604)],
  ]
  for (const [what, harm] of broken) {
    it(`keeps the old pair for ${what}, and does not begin with it`, () => {
      write(first)
      const { clock, logger, lines } = quiet()
      using source = watchCertificateFiles({ ...files, clock, logger })
      let changes = 0
      source.onChange(() => (changes += 1))
      harm()
      source.reload()
      assert.equal(source.current?.cert, first.cert)
      assert.equal(changes, 0)
      assert.match(certificateStatus(source).problem ?? '', /./)
      assert.match(lines.join(''), /kept the old certificate/)
      assert.throws(() => watchCertificateFiles({ ...files, clock, logger }), {
        code: 'bad-config',
      })
      write(second)
      source.reload()
      assert.equal(source.current?.cert, second.cert)
      assert.equal(changes, 1)
      assert.deepEqual(certificateStatus(source), {
        source: 'files',
        names,
        until: source.current.leaf.validToDate.toISOString(),
        nextTry: null,
        problem: null,
      })
    })
  }

  it('warns once a day of a certificate that nobody renews', () => {
    const { clock, logger, lines } = quiet()
    const until = Math.floor((clock.now() + CERTIFICATE_WARN_MS) / 1000) * 1000 + 60_000
    write(authority.issue({ names, from: clock.now(), until }))
    using source = watchCertificateFiles({ ...files, clock, logger })
    assert.equal(source.current && expiryOf(source.current.leaf), until)
    const said = (): number => lines.splice(0).filter((line) => line.includes('expire')).length
    assert.equal(said(), 0)
    clock.advance(CERTIFICATE_POLL_MS * 2)
    assert.equal(said(), 1)
    clock.advance(CERTIFICATE_WARN_AGAIN_MS - CERTIFICATE_POLL_MS)
    assert.equal(said(), 0)
    clock.advance(CERTIFICATE_POLL_MS)
    assert.equal(said(), 1)
    clock.advance(CERTIFICATE_WARN_MS)
    assert.match(lines.join(''), /has expired/)
  })
})

describe('parsePair()', () => {
  it('says nothing of what is in a key', () => {
    const key = 'SECRET'
    assert.throws(
      () => parsePair(first.cert, key),
      (error: Error) => error.cause === undefined && !error.message.includes(key),
    )
  })
})
