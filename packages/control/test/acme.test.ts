// SPDX-License-Identifier: Apache-2.0

/**
 * Certificates by ACME, from an authority of the test on loopback; and from a real one if there is one:
 * SIGNET_PEBBLE names the program `pebble`.
 */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { connect as connectTls, setDefaultCACertificates } from 'node:tls'
import pino from 'pino'
import { createAcmeSource } from '../src/acme/source.ts'
import type { AcmeSource } from '../src/acme/source.ts'
import type { Clock } from '../src/clock.ts'
import type { CertificatePair } from '../src/http/certificate.ts'
import { certificateStatus } from '../src/http/certificate-status.ts'
import { loadServerConfig } from '../src/index.ts'
import {
  ACME_ATTEMPT_MS,
  ACME_CHECK_MS,
  ACME_POLL_MS,
  ACME_REQUEST_MS,
  ACME_RETRY_MAX_MS,
  ACME_RETRY_MIN_MS,
  MAX_ACME_ANSWER,
  MAX_ACME_POLLS,
  MAX_ACME_WAIT_MS,
} from '../src/limits.ts'
import { startAcmeAuthority } from './support/acme-authority.ts'
import type { AuthorityAnswer, TestAcmeAuthority } from './support/acme-authority.ts'
import { createAuthority } from '@signet/testkit/certificates'
import type { MadeCertificate } from '@signet/testkit/certificates'
import { startRealServer } from './support/real-client.ts'

const DAY = 24 * 60 * 60 * 1000
const root = mkdtempSync(join(tmpdir(), 'signet-acme-'))
after(() => rmSync(root, { recursive: true }))

/** The time of the machine and what the test adds to it; what waits for an authority does not wait. */
interface TestClock extends Clock {
  /** How long it was waited for the authority. */
  readonly waits: number[]
  advance(ms: number): void
}

function createTestClock(): TestClock {
  let added = 0
  const waiting = new Set<{ readonly at: number; readonly callback: () => void }>()
  const waits: number[] = []
  const now = (): number => Date.now() + added
  return {
    now,
    waits,
    schedule(delayMs, callback) {
      if (delayMs <= MAX_ACME_WAIT_MS && delayMs !== ACME_REQUEST_MS) {
        waits.push(delayMs)
        const immediate = setImmediate(callback)
        return () => clearImmediate(immediate)
      }
      const entry = { at: now() + delayMs, callback }
      waiting.add(entry)
      return () => void waiting.delete(entry)
    },
    advance(ms) {
      added += ms
      for (const entry of waiting) {
        if (entry.at > now() || !waiting.delete(entry)) continue
        entry.callback()
      }
    },
  }
}

interface LogLine {
  readonly msg: string
  readonly reason?: string
  readonly nextTry?: string
}

/** A source of certificates with an authority that finds it, and what it logs. */
interface Setting extends AsyncDisposable {
  readonly authority: TestAcmeAuthority
  readonly clock: TestClock
  readonly stateDir: string
  source: AcmeSource
  /** Waits for the next line of the log. */
  line(): Promise<LogLine>
  /** As after a restart of the server. */
  restart(domains?: readonly string[]): void
}

function currentOf({ source }: Setting): CertificatePair | undefined {
  return source.current
}

async function createSetting(
  domains: readonly string[] = ['a.example', 'b.example'],
  tls?: MadeCertificate,
) {
  const authority = await startAcmeAuthority(tls)
  const clock = createTestClock()
  authority.now = clock.now
  const stateDir = mkdtempSync(join(root, 'state-'))
  const lines: LogLine[] = []
  let wake = (): void => {}
  const logger = pino(
    {},
    {
      write(text: string) {
        lines.push(JSON.parse(text) as LogLine)
        wake()
      },
    },
  )
  const open = (names: readonly string[]): AcmeSource =>
    createAcmeSource({
      domains: names,
      email: undefined,
      directory: authority.directory,
      stateDir,
      clock,
      logger,
      random: () => 0,
    })
  const web = createServer((request, response) =>
    response.end(setting.source.challenge(request.url?.split('/').at(-1) ?? '') ?? ''),
  )
  web.listen(0, '127.0.0.1')
  await once(web, 'listening')
  const { port } = web.address() as AddressInfo
  authority.httpPort = () => port
  const setting: Setting = {
    authority,
    clock,
    stateDir,
    source: open(domains),
    async line() {
      for (;;) {
        const line = lines.shift()
        if (line) return line
        await new Promise<void>((resolve) => (wake = resolve))
      }
    },
    restart(names = domains) {
      setting.source[Symbol.dispose]()
      setting.source = open(names)
    },
    async [Symbol.asyncDispose]() {
      setting.source[Symbol.dispose]()
      web.close()
      await authority[Symbol.asyncDispose]()
    },
  }
  return setting
}

