// SPDX-License-Identifier: Apache-2.0

/**
 * Checks of single cases of `vectors/wire/wireguard.json`, made by the official implementation.
 *
 * @module
 */

import assert from 'node:assert/strict'
import { fromHex, toHex } from '@signet/codec'
import { nodePublicFromBytes } from '@signet/keys'
import {
  CookieJar,
  cookieFor,
  cookieKey,
  createCookieReply,
  isMac2Valid,
  mac1Key,
  readCookieReply,
  writeMacs,
} from '../src/cookie.ts'
import {
  createInitiation,
  createResponse,
  readInitiation,
  readResponse,
  staticSecret,
  verifyInitiation,
} from '../src/handshake.ts'
import { AllowedIps, createDevice, innerPacketLength, parsePrefix } from '../src/index.ts'
import { ReplayWindow } from '../src/replay.ts'
import { INITIAL_CHAIN_KEY, INITIAL_HASH } from '../src/symmetric-state.ts'
import { tai64n } from '../src/tai64n.ts'
import { paddingFor, Session } from '../src/transport.ts'
import * as limits from '../src/limits.ts'
import { localFrom } from './harness.ts'

type Fields = Record<string, string>

/** One case as it stands in the file; fields differ by kind. */
export interface WireguardCase {
  readonly name: string
  readonly kind: string
  readonly [field: string]: unknown
}

const HIGH = (counter: bigint): number => Number(counter >> 32n)
const LOW = (counter: bigint): number => Number(counter & 0xffff_ffffn)

const checks: Record<string, (value: never, all: readonly WireguardCase[]) => void> = {
  handshake: checkHandshake,
  padding: checkPadding,
  'transport-open': checkTransportOpen,
  'inner-packet': checkInnerPacket,
  'initiation-verdict': checkInitiationVerdict,
  'response-verdict': checkResponseVerdict,
  cookie: checkCookie,
  replay: checkReplay,
  constants: checkConstants,
  tai64n: checkTai64n,
}

/** Throws unless this implementation agrees with a case; `all` are the cases of the file. */
export function checkWireguardCase(value: WireguardCase, all: readonly WireguardCase[]): void {
  const check = checks[value.kind]
  assert.ok(check, `unknown kind ${value.kind}`)
  check(value as never, all)
}

interface TransportCase {
  readonly counter: string
  readonly direction: string
  readonly mtu: number
  readonly padding: number
  readonly packet: string
  readonly plaintext: string
}

