// SPDX-License-Identifier: Apache-2.0

/**
 * Everything in front of the control connection, and the doors beside it.
 *
 * @module
 */

import { request as httpRequest } from 'node:http'
import { concatBytes, encodeUtf8 } from '@signet/codec'
import { encodeClientInfo, encodeFrame, GreetingReader } from '@signet/derp'
import type { MachinePrivate, MachinePublic, NodePrivate } from '@signet/keys'
import { createInitiator } from '@signet/noise'
import { attacks } from './http2-attacks.ts'
import { mutateBytes, mutateJson } from './mutate.ts'
import type { Random } from './random.ts'
import { openRaw, shakeHands, talk, upgradeRequest } from './raw.ts'
import { classOf } from './tally.ts'
import type { Tally } from './tally.ts'
import type { World } from './world.ts'

interface Keys {
  readonly machineKey: MachinePrivate
  readonly serverKey: MachinePublic
}

/** How long a raw answer is waited for. */
const PATIENCE_MS = 25

/** HTTP/2 that breaks its rules, behind a proper handshake. */
export async function attackHttp2(
  port: number,
  keys: Keys,
  tally: Tally,
  random: Random,
): Promise<void> {
  const [, attack] = random.pick(Object.entries(attacks))
  const { raw, say } = await shakeHands(port, keys)
  const plaintext = attack(random)
  say(random.oneIn(6) ? mutateBytes(random, plaintext) : plaintext)
  if (random.oneIn(5)) raw.socket.end()
  await raw.more(PATIENCE_MS)
  await raw.more(PATIENCE_MS)
  tally.note('http2', raw.isClosed() ? 'closed' : 'open')
  raw.socket.destroy()
}

/** Handshakes that are wrong, old or cut, and records that do not open. */
export async function attackHandshake(
  port: number,
  keys: Keys,
  world: World,
  tally: Tally,
  random: Random,
): Promise<void> {
  if (random.oneIn(3)) {
    const { raw, say } = await shakeHands(port, keys)
    if (random.oneIn(2)) say(encodeUtf8('PRI * HTTP/2.0\r\n'))
    raw.socket.write(random.pick([BAD_TAG, random.bytes(200), HUGE_RECORD]))
    await raw.more(PATIENCE_MS)
    await raw.more(PATIENCE_MS)
    tally.note('noise records', raw.isClosed() ? 'closed' : 'open')
    raw.socket.destroy()
    return
  }
  const initiation = spoiledInitiation(keys, world, random)
  const text = upgradeRequest(initiation)
  const cut = random.oneIn(5) ? text.slice(0, random.below(text.length)) : text
  const { status, closed } = await talk(port, cut, PATIENCE_MS)
  if (status !== null && status >= 500) tally.fault(`/ts2021 answered ${status} to ${cut}`)
  tally.note('ts2021', status === null ? (closed ? 'closed' : 'open') : classOf(status))
}

/** A record of 20 bytes that no key opens. */
const BAD_TAG = concatBytes(Uint8Array.of(4, 0, 20), new Uint8Array(20))
const HUGE_RECORD = concatBytes(Uint8Array.of(4, 0xff, 0xff), new Uint8Array(5_000))

/** Points of small order, as far as a client can send them: all secrets with them are zero. */
const SMALL_ORDER = [
  new Uint8Array(32),
  Uint8Array.from({ length: 32 }, (_, index) => (index === 0 ? 1 : 0)),
  new Uint8Array(32).fill(0xff),
  Buffer.from('e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800', 'hex'),
  Buffer.from('5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157', 'hex'),
  Buffer.from('ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f', 'hex'),
  Buffer.from('edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f', 'hex'),
]

function spoiledInitiation(keys: Keys, world: World, random: Random): Uint8Array {
  const { initiation } = createInitiator({ ...keys, version: random.pick([145, 0, 1, 65_535]) })
  const copy = Uint8Array.from(initiation)
  switch (random.below(4)) {
    case 0:
      copy.set(random.pick(SMALL_ORDER), 5)
      return copy
    case 1:
      // As it was recorded: the server key is the recorded one, but nobody can go on from here.
      return Buffer.from(random.pick(world.initiations), 'base64')
    case 2:
      return mutateBytes(random, copy)
    default:
      copy[random.below(5)] = random.below(256)
      return copy
  }
}

