// SPDX-License-Identifier: Apache-2.0
/** Adapters for vectors/wire/noise-handshake.json and early-payload.json. */

import { concatBytes, encodeUtf8 } from '@signet/codec'
import { x25519PublicKey } from '@signet/crypto'
import { machinePrivateFromBytes, machinePublicFromBytes } from '@signet/keys'
import {
  createInitiator,
  encodeEarlyPayload,
  MAX_RECORD_PLAINTEXT,
  NoiseError,
  parseEarlyPayload,
  RecordReader,
  RecordWriter,
  respond,
} from '@signet/noise'
// The vectors look at values in the middle of the handshake, which no caller needs.
import { SymmetricState } from '../../packages/noise/src/symmetric-state.ts'
import type { Checks } from './checks.ts'
import { bool, counter, hex, integer, json, nullable, oneOf, text } from './fields.ts'
import type { Fields } from './fields.ts'
import { byKind, eachCase } from './format.ts'
import type { Adapter, Format } from './format.ts'
import { checkJson } from './json-text.ts'

const verdict = oneOf('accept', 'reject')

/** The members `<name>_private` and `<name>_public`, compared with each other. */
function keyPair(fields: Fields, checks: Checks, name: string): [Uint8Array, Uint8Array] {
  const secret = fields.get(`${name}_private`, hex)
  const open = fields.get(`${name}_public`, hex)
  checks.equal(`${name}_public`, open, x25519PublicKey(secret))
  return [secret, open]
}

const handshake: Adapter = (fields, checks) => {
  const [clientSecret, clientPublic] = keyPair(fields, checks, 'client_static')
  const [clientEphemeral, clientEphemeralPublic] = keyPair(fields, checks, 'client_ephemeral')
  const [serverSecret, serverPublic] = keyPair(fields, checks, 'server_static')
  const [serverEphemeral, serverEphemeralPublic] = keyPair(fields, checks, 'server_ephemeral')
  const initiation = fields.get('initiation', hex)
  const response = fields.get('response', hex)
  const version = fields.get('version', integer)
  const initiator = createInitiator({
    version,
    machineKey: machinePrivateFromBytes(clientSecret),
    serverKey: machinePublicFromBytes(serverPublic),
    ephemeral: machinePrivateFromBytes(clientEphemeral),
  })
  checks.equal('initiation', initiation, initiator.initiation)
  const server = respond({
    serverKey: machinePrivateFromBytes(serverSecret),
    initiation,
    ephemeral: machinePrivateFromBytes(serverEphemeral),
  })
  checks.equal('response', response, server.response)
  checks.equal('client_static_public', machinePublicFromBytes(clientPublic), server.clientKey)
  checks.equal('version', version, server.version)
  const client = initiator.readResponse(response)
  const keys = {
    'client-to-server': fields.get('client_to_server_key', hex),
    'server-to-client': fields.get('server_to_client_key', hex),
  }
  checks.equal('client_to_server_key', keys['client-to-server'], client?.session.sendKey)
  checks.equal('server_to_client_key', keys['server-to-client'], client?.session.receiveKey)
  checks.equal('client_to_server_key (server)', keys['client-to-server'], server.session.receiveKey)
  checks.equal('server_to_client_key (server)', keys['server-to-client'], server.session.sendKey)
  const hash = fields.get('handshake_hash', hex)
  checks.equal('handshake_hash', hash, client?.session.handshakeHash)
  checks.equal('handshake_hash (server)', hash, server.session.handshakeHash)

  const state = new SymmetricState()
  state.mixHash(encodeUtf8(fields.get('prologue', text)))
  state.mixHash(serverPublic)
  state.mixHash(clientEphemeralPublic)
  const es = state.mixSharedSecret(serverSecret, clientEphemeralPublic)
  state.decryptAndHash(es, initiation.subarray(37, 85), 'machine key')
  const ss = state.mixSharedSecret(serverSecret, clientPublic)
  state.decryptAndHash(ss, initiation.subarray(85), 'tag')
  checks.equal('hash_after_initiation', fields.get('hash_after_initiation', hex), state.hash)
  const chainKey = fields.get('chainkey_after_initiation', hex)
  checks.equal('chainkey_after_initiation', chainKey, state.chainingKey)
  state.mixHash(serverEphemeralPublic)
  state.mixSharedSecret(serverEphemeral, clientEphemeralPublic)
  state.mixSharedSecret(serverEphemeral, clientPublic)
  checks.equal('final_chainkey', fields.get('final_chainkey', hex), state.chainingKey)

  for (const item of fields.objects('records')) {
    const key = keys[item.get('direction', oneOf('client-to-server', 'server-to-client'))]
    const start = item.get('counter', counter)
    const plaintext = item.get('plaintext', hex)
    const record = item.get('record', hex)
    checks.equal('record', record, new RecordWriter(key, start).seal(plaintext))
    checks.equal('record (opened)', { plaintext, end: 'clean-eof' }, readAll(key, start, record))
    const isSplit = plaintext.length > MAX_RECORD_PLAINTEXT
    checks.equal('split', item.find('split', bool) ?? false, isSplit)
  }
}