function checkHandshake(
  value: Fields & {
    initiator_index: number
    responder_index: number
    transport: readonly TransportCase[]
  },
): void {
  const field = (name: string): Uint8Array => fromHex(value[name] ?? '')
  const initiator = localFrom(field('initiator_static_private'))
  const responder = localFrom(field('responder_static_private'))
  assert.equal(toHex(initiator.publicKey), value['initiator_static_public'])
  assert.equal(toHex(responder.publicKey), value['responder_static_public'])
  const secret = staticSecret(initiator, responder.publicKey)
  assert.equal(toHex(secret), value['static_static'])
  const presharedKey = field('preshared_key')

  const { message: initiation, pending } = createInitiation({
    local: initiator,
    remote: { publicKey: responder.publicKey, staticSecret: secret, presharedKey },
    localIndex: value.initiator_index,
    ephemeral: field('initiator_ephemeral_private'),
    timestamp: field('timestamp'),
  })
  assert.equal(toHex(pending.state.chainKey), value['initiation_chainkey'])
  assert.equal(toHex(pending.state.hash), value['initiation_hash'])
  assert.equal(toHex(mac1Key(responder.publicKey)), value['initiation_mac1_key'])
  assert.equal(
    toHex(writeMacs(initiation, mac1Key(responder.publicKey), null)),
    value['initiation_mac1'],
  )
  assert.equal(toHex(initiation), value['initiation'])

  const opened = readInitiation(responder, initiation)
  assert.equal(toHex(opened.remotePublicKey), value['initiator_static_public'])
  const verified = verifyInitiation(opened, staticSecret(responder, initiator.publicKey))
  assert.equal(toHex(verified.timestamp), value['timestamp'])
  const answer = createResponse({
    initiation: verified,
    presharedKey,
    localIndex: value.responder_index,
    ephemeral: field('responder_ephemeral_private'),
  })
  assert.equal(toHex(answer.state.chainKey), value['response_chainkey'])
  assert.equal(toHex(answer.state.hash), value['response_hash'])
  assert.equal(toHex(mac1Key(initiator.publicKey)), value['response_mac1_key'])
  writeMacs(answer.message, mac1Key(initiator.publicKey), null)
  assert.equal(toHex(answer.message), value['response'])

  const asked = readResponse(initiator, pending, presharedKey, answer.message)
  assert.equal(toHex(asked.state.chainKey), value['response_chainkey'])
  assert.equal(toHex(asked.keys.send), value['initiator_to_responder_key'])
  assert.equal(toHex(asked.keys.receive), value['responder_to_initiator_key'])
  assert.equal(toHex(answer.keys.receive), value['initiator_to_responder_key'])
  assert.equal(toHex(answer.keys.send), value['responder_to_initiator_key'])

  for (const packet of value.transport) {
    const counter = BigInt(packet.counter)
    const forward = packet.direction === 'initiator-to-responder'
    const session = (isInitiator: boolean): Session => {
      const { keys } = isInitiator ? asked : answer
      return new Session({
        keys: { ...keys, send: keys.send.slice(), receive: keys.receive.slice() },
        localIndex: 1,
        isInitiator,
        createdAt: 0,
        firstCounter: [HIGH(counter), LOW(counter)],
      })
    }
    const plaintext = fromHex(packet.plaintext)
    assert.equal(paddingFor(plaintext.length, packet.mtu), packet.padding)
    assert.equal(toHex(session(forward).seal(plaintext, packet.mtu)), packet.packet)
    const content = session(!forward).open(fromHex(packet.packet))
    assert.equal(toHex(content), packet.plaintext + '00'.repeat(packet.padding))
  }
}

function checkPadding(value: {
  sizes: readonly { mtu: number; packet_size: number; padding: number }[]
}): void {
  for (const { mtu, packet_size, padding } of value.sizes) {
    assert.equal(paddingFor(packet_size, mtu), padding, `size ${packet_size}, MTU ${mtu}`)
  }
}

function checkTransportOpen(
  value: Fields & { ok: boolean; handshake_case: string; direction: string },
  all: readonly WireguardCase[],
): void {
  const from = all.find((candidate) => candidate.name === value.handshake_case)
  const name =
    value.direction === 'initiator-to-responder'
      ? 'initiator_to_responder_key'
      : 'responder_to_initiator_key'
  const receive = fromHex(String(from?.[name]))
  const session = new Session({
    keys: { send: new Uint8Array(32), receive, remoteIndex: 0 },
    localIndex: 0,
    isInitiator: false,
    createdAt: 0,
  })
  const open = (): string => toHex(session.open(fromHex(value['packet'] ?? '')))
  if (value.ok) assert.equal(open(), value['padded_plaintext'])
  else assert.throws(open, { code: 'not-decryptable' })
}

function checkInnerPacket(
  value: Fields & { delivered: boolean; allowed_ips: readonly string[]; may_differ?: string },
): void {
  const content = fromHex(value['padded_plaintext'] ?? '')
  const routes = new AllowedIps<string>()
  for (const prefix of value.allowed_ips) routes.add(parsePrefix(prefix), 'peer')
  const length = innerPacketLength(content)
  const delivered = length > 0 && routes.ownerOfSource(content) === 'peer'
  // Where the official code lets a wrapped length through, dropping is what we do.
  assert.equal(delivered, value.may_differ === undefined && value.delivered)
  if (delivered) assert.equal(toHex(content.subarray(0, length)), value['packet'])
}