const PATHS = [
  '/',
  '//',
  '*',
  '/key',
  '/key?v=145',
  '/key?v=-1',
  '/ts2021',
  '/derp',
  '/derp/probe',
  '/derp/latency-check',
  '/generate_204',
  '/health',
  '/login/',
  '/login/00000000000000000000000000000000',
  '/login/%00',
  '/login/../key',
  '/machine/map',
  '/bootstrap-dns?q=x',
  '/verify',
  `/${'a'.repeat(20_000)}`,
  'http://other.example/key',
  '/%',
  '/\u00ff',
]
const METHODS = ['GET', 'POST', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'CONNECT', 'PRI', 'get', '']
const FIELDS = [
  'Upgrade: tailscale-control-protocol\r\nConnection: upgrade',
  'Upgrade: DERP\r\nConnection: upgrade',
  'Upgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13',
  'Upgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Protocol: derp\r\nSec-WebSocket-Key: x',
  'Upgrade: h2c\r\nConnection: upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAAA',
  'Content-Length: 5',
  'Content-Length: -1',
  'Content-Length: 5\r\nContent-Length: 6',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: chunked\r\nContent-Length: 3',
  'Expect: 100-continue',
  'X-Tailscale-Handshake: !!!',
  'X-Tailscale-Challenge: \u0001',
  'X-Forwarded-For: 1.2.3.4, x',
  `X: ${'y'.repeat(20_000)}`,
  `${'X: y\r\n'.repeat(3_000)}Z: z`,
  'Host: a\r\nHost: b',
  ': x',
  'X',
]

/** Plain requests that no client sends. */
export async function attackHttp1(port: number, tally: Tally, random: Random): Promise<void> {
  const path = random.pick(PATHS)
  const fields = Array.from({ length: random.below(4) }, () => random.pick(FIELDS))
  const text = [
    `${random.pick(METHODS)} ${path} HTTP/${random.pick(['1.1', '1.1', '1.0', '2.0', '9'])}`,
    'Host: 127.0.0.1',
    ...fields,
    '\r\n',
  ].join('\r\n')
  const bytes = random.oneIn(4) ? mutateBytes(random, encodeUtf8(text)) : text
  const { status, closed, bytes: answer } = await talk(port, bytes, PATIENCE_MS)
  if (status !== null && status >= 500) {
    tally.fault(`HTTP/1 answered ${status} to ${JSON.stringify(text.slice(0, 300))}`)
  }
  const said = Buffer.from(answer).toString('latin1')
  const isBare = said.indexOf('\r\n\r\n') === said.length - 4
  if (status !== null && status >= 400 && isBare && !text.startsWith('HEAD ')) {
    tally.fault(`HTTP/1 refused without a reason: ${said} to ${JSON.stringify(text.slice(0, 300))}`)
  }
  tally.note('http1', status === null ? (closed ? 'closed' : 'open') : classOf(status))
}

/** Frames that no relay client sends, mostly from one that was let in. */
export async function attackRelay(
  port: number,
  { relayKey }: World,
  tally: Tally,
  random: Random,
): Promise<void> {
  const raw = await openRaw(port)
  raw.socket.write('GET /derp HTTP/1.1\r\nHost: x\r\nUpgrade: DERP\r\nConnection: Upgrade\r\n\r\n')
  await raw.more(PATIENCE_MS)
  await raw.more(PATIENCE_MS)
  const introduction = random.oneIn(4)
    ? undefined
    : introductionTo(raw.received(), relayKey, random)
  if (introduction !== undefined) {
    raw.socket.write(random.oneIn(4) ? mutateBytes(random, introduction) : introduction)
    await raw.more(PATIENCE_MS)
  }
  for (let count = random.below(8); count >= 0; count--) {
    const length = random.pick([0, 8, 31, 32, 33, 100, 2_000, 70_000])
    const frame = encodeFrame(random.below(24), random.bytes(length))
    raw.socket.write(random.oneIn(4) ? mutateBytes(random, frame) : frame)
  }
  if (random.oneIn(4)) raw.socket.write(Uint8Array.of(2, 0xff, 0xff, 0xff, 0xff))
  await raw.more(PATIENCE_MS)
  await raw.more(PATIENCE_MS)
  const who = introduction === undefined ? 'derp, a stranger' : 'derp, a node'
  tally.note(who, raw.isClosed() ? 'closed' : 'open')
  raw.socket.destroy()
}