describe('createAcmeSource()', () => {
  it('gets a certificate, keeps it for the next start, and hides what is secret', async () => {
    await using setting = await createSetting()
    assert.equal(currentOf(setting), undefined)
    const { nextTry, ...status } = certificateStatus(setting.source, ['a.example', 'b.example'])
    const names = ['a.example', 'b.example']
    assert.deepEqual(status, { source: 'acme', names, until: null, problem: null })
    assert.ok(Math.abs(Date.parse(nextTry ?? '') - setting.clock.now()) < 60_000)
    setting.source.start()
    assert.equal((await setting.line()).msg, 'serving a new certificate')
    const current = currentOf(setting)
    assert.ok(current)
    assert.equal(current.leaf.subjectAltName, 'DNS:a.example, DNS:b.example')
    assert.equal(current.cert, setting.authority.issued[0])
    const dir = join(setting.stateDir, 'acme')
    assert.equal(statSync(dir).mode & 0o777, 0o700)
    const kept = readdirSync(dir)
    assert.equal(kept.length, 2)
    for (const file of kept) assert.equal(statSync(join(dir, file)).mode & 0o777, 0o600, file)
    setting.restart()
    assert.equal(currentOf(setting)?.key, current.key)
    const asked = setting.authority.asked.length
    setting.source.start()
    setting.clock.advance(DAY)
    assert.equal(setting.authority.asked.length, asked)
    // Nothing of a proof stays behind.
    assert.equal(setting.source.challenge(''), undefined)
  })

  it('asks again for other names, and when what it kept is broken', async () => {
    await using setting = await createSetting(['a.example'])
    setting.source.start()
    await setting.line()
    setting.restart(['a.example', 'c.example'])
    assert.equal(currentOf(setting), undefined)
    setting.source.start()
    await setting.line()
    assert.match(currentOf(setting)?.leaf.subjectAltName ?? '', /c\.example/)
    const file = join(setting.stateDir, 'acme', 'certificate.pem')
    writeFileSync(file, readFileSync(file, 'utf8').slice(100))
    setting.restart(['a.example', 'c.example'])
    assert.equal(currentOf(setting), undefined)
    const account = readdirSync(join(setting.stateDir, 'acme')).find((name) =>
      name.startsWith('account'),
    )
    writeFileSync(join(setting.stateDir, 'acme', account ?? ''), 'none')
    assert.throws(() => setting.restart(), { code: 'state-dir' })
  })

  it('renews at two thirds of the lifetime, and serves the old one until then', async () => {
    await using setting = await createSetting()
    setting.source.start()
    await setting.line()
    const first = setting.source.current
    const served: string[] = []
    setting.source.onChange(({ cert }) => served.push(cert))
    setting.clock.advance(60 * DAY - 60_000)
    setting.clock.advance(ACME_CHECK_MS)
    // The first of these was a minute early, and the second late enough.
    await setting.line()
    assert.notEqual(setting.source.current, first)
    assert.deepEqual(served, [setting.authority.issued[1]])
    assert.equal(setting.authority.issued.length, 2)
  })

  it('keeps the old one when a renewal fails, and tries again ever more slowly', async () => {
    await using setting = await createSetting()
    setting.source.start()
    await setting.line()
    const { current } = setting.source
    const { httpPort } = setting.authority
    setting.authority.httpPort = () => 1
    const nextTry = async (): Promise<number> => {
      const { msg, reason, nextTry: time = '' } = await setting.line()
      assert.equal(msg, 'kept the old certificate')
      assert.match(reason ?? '', /no proof for a\.example: not found/)
      return Date.parse(time) - setting.clock.now()
    }
    setting.clock.advance(61 * DAY)
    let last = await nextTry()
    assert.ok(Math.abs(last - ACME_RETRY_MIN_MS) < 60_000, `${last}`)
    for (let times = 0; times < 8; times++) {
      setting.clock.advance(last + 1)
      const next = await nextTry()
      assert.ok(next > last * 1.5 || Math.abs(next - ACME_RETRY_MAX_MS) < 60_000, `${next}`)
      assert.ok(next <= ACME_RETRY_MAX_MS)
      last = next
    }
    assert.equal(setting.source.current, current)
    const status = certificateStatus(setting.source, ['a.example', 'b.example'])
    assert.match(status.problem ?? '', /no proof for a\.example/)
    assert.equal(status.until, current?.leaf.validToDate.toISOString())
    assert.ok(Math.abs(Date.parse(status.nextTry ?? '') - setting.clock.now() - last) < 60_000)
    // Whoever has mended it says so.
    setting.authority.httpPort = httpPort
    setting.source.reload()
    assert.equal((await setting.line()).msg, 'serving a new certificate')
    const renewed = certificateStatus(setting.source, ['a.example', 'b.example'])
    assert.equal(renewed.problem, null)
    const days = (Date.parse(renewed.nextTry ?? '') - setting.clock.now()) / DAY
    assert.ok(Math.abs(days - 60) < 0.1, `${days}`)
  })

  it('waits as long as the authority says', async () => {
    await using setting = await createSetting()
    const headers = { 'retry-after': '7200' }
    const body = { type: 'urn:ietf:params:acme:error:rateLimited', detail: 'too many' }
    setting.authority.instead.set('/order', () => ({ status: 429, headers, body }))
    setting.source.start()
    const { msg, reason, nextTry = '' } = await setting.line()
    assert.equal(msg, 'no certificate yet')
    assert.match(reason ?? '', /answers 429: rateLimited: too many/)
    assert.ok(Math.abs(Date.parse(nextTry) - setting.clock.now() - 7_200_000) < 60_000)
  })

  it('takes another nonce when one was stale', async () => {
    await using setting = await createSetting()
    const body = { type: 'urn:ietf:params:acme:error:badNonce' }
    setting.authority.instead.set('/account', () => ({ status: 400, body }))
    setting.source.start()
    assert.equal((await setting.line()).msg, 'serving a new certificate')
  })

  it('takes an answer of the largest size', async () => {
    await using setting = await createSetting()
    setting.authority.instead.set('/directory', ({ body }) => ({
      body: JSON.stringify(body).padEnd(MAX_ACME_ANSWER),
    }))
    setting.source.start()
    assert.equal((await setting.line()).msg, 'serving a new certificate')
  })

  for (const path of ['/directory', '/account', '/order/0', '/finalize/0', '/certificate/0']) {
    it(`waits no longer than a request may take at ${path}`, async () => {
      await using setting = await createSetting()
      const answer = Promise.withResolvers<AuthorityAnswer>()
      const asked = Promise.withResolvers<void>()
      setting.authority.instead.set(path, () => {
        asked.resolve()
        return answer.promise
      })
      setting.source.start()
      await asked.promise
      setting.clock.advance(ACME_REQUEST_MS)
      const { msg, reason } = await setting.line()
      assert.equal(msg, 'no certificate yet')
      assert.match(reason ?? '', /does not answer: nothing in 30 s/)
    })
  }

  it('waits as long as a request may take, not longer than all of them', async () => {
    await using setting = await createSetting()
    const answer = Promise.withResolvers<void>()
    const asked = Promise.withResolvers<void>()
    setting.authority.instead.set('/order', async (usual) => {
      asked.resolve()
      await answer.promise
      return usual
    })
    setting.source.start()
    await asked.promise
    setting.clock.advance(ACME_REQUEST_MS - 5_000)
    answer.resolve()
    assert.equal((await setting.line()).msg, 'serving a new certificate')
    setting.restart(['c.example'])
    const isPending = withStatus('pending')
    const { instead } = setting.authority
    const askAgain = (answered: AuthorityAnswer): AuthorityAnswer => {
      // As if each question took its time.
      instead.set('/order/1', askAgain)
      setting.clock.advance(ACME_REQUEST_MS / 2)
      return isPending(answered)
    }
    instead.set('/order/1', askAgain)
    setting.source.start()
    assert.match((await setting.line()).reason ?? '', /given up/)
    const asks = setting.authority.asked.filter((path) => path === '/order/1')
    assert.ok(Math.abs(asks.length - ACME_ATTEMPT_MS / (ACME_REQUEST_MS / 2)) <= 2)
  })

  it('asks no more often than it has to', async () => {
    await using setting = await createSetting()
    const { instead, asked } = setting.authority
    const askAgain = (answer: AuthorityAnswer): AuthorityAnswer => {
      instead.set('/order/0', askAgain)
      return withStatus('processing')(answer)
    }
    instead.set('/order/0', askAgain)
    setting.source.start()
    assert.match((await setting.line()).reason ?? '', /does not come to an end/)
    assert.equal(asked.filter((path) => path === '/order/0').length, MAX_ACME_POLLS)
  })

  const asksToWait: readonly (readonly [string, number])[] = [
    ['1', ACME_POLL_MS],
    ['45', 45_000],
    ['60', MAX_ACME_WAIT_MS],
    ['61', MAX_ACME_WAIT_MS],
    ['soon', ACME_POLL_MS],
  ]
  for (const [header, ms] of asksToWait) {
    it(`asks again after ${ms} ms when it is to wait ${header}`, async () => {
      await using setting = await createSetting()
      setting.authority.instead.set('/order/0', (answer) => ({
        ...withStatus('processing')(answer),
        headers: { 'retry-after': header },
      }))
      setting.source.start()
      assert.equal((await setting.line()).msg, 'serving a new certificate')
      assert.deepEqual(setting.clock.waits, [ms])
    })
  }

  it('does not leave TLS', async () => {
    const ca = createAuthority()
    setDefaultCACertificates([ca.cert])
    await using setting = await createSetting(undefined, ca.issue({ names: ['127.0.0.1'] }))
    setting.authority.instead.set('/directory', ({ body }) => ({
      body: { ...(body as object), newOrder: 'http://127.0.0.1:9/order' },
    }))
    setting.source.start()
    assert.match((await setting.line()).reason ?? '', /http:.* is not by TLS/)
    setting.source.reload()
    assert.equal((await setting.line()).msg, 'serving a new certificate')
  })

  const stranger = createAuthority('Another')
  const refused: readonly (readonly [
    string,
    string,
    (answer: AuthorityAnswer) => AuthorityAnswer,
  ])[] = [
    ['no directory', '/directory', () => ({ status: 500, body: 'oops' })],
    ['a directory that is none', '/directory', () => ({ body: { newNonce: 1 } })],
    ['another place', '/directory', () => ({ status: 302, headers: { location: '/directory' } })],
    ['no JSON', '/order', () => ({ status: 201, body: '{', headers: { location: 'http://x' } })],
    ['an order without a URL', '/order', (answer) => ({ ...answer, headers: {} })],
    ['an account without a URL', '/account', () => ({ status: 201 })],
    ['an order that failed', '/order/0', () => ({ body: { status: 'invalid' } })],
    [
      'an answer without end',
      '/directory',
      ({ body }) => ({ body: JSON.stringify(body).padEnd(MAX_ACME_ANSWER + 1) }),
    ],
    ['no proof by HTTP', '/authorization/0', withChallenge({ type: 'dns-01' })],
    ['a token that is a path', '/authorization/0', withChallenge({ token: '../key' })],
    ['no certificate', '/certificate/0', () => ({ body: 'none' })],
    [
      'the certificate of another key',
      '/certificate/0',
      () => ({ body: stranger.issue({ names: ['a.example', 'b.example'] }).cert }),
    ],
  ]
  for (const [what, path, edit] of refused) {
    it(`serves nothing and says why after ${what}`, async () => {
      await using setting = await createSetting()
      setting.authority.instead.set(path, edit)
      setting.source.start()
      const { msg, reason } = await setting.line()
      assert.equal(msg, 'no certificate yet', reason)
      assert.equal(currentOf(setting), undefined)
      assert.deepEqual(
        readdirSync(join(setting.stateDir, 'acme')).filter((name) => name.startsWith('cert')),
        [],
      )
    })
  }
})