/** What a reader delivers of a stream that then ends, and how it ends. */
function readAll(
  key: Uint8Array,
  start: bigint,
  stream: Uint8Array,
  pieces: number = Math.max(1, stream.length),
): { plaintext: Uint8Array; end: string } {
  const parts: Uint8Array[] = []
  const reader = new RecordReader(key, start)
  let end = 'clean-eof'
  try {
    for (let at = 0; at < stream.length; at += pieces) {
      reader.push(stream.subarray(at, at + pieces), (part) => parts.push(part))
    }
    reader.end()
  } catch (error) {
    if (!(error instanceof NoiseError)) throw error
    end = error.code === 'truncated' ? 'truncated' : 'error'
  }
  return { plaintext: concatBytes(...parts), end }
}

const serverInitiation: Adapter = (fields, checks) => {
  const options = {
    serverKey: machinePrivateFromBytes(fields.get('server_static_private', hex)),
    initiation: fields.get('initiation', hex),
    ephemeral: machinePrivateFromBytes(fields.get('server_ephemeral_private', hex)),
  }
  let got = 'accept'
  let writes: Uint8Array = new Uint8Array()
  try {
    writes = respond(options).response
  } catch (error) {
    if (!(error instanceof NoiseError)) throw error
    got = 'reject'
    writes = error.reply ?? writes
  }
  checks.equal('verdict', fields.get('verdict', verdict), got)
  checks.equal('server_writes', fields.get('server_writes', hex), writes)
}

const clientResponse: Adapter = (fields, checks) => {
  const initiator = createInitiator({
    version: fields.get('version', integer),
    machineKey: machinePrivateFromBytes(fields.get('client_static_private', hex)),
    serverKey: machinePublicFromBytes(fields.get('server_static_public', hex)),
    ephemeral: machinePrivateFromBytes(fields.get('client_ephemeral_private', hex)),
  })
  checks.equal('initiation', fields.get('initiation', hex), initiator.initiation)
  const response = fields.get('response', hex)
  const ok = fields.get('verdict', verdict) === 'accept'
  const unread = fields.get('bytes_left_unread', integer)
  const result = checks.verdict('verdict', ok, () => {
    const read = initiator.readResponse(response)
    // The stream is over, so bytes that are still missing never come.
    if (read === undefined) throw new NoiseError('truncated', 'Cannot read response: it ended')
    return read
  })
  if (ok && result) checks.equal('bytes_left_unread', unread, result.rest.length)
}

const recordStream: Adapter = (fields, checks) => {
  const key = fields.get('key', hex)
  const start = fields.get('start_counter', counter)
  const stream = fields.get('stream', hex)
  const plaintext = fields.get('plaintext', hex)
  const end = fields.get('end', oneOf('clean-eof', 'error'))
  const mayDiffer = fields.find('may_differ', text) !== undefined
  for (const pieces of [Math.max(1, stream.length), 1, 7, 4096]) {
    const got = readAll(key, start, stream, pieces)
    checks.equal('plaintext', plaintext, got.plaintext)
    if (mayDiffer && got.end === 'truncated') checks.judgeBy('truncated-records-are-errors')
    else checks.equal('end', end, got.end === 'truncated' ? 'error' : got.end)
  }
}

export const noiseHandshake: Format = eachCase(
  byKind('kind', {
    handshake,
    'server-initiation': serverInitiation,
    'client-response': clientResponse,
    'record-stream': recordStream,
  }),
)

export const earlyPayload: Format = eachCase((fields, checks) => {
  const stream = fields.get('stream', hex)
  const expected = fields.get('early_payload', nullable(json))
  const rest = fields.get('http2_bytes', hex)
  const source = fields.find('json', text)
  const ok = fields.get('verdict', verdict) === 'accept'
  const result = checks.verdict('verdict', ok, () => {
    const read = parseEarlyPayload(stream)
    if (read === undefined) throw new NoiseError('truncated', 'Cannot read early payload: it ended')
    return read
  })
  if (!ok || !result) return
  checks.equal('early_payload', expected, result.payload)
  checks.equal('http2_bytes', rest, result.rest)
  if (source === undefined || !result.payload) return
  const frame = encodeEarlyPayload(result.payload)
  checks.equal('stream', stream, concatBytes(frame, rest))
  checkJson(checks, 'json', source, new TextDecoder().decode(frame.subarray(9)))
})