/** What a client says of itself, once the relay has said its key. */
function introductionTo(
  received: Uint8Array,
  clientKey: NodePrivate,
  random: Random,
): Uint8Array | undefined {
  const body = Buffer.from(received).indexOf('\r\n\r\n') + 4
  const greeting = body < 4 ? undefined : new GreetingReader().push(received.subarray(body))
  if (greeting === undefined) return undefined
  return encodeClientInfo({
    clientKey,
    serverKey: greeting.serverKey,
    nonce: random.bytes(24),
    info: { version: 2, canAckPings: true, isProber: false, appName: '', meshKey: null },
  })
}

const ADMIN: readonly (readonly [string, string])[] = [
  ['GET', '/users'],
  ['POST', '/users'],
  ['PATCH', '/users/REF'],
  ['DELETE', '/users/REF'],
  ['GET', '/nodes'],
  ['GET', '/nodes/REF'],
  ['PATCH', '/nodes/REF'],
  ['DELETE', '/nodes/nobody'],
  ['POST', '/nodes/REF/expire'],
  ['POST', '/nodes/REF/routes'],
  ['GET', '/logins'],
  ['POST', '/logins/REF/approve'],
  ['POST', '/logins/REF/deny'],
  ['GET', '/keys'],
  ['POST', '/keys'],
  ['DELETE', '/keys/REF'],
  ['GET', '/lock'],
  ['GET', '/lock/acks'],
  ['GET', '/policy'],
  ['POST', '/policy/check'],
  ['GET', '/relay'],
  ['GET', '/info'],
]
const REFS = [
  '999',
  '0',
  '-1',
  '1e3',
  'nobody',
  '__proto__',
  '%00',
  '%2e%2e',
  'x'.repeat(5_000),
  '%',
]

/** The owner's own API, which must not fall over either. */
export async function attackAdmin(world: World, tally: Tally, random: Random): Promise<void> {
  const [method, template] = random.pick(ADMIN)
  const path = template.replace('REF', random.pick(REFS))
  const valid = {
    name: 'x',
    role: 'member',
    tags: ['tag:x'],
    approve: ['10.0.0.0/8'],
    user: 'x',
    reusable: true,
    expirySeconds: 60,
    policy: '{}',
  }
  const text = mutateJson(random, valid, world.keys)
  const body = random.oneIn(4) ? mutateBytes(random, encodeUtf8(text)) : encodeUtf8(text)
  const query = random.pick(['', '', '', '?tailnet=default', '?tailnet=x', '?tailnet=%'])
  const { status, answer } = await callAdmin(world, method, `/api/v1${path}${query}`, body)
  if (status >= 500) tally.fault(`admin ${method} ${path} answered ${status} ${answer}`)
  if (status >= 400 && !answer.includes('"message"')) {
    tally.fault(`admin ${method} ${path} refused without a reason: ${status} ${answer}`)
  }
  tally.note(`admin ${method} ${template}`, classOf(status))
}

function callAdmin(
  { server }: World,
  method: string,
  path: string,
  body: Uint8Array,
): Promise<{ status: number; answer: string }> {
  const sends = method !== 'GET'
  return new Promise((resolve, reject) => {
    const headers = {
      'content-type': 'application/json',
      'content-length': sends ? body.length : 0,
    }
    const sent = httpRequest({ socketPath: server.socket, method, path, headers }, (response) => {
      let answer = ''
      response.on('data', (chunk: Buffer) => (answer += chunk.toString()))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, answer }))
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.end(sends ? body : undefined)
  })
}