describe('the library', () => {
  it('is not loaded by a server without ACME', () => {
    const program = `
      import { createRequire } from 'node:module'
      await import(${JSON.stringify(new URL('../src/index.ts', import.meta.url).href)})
      const { cache } = createRequire(import.meta.url)
      const isLoaded = () => Object.keys(cache).some((path) => path.includes('acme-client'))
      const before = isLoaded()
      await import('acme-client')
      process.stdout.write(String([before, isLoaded()]))`
    const options = { cwd: join(import.meta.dirname, '..'), encoding: 'utf8' } as const
    const flags = ['--input-type=module', '--eval', program]
    assert.equal(spawnSync(process.execPath, flags, options).stdout, 'false,true')
  })
})

describe('orderCertificate()', () => {
  it('refuses a certificate for other names, and one that has expired', async () => {
    await using setting = await createSetting(['a.example'])
    setting.authority.namesOf = () => ['b.example']
    setting.source.start()
    assert.match((await setting.line()).reason ?? '', /not for a\.example/)
    setting.authority.namesOf = (names) => names
    setting.authority.lifetimeMs = 500
    setting.source.reload()
    assert.match((await setting.line()).reason ?? '', /expired already/)
    assert.equal(currentOf(setting), undefined)
  })
})

function withStatus(status: string): (answer: AuthorityAnswer) => AuthorityAnswer {
  return (answer) => ({ ...answer, body: { ...(answer.body as object), status } })
}