function checkInitiationVerdict(value: Fields & { peer_index?: number }): void {
  const local = localFrom(fromHex(value['responder_static_private'] ?? ''))
  const peer = fromHex(value['known_peer_public'] ?? '')
  const sent: Uint8Array[] = []
  const device = createDevice({
    privateKey: local.privateKey,
    now: () => Date.UTC(2026, 0, 1),
    random: (length) => new Uint8Array(length).fill(7),
    effects: { send: (datagram) => void sent.push(datagram), deliver: () => {} },
  })
  device.setPeers([
    {
      key: nodePublicFromBytes(peer),
      allowedIps: [],
      endpoints: [],
      presharedKey: fromHex(value['preshared_key'] ?? ''),
      ...(value['last_timestamp'] === undefined
        ? {}
        : { latestTimestamp: fromHex(value['last_timestamp']) }),
    },
  ])
  const initiation = fromHex(value['initiation'] ?? '')
  device.receive(initiation, 'somewhere')
  if (value['verdict'] === 'reject') {
    assert.equal(sent.length, 0)
    assert.equal(
      [...device.dropped().values()].reduce((sum, count) => sum + count),
      1,
    )
    return
  }
  assert.equal(sent.length, 1)
  const response = sent[0]
  assert.ok(response)
  assert.equal(new DataView(response.buffer).getUint32(8, true), value.peer_index)
  const verified = verifyInitiation(readInitiation(local, initiation), staticSecret(local, peer))
  assert.equal(toHex(verified.timestamp), value['timestamp'])
}

function checkResponseVerdict(value: Fields & { initiator_index: number }): void {
  const field = (name: string): Uint8Array => fromHex(value[name] ?? '')
  const local = localFrom(field('initiator_static_private'))
  const peer = field('responder_static_public')
  // The device draws four random bytes for the index, then thirty-two for its ephemeral key.
  const index = new Uint8Array(4)
  new DataView(index.buffer).setUint32(0, value.initiator_index, true)
  const sent: Uint8Array[] = []
  const stamp = fromHex(value['timestamp'] ?? '')
  const view = new DataView(stamp.buffer)
  const seconds = Number(view.getBigUint64(0) - 0x4000_0000_0000_000an)
  const device = createDevice({
    privateKey: local.privateKey,
    // A microsecond more: the fraction of a millisecond is not exact in a double.
    now: () => seconds * 1000 + view.getUint32(8) / 1_000_000 + 0.001,
    random: (length) =>
      length === 4
        ? index
        : length === 32
          ? field('initiator_ephemeral_private')
          : new Uint8Array(length),
    effects: { send: (datagram) => void sent.push(datagram), deliver: () => {} },
  })
  device.setPeers([
    {
      key: nodePublicFromBytes(peer),
      allowedIps: [parsePrefix('10.0.0.2')],
      endpoints: ['somewhere'],
      presharedKey: field('preshared_key'),
    },
  ])
  const packet = new Uint8Array(20)
  packet.set([0x45, 0, 0, 20])
  packet.set([10, 0, 0, 2], 16)
  device.sendPacket(packet)
  assert.equal(toHex(sent[0] ?? new Uint8Array(0)), value['initiation'])
  device.receive(field('response'), 'somewhere')
  assert.equal(sent.length, value['verdict'] === 'accept' ? 2 : 1)
}

