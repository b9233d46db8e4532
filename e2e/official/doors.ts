// SPDX-License-Identifier: Apache-2.0

/**
 * The ways to a server that official clients take in earnest: TLS with a certificate that somebody vouches
 * for, one that vouches for itself, and a proxy that adds TLS to a plain server. The relay is reached the
 * same way.
 *
 * @module
 */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect, createServer as createPlainServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createServer } from 'node:tls'
import { createAuthority, selfSigned, type MadeCertificate } from '@signet/testkit/certificates'
import { until } from '../support/until.ts'
import { pongBothWays } from './checks.ts'
import { scenario, type Scenario } from './scenario.ts'
import type { Member, Stage } from './stage.ts'

const HOST = '127.0.0.1'

/** Two clients that use nothing but the relay and trust what the file names. */
async function pair(stage: Stage, trusted: string, url?: string): Promise<[Member, Member]> {
  const env = {
    SSL_CERT_FILE: trusted,
    TS_DEBUG_ALWAYS_USE_DERP: '1',
    TS_DEBUG_DISABLE_UDP: '1',
    // The stage has it for relays without TLS.
    TS_DEBUG_USE_DERP_HTTP: 'false',
  }
  const options = { env, ...(url !== undefined && { url }) }
  return [await stage.joined('new', 'a', options), await stage.joined('old', 'b', options)]
}

interface Files {
  readonly cert: string
  readonly flags: readonly string[]
  write(made: MadeCertificate): void
}

function filesOf(stage: Stage, made: MadeCertificate): Files {
  const [cert, key] = [join(stage.programs.dir, 'cert.pem'), join(stage.programs.dir, 'key.pem')]
  const write = (next: MadeCertificate): void => {
    writeFileSync(key, next.key, { mode: 0o600 })
    writeFileSync(cert, next.cert)
  }
  write(made)
  return { cert, write, flags: ['--tls-cert', cert, '--tls-key', key] }
}

/** What the client was told about the relay. */
function relayOf(member: Member): Promise<string> {
  return member.ok(['debug', 'derp-map'])
}

async function freePort(): Promise<number> {
  const server = createPlainServer().listen(0, HOST)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** The scenarios. */
export const doors: readonly Scenario[] = [
  scenario('doors/TLS, and a new certificate', ['new', 'old'], async (stage) => {
    const authority = createAuthority()
    const trusted = join(stage.programs.dir, 'authority.pem')
    writeFileSync(trusted, authority.cert)
    const files = filesOf(stage, authority.issue({ names: [HOST] }))
    const server = await stage.serve(files.flags)
    assert.match(server.url, /^https:/)
    const [a, b] = await pair(stage, trusted)
    assert.doesNotMatch(await relayOf(a), /CertName": "sha256/)
    await pongBothWays(a, b, 'relay')
    files.write(authority.issue({ names: [HOST] }))
    process.kill(server.account.pid, 'SIGHUP')
    await until('a new certificate', () => stage.log().includes('serving a new certificate'))
    await pongBothWays(a, b, 'relay')
    // Everybody comes back by the new one.
    await stage.stopServer('SIGKILL')
    await stage.serve(files.flags)
    await pongBothWays(a, b, 'relay')
  }),
  scenario('doors/TLS that vouches for itself', ['new', 'old'], async (stage) => {
    const files = filesOf(stage, selfSigned({ names: [HOST] }))
    await stage.serve(files.flags)
    const [a, b] = await pair(stage, files.cert)
    assert.match(await relayOf(a), /"CertName": "sha256-raw:[0-9a-f]{64}"/)
    await pongBothWays(a, b, 'relay')
  }),
  scenario('doors/plain behind a proxy with TLS', ['new', 'old'], async (stage) => {
    const authority = createAuthority()
    const trusted = join(stage.programs.dir, 'authority.pem')
    writeFileSync(trusted, authority.cert)
    let target = 0
    const proxy = createServer(authority.issue({ names: [HOST] }), (client) => {
      const server = connect(target, HOST)
      for (const socket of [client, server]) socket.on('error', () => socket.destroy())
      client.pipe(server).pipe(client)
    })
    proxy.on('connection', (socket) => socket.on('error', () => socket.destroy()))
    proxy.listen(0, HOST)
    await once(proxy, 'listening')
    try {
      const url = `https://${HOST}:${(proxy.address() as AddressInfo).port}`
      const listen = `${HOST}:${await freePort()}`
      target = Number(listen.split(':')[1])
      await stage.serve(['--url', url, '--listen', listen, '--trusted-proxies', HOST])
      const [a, b] = await pair(stage, trusted, url)
      await pongBothWays(a, b, 'relay')
    } finally {
      proxy.close()
    }
  }),
]