function withChallenge(fields: object): (answer: AuthorityAnswer) => AuthorityAnswer {
  return (answer) => {
    const body = answer.body as { challenges: object[] }
    const challenges = body.challenges.map((challenge) => ({ ...challenge, ...fields }))
    return { ...answer, body: { ...body, challenges } }
  }
}

describe('a server with ACME', () => {
  it('fails handshakes until it has a certificate, then serves it', async () => {
    await using authority = await startAcmeAuthority()
    const port = Promise.withResolvers<number>()
    authority.httpPort = () => port.promise
    const served = Promise.withResolvers<void>()
    await using server = await startRealServer({
      acme: { domains: ['a.example'], email: 'ann@a.example', directory: authority.directory },
      httpListen: { host: '127.0.0.1', port: 0 },
      logger: pino(
        {},
        {
          write: (line: string) => {
            if (line.includes('serving a new certificate')) served.resolve()
          },
        },
      ),
    })
    const { control } = server
    assert.equal(control.url, `https://a.example:${control.port}`)
    const shake = async (): Promise<string | undefined> => {
      const options = { servername: 'a.example', rejectUnauthorized: false }
      const socket = connectTls({ port: control.port, host: '127.0.0.1', ...options })
      await once(socket, 'secureConnect')
      const names = socket.getPeerX509Certificate()?.subjectAltName
      socket.destroy()
      return names
    }
    await assert.rejects(shake())
    port.resolve(control.httpPort ?? 0)
    await served.promise
    assert.equal(await shake(), 'DNS:a.example')
  })
})