function checkCookie(
  value: Fields & {
    mac2_valid: boolean
    mac2_valid_for_other_source: boolean
    reply_accepted: boolean
    reply_accepted_before_any_message_was_sent: boolean
    tampered_reply_accepted: boolean
  },
): void {
  const field = (name: string): Uint8Array => fromHex(value[name] ?? '')
  const responder = field('responder_static_public')
  const cookie = cookieFor(field('cookie_secret'), field('source_bytes'))
  assert.equal(toHex(cookie), value['cookie'])
  assert.equal(toHex(cookieKey(responder)), value['cookie_encryption_key'])
  const initiation = field('initiation')
  const reply = createCookieReply({
    key: cookieKey(responder),
    receiverIndex: new DataView(initiation.buffer).getUint32(4, true),
    nonce: field('nonce'),
    cookie,
    mac1: field('last_mac1'),
  })
  assert.equal(toHex(reply), value['cookie_reply'])
  assert.equal(
    toHex(readCookieReply(cookieKey(responder), field('last_mac1'), reply)),
    toHex(cookie),
  )

  const jar = new CookieJar(responder)
  assert.equal(accepts(jar, reply), value.reply_accepted_before_any_message_was_sent)
  const message = initiation.slice()
  jar.complete(message, 0)
  assert.equal(toHex(message), value['initiation'])
  const tampered = reply.slice()
  tampered[40] = (tampered[40] ?? 0) ^ 1
  assert.equal(accepts(jar, tampered), value.tampered_reply_accepted)
  assert.equal(accepts(jar, reply), value.reply_accepted)
  jar.complete(message, 1)
  assert.equal(toHex(message), value['initiation_with_mac2'])
  assert.equal(isMac2Valid(message, cookie), value.mac2_valid)
  const other = cookieFor(field('cookie_secret'), new Uint8Array(6))
  assert.equal(isMac2Valid(message, other), value.mac2_valid_for_other_source)
}

function accepts(jar: CookieJar, reply: Uint8Array): boolean {
  try {
    jar.accept(reply, 0)
    return true
  } catch {
    return false
  }
}

function checkReplay(value: { counters: readonly string[]; accepted: readonly boolean[] }): void {
  const window = new ReplayWindow()
  const accepted = value.counters.map((text) => {
    const counter = BigInt(text)
    return window.accept(HIGH(counter), LOW(counter))
  })
  assert.deepEqual(accepted, value.accepted)
}

function checkConstants(value: Record<string, number | string>): void {
  const seconds = (ms: number): number => ms / 1000
  assert.equal(toHex(INITIAL_CHAIN_KEY), value['initial_chainkey'])
  assert.equal(toHex(INITIAL_HASH), value['initial_hash'])
  assert.equal(seconds(limits.COOKIE_LIFETIME_MS), value['cookie_refresh_seconds'])
  assert.equal(limits.INITIATION_INTERVAL_MS, value['handshake_initiation_interval_ms'])
  assert.equal(seconds(limits.KEEPALIVE_TIMEOUT_MS), value['keepalive_timeout_seconds'])
  assert.equal(limits.MAX_CONTENT_SIZE, value['max_content_size'])
  assert.equal(limits.MAX_HANDSHAKE_RETRIES, value['max_timer_handshakes'])
  assert.equal(limits.PADDING_MULTIPLE, value['padding_multiple'])
  const last =
    (BigInt(limits.REJECT_AFTER_MESSAGES_HIGH) << 32n) | BigInt(limits.REJECT_AFTER_MESSAGES_LOW)
  assert.equal(String(last), value['reject_after_messages'])
  assert.equal(seconds(limits.REJECT_AFTER_MS), value['reject_after_seconds'])
  const rekey = BigInt(limits.REKEY_AFTER_MESSAGES_HIGH) << 32n
  assert.equal(String(rekey), value['rekey_after_messages'])
  assert.equal(seconds(limits.REKEY_AFTER_MS), value['rekey_after_seconds'])
  assert.equal(seconds(limits.REKEY_ATTEMPT_MS), value['rekey_attempt_seconds'])
  assert.equal(limits.REKEY_JITTER_MS, value['rekey_timeout_jitter_max_ms'])
  assert.equal(seconds(limits.REKEY_TIMEOUT_MS), value['rekey_timeout_seconds'])
  assert.equal(seconds(limits.UNDER_LOAD_MS), value['under_load_seconds'])
}

function checkTai64n(value: {
  values: readonly { nanoseconds: number; unix_seconds: number; tai64n: string }[]
}): void {
  for (const { nanoseconds, unix_seconds, tai64n: expected } of value.values) {
    assert.equal(toHex(tai64n(unix_seconds, nanoseconds)), expected)
  }
}