describe('settings of ACME', () => {
  const good = {
    listen: ':443',
    http_listen: ':80',
    acme_domains: 'a.example, b.example',
    acme_agree_tos: 'true',
  }
  const load = (flags: Record<string, string | undefined>) => loadServerConfig({ env: {}, flags })

  it('take the authority that most use', () => {
    const { acme } = load(good)
    assert.deepEqual(acme?.domains, ['a.example', 'b.example'])
    assert.match(acme?.directory ?? '', /^https:.*letsencrypt/)
  })

  const refused: readonly (readonly [string, Record<string, string | undefined>, RegExp])[] = [
    ['terms that were not agreed to', { acme_agree_tos: undefined }, /acme_agree_tos/],
    ['terms that were refused', { acme_agree_tos: 'false' }, /acme_agree_tos/],
    ['no port for proofs', { http_listen: undefined }, /http_listen/],
    ['a certificate as well', { tls_cert: 'a', tls_key: 'b' }, /not both/],
    ['a name that is no name', { acme_domains: 'a_b.example' }, /acme_domains/],
    ['a name without a dot', { acme_domains: 'localhost' }, /acme_domains/],
    ['an authority without TLS', { acme_directory: 'http://ca.example/' }, /acme_directory/],
    ['half of a pair', { acme_domains: undefined, tls_cert: 'a' }, /both or none/],
  ]
  for (const [what, change, message] of refused) {
    it(`refuse ${what}`, () => {
      assert.throws(() => load({ ...good, ...change }), { code: 'bad-config', message })
    })
  }
})
