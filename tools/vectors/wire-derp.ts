// SPDX-License-Identifier: Apache-2.0
/** Adapter for vectors/wire/derp.json: both ends of the relay protocol, and whole sessions. */

import { boxOpen } from '@signet/crypto'
import {
  nodePrivateFromBytes,
  nodePublicBytes,
  nodePublicFromBytes,
  nodePublicOf,
  parseDerpMeshKey,
} from '@signet/keys'
import type { DerpMeshKey, NodePrivate, NodePublic } from '@signet/keys'
import {
  createRelay,
  DerpError,
  encodeClientInfo,
  encodeClosePeer,
  encodeForwardPacket,
  encodeNotePreferred,
  encodePing,
  encodePong,
  encodeSendPacket,
  encodeServerInfo,
  encodeWatchConns,
  GreetingReader,
  openClientInfo,
  openServerInfo,
  parseGreeting,
  ServerMessageReader,
  sharedKeyOf,
} from '@signet/derp'
import type { ClientInfo, Relay, RelayConnection, ServerInfo, ServerMessage } from '@signet/derp'
import type { Checks } from './checks.ts'
import { bool, hex, integer, json, nullable, oneOf, ShapeError, text } from './fields.ts'
import type { Fields, Json, Reader } from './fields.ts'
import { byKind, eachCase } from './format.ts'
import type { Format } from './format.ts'

const HEADER = 5
const privateKey: Reader<NodePrivate> = (value, path) => nodePrivateFromBytes(hex(value, path))
const publicKey: Reader<NodePublic> = (value, path) => nodePublicFromBytes(hex(value, path))
const meshKey: Reader<DerpMeshKey> = (value, path) => parseDerpMeshKey(text(value, path))
const verdict = oneOf('accept', 'reject')
const PLAIN: ClientInfo = {
  version: 2,
  canAckPings: true,
  isProber: false,
  appName: '',
  meshKey: null,
}

export const derp: Format = eachCase(
  byKind('kind', {
    'client-info': clientInfo,
    'server-info': serverInfo,
    'client-sends': clientSends,
    'server-sends': serverSends,
    'client-receives': clientReceives,
    'client-greeting': clientGreeting,
    'server-frame': serverFrame,
    'server-client-info': serverClientInfo,
    transcript,
  }),
)

interface Ends {
  readonly client: NodePrivate
  readonly server: NodePrivate
}

function readEnds(fields: Fields, checks: Checks): Ends {
  const client = fields.get('client_private', privateKey)
  const server = fields.get('server_private', privateKey)
  checks.equal('client_public', fields.get('client_public', publicKey), nodePublicOf(client))
  checks.equal('server_public', fields.get('server_public', publicKey), nodePublicOf(server))
  return { client, server }
}

function clientInfo(fields: Fields, checks: Checks): void {
  const { client, server } = readEnds(fields, checks)
  const frame = fields.get('frame', hex)
  const opened = openClientInfo(server, frame.slice(HEADER))
  checks.equal('client key', nodePublicOf(client), opened.clientKey)
  const again = encodeClientInfo({
    clientKey: client,
    serverKey: nodePublicOf(server),
    nonce: fields.get('nonce', hex),
    info: opened.info,
  })
  // The same bytes: so the JSON text inside is the same too.
  checks.equal('frame', frame, again)
  checks.equal(
    'json',
    fields.get('json', text),
    boxText(opened.sharedKey, frame.slice(HEADER + 32)),
  )
}

function serverInfo(fields: Fields, checks: Checks): void {
  const { client, server } = readEnds(fields, checks)
  const frame = fields.get('frame', hex)
  const shared = sharedKeyOf(client, nodePublicOf(server))
  const info: ServerInfo = openServerInfo(shared, frame.slice(HEADER))
  checks.equal('frame', frame, encodeServerInfo(shared, fields.get('nonce', hex), info))
  checks.equal('json', fields.get('json', text), boxText(shared, frame.slice(HEADER)))
}

function boxText(shared: Uint8Array, sealed: Uint8Array): string {
  const opened = boxOpen(shared, sealed.subarray(0, 24), sealed.subarray(24))
  return new TextDecoder().decode(opened ?? new Uint8Array())
}

function clientSends(fields: Fields, checks: Checks): void {
  const accepted = fields.get('verdict', verdict) === 'accept'
  const frame = checks.verdict('verdict', accepted, () => sentFrame(fields))
  const expected = fields.get('frame', hex)
  if (frame === undefined) return
  if (fields.find('frame_is_prefix', bool) === true) {
    checks.equal('frame_length', fields.get('frame_length', integer), frame.length)
    checks.equal('frame', expected, frame.slice(0, expected.length))
  } else checks.equal('frame', expected, frame)
}

function sentFrame(fields: Fields): Uint8Array {
  const data = fields.has('data_length')
    ? new Uint8Array(fields.get('data_length', integer)).fill(fields.get('data_fill', hex)[0] ?? 0)
    : (fields.find('data', hex) ?? new Uint8Array())
  const type = fields.get('frame', hex)[0]
  const destination = fields.find('destination', publicKey)
  const source = fields.find('source', publicKey)
  if (destination && source) return encodeForwardPacket(source, destination, data)
  if (destination) return encodeSendPacket(destination, data)
  const peer = fields.find('peer', publicKey)
  if (peer) return encodeClosePeer(peer)
  switch (type) {
    case 0x07:
      return encodeNotePreferred(fields.path.endsWith('true'))
    case 0x10:
      return encodeWatchConns()
    case 0x12:
      return encodePing(data)
    case 0x13:
      return encodePong(data)
    default:
      throw new ShapeError(`${fields.path}: unknown frame to send`)
  }
}

/** Frames of a server, read by a client; those that our relay sends are compared in transcripts. */
function serverSends(fields: Fields, checks: Checks): void {
  const frame = fields.get('frame', hex)
  const { messages } = clientReads(anyKey, nodePublicOf(anyKey), frame)
  const [message] = messages
  checks.equal('messages', 1, messages.length)
  const data = fields.find('data', hex)
  const source = fields.find('source', text)
  if (message?.type === 'packet') {
    if (source === '') {
      // Of a version that no client asks for: the first 32 bytes are taken for a sender.
      checks.equal('data', data, frame.slice(HEADER))
    } else {
      checks.equal('source', source, nodePublicBytes(message.source))
      checks.equal('data', data, message.data)
    }
  } else if (message?.type === 'peer-gone') {
    checks.equal('peer', fields.get('peer', hex), nodePublicBytes(message.peer))
    checks.equal('reason', fields.get('reason', integer), message.reason)
  } else if (message?.type === 'peer-present') {
    checks.equal('peer', fields.get('peer', hex), nodePublicBytes(message.peer))
    checks.equal('flags', fields.get('flags', integer), message.flags)
    checks.equal('ip_port', fields.get('ip_port', text), showAddress(message.address, message.port))
  } else if (message?.type === 'pong') {
    checks.equal('data', data, message.data)
    checks.equal('frame', frame, encodePong(message.data))
  } else if (message?.type !== 'keepalive') checks.fail('message', 'a message', 'none')
}

const anyKey = nodePrivateFromBytes(new Uint8Array(32).fill(0x41))

interface Reading {
  readonly messages: ServerMessage[]
  readonly error: DerpError | undefined
}

function clientReads(client: NodePrivate, server: NodePublic, stream: Uint8Array): Reading {
  const messages: ServerMessage[] = []
  try {
    const reader = new ServerMessageReader(client, server)
    reader.push(stream, (message) => messages.push(message))
    reader.end()
    return { messages, error: undefined }
  } catch (error) {
    if (error instanceof DerpError) return { messages, error }
    throw error
  }
}

function clientReceives(fields: Fields, checks: Checks): void {
  const stream = fields.get('stream', hex)
  const client = fields.get('client_private', privateKey)
  const { messages, error } = clientReads(client, fields.get('server_public', publicKey), stream)
  checks.equal('messages', fields.get('messages', json), messages.map(messageJson))
  const end = fields.get('end', oneOf('eof', 'error'))
  if (end === 'eof' && endsInsideFrame(stream)) {
    checks.judgeBy('truncated-frames-are-errors')
    checks.equal('end', 'truncated', error?.code)
  } else checks.equal('end', end, error === undefined ? 'eof' : 'error')
}

function endsInsideFrame(stream: Uint8Array): boolean {
  const view = new DataView(stream.buffer, stream.byteOffset, stream.length)
  let at = 0
  while (at + HEADER <= stream.length) at += HEADER + view.getUint32(at + 1)
  return at !== stream.length
}

/** A message as the vectors write it. */
function messageJson(message: ServerMessage): Record<string, unknown> {
  switch (message.type) {
    case 'server-info':
      return { type: message.type, bytes_per_second: message.bytesPerSecond, burst: message.burst }
    case 'packet':
      return { type: message.type, source: nodePublicBytes(message.source), data: message.data }
    case 'keepalive':
      return { type: message.type }
    case 'peer-gone':
      return { type: message.type, peer: nodePublicBytes(message.peer), reason: message.reason }
    case 'peer-present':
      return {
        type: message.type,
        peer: nodePublicBytes(message.peer),
        ip_port: showAddress(message.address, message.port),
        flags: message.flags,
      }
    case 'ping':
    case 'pong':
      return { type: message.type, data: message.data }
    case 'health':
      return { type: message.type, problem: message.problem }
    case 'restarting':
      return {
        type: message.type,
        reconnect_in_ms: message.reconnectInMs,
        try_for_ms: message.tryForMs,
      }
    default:
      return message satisfies never
  }
}

function showAddress(address: Uint8Array | null, port: number): string {
  if (address === null) return ''
  if (address.subarray(0, 10).every((byte) => byte === 0) && address[10] === 0xff) {
    return `${address.subarray(12).join('.')}:${port}`
  }
  const groups = Array.from({ length: 8 }, (_, i) =>
    (((address[2 * i] ?? 0) << 8) | (address[2 * i + 1] ?? 0)).toString(16),
  )
  return `[${groups.join(':').replace(/(?:^|:)0(?::0)+(?::|$)/, '::')}]:${port}`
}

function clientGreeting(fields: Fields, checks: Checks): void {
  const stream = fields.get('stream', hex)
  checks.verdict('verdict', fields.get('verdict', verdict) === 'accept', () => {
    const reader = new GreetingReader()
    const greeting = reader.push(stream)
    if (greeting === undefined) reader.end()
    checks.equal('server key', parseGreeting(stream.slice(HEADER)), greeting?.serverKey)
    const stated = fields.find('server_public', publicKey)
    if (stated !== undefined) checks.equal('server_public', stated, greeting?.serverKey)
    checks.equal('rest', '', greeting?.rest)
  })
}

/** A relay and what it wrote to each client. */
interface Session {
  readonly connection: RelayConnection
  /** Takes what was written since the last call. */
  written(): Uint8Array
  readonly isClosed: () => boolean
}

function openRelay(options: {
  readonly serverKey: NodePrivate
  readonly meshKey?: DerpMeshKey | undefined
  readonly nonce?: () => Uint8Array
}): Relay {
  return createRelay({
    serverKey: options.serverKey,
    meshKey: options.meshKey,
    refusal: () => undefined,
    now: () => 0,
    nonce: options.nonce ?? (() => new Uint8Array(24)),
  })
}

/** 1.2.3.4:5678, where all clients of the vectors come from. */
const ORIGIN = {
  address: new Uint8Array([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 1, 2, 3, 4]),
  port: 5678,
}

function connect(relay: Relay): Session {
  let written: Uint8Array[] = []
  let closed = false
  const transport = {
    backlog: 0,
    write: (parts: readonly Uint8Array[]): void => void written.push(...parts),
    close: (): void => {
      closed = true
      connection.closed()
    },
  }
  const connection = relay.accept(transport, ORIGIN)
  return {
    connection,
    isClosed: () => closed,
    written: () => {
      const bytes = new Uint8Array(Buffer.concat(written))
      written = []
      return bytes
    },
  }
}

/** The relay changes what it is given: every receive gets bytes of its own. */
function give(session: Session, bytes: Uint8Array): void {
  session.connection.receive(bytes.slice())
}

function longFrame(fields: Fields): Uint8Array {
  if (!fields.has('frame_length')) return fields.get('frame', hex)
  const frame = new Uint8Array(fields.get('frame_length', integer))
  frame.fill(fields.find('fill', hex)?.[0] ?? 0)
  frame.set(fields.get('frame_prefix', hex))
  return frame
}

function serverFrame(fields: Fields, checks: Checks): void {
  const server = nodePrivateFromBytes(new Uint8Array(32).fill(0x42))
  const serverKey = nodePublicOf(server)
  const mesh = parseDerpMeshKey('5a'.repeat(32))
  const session = connect(openRelay({ serverKey: server, meshKey: mesh }))
  const isMesh = fields.get('mesh_client', bool)
  const info = { ...PLAIN, meshKey: isMesh ? mesh : null }
  const nonce = new Uint8Array(24)
  give(session, encodeClientInfo({ clientKey: anyKey, serverKey, nonce, info }))
  session.written()
  const pinged = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)
  let kept = true
  try {
    give(session, longFrame(fields))
    give(session, encodePing(pinged))
  } catch (error) {
    if (!(error instanceof DerpError)) throw error
    kept = false
  }
  checks.equal('connection_kept', fields.get('connection_kept', bool), kept)
  const { messages } = clientReads(anyKey, serverKey, session.written())
  const expected: unknown[] = fields.get('answers_before_pong', listed)
  if (kept) expected.push({ type: 'pong', data: pinged })
  checks.equal('answers', expected, messages.map(messageJson))
}

const listed: Reader<unknown[]> = (value, path) => {
  if (Array.isArray(value)) return [...value]
  throw new ShapeError(`${path}: expected a list`)
}

function serverClientInfo(fields: Fields, checks: Checks): void {
  const serverKey = fields.find('server_private', privateKey) ?? anyKey
  const mesh = fields.find('server_mesh_key', nullable(meshKey)) ?? undefined
  const session = connect(openRelay({ serverKey, meshKey: mesh }))
  const frame = longFrame(fields)
  checks.verdict('verdict', fields.get('verdict', verdict) === 'accept', () => {
    give(session, frame)
    checks.equal('admitted', true, session.connection.key !== undefined)
  })
}

function transcript(fields: Fields, checks: Checks): void {
  const serverKey = fields.get('server_private', privateKey)
  checks.equal('server_public', fields.get('server_public', publicKey), nodePublicOf(serverKey))
  const keys = new Map<string, NodePrivate>()
  for (const name of ['a', 'b', 'm']) {
    const key = fields.find(`${name}_private`, privateKey)
    const stated = fields.find(`${name}_public`, publicKey)
    if (key === undefined) continue
    keys.set(name, key)
    checks.equal(`${name}_public`, stated, nodePublicOf(key))
  }
  fields.find('unknown_public', hex)
  let nonce = new Uint8Array(24)
  const relay = openRelay({
    serverKey,
    meshKey: fields.find('mesh_key', meshKey),
    nonce: () => nonce,
  })
  const sessions = new Map<string, Session>()
  const pending = new Map<string, Uint8Array>()
  const steps = fields.objects('steps')
  for (const [index, step] of steps.entries()) {
    const what = `step ${index + 1}, ${step.get('what', text)}`
    const bytes = step.get('bytes', hex)
    const from = step.get('from', text)
    const to = step.get('to', text)
    if (from === 'server') {
      let session = sessions.get(to)
      if (session === undefined) {
        session = connect(relay)
        sessions.set(to, session)
      } else if (step.get('what', text).startsWith('b disconnected')) {
        sessions.get('b')?.connection.closed()
      }
      const got = Buffer.concat([pending.get(to) ?? new Uint8Array(), session.written()])
      checks.equal(what, bytes, new Uint8Array(got.subarray(0, bytes.length)))
      pending.set(to, new Uint8Array(got.subarray(bytes.length)))
      checkMessage(step, keys.get(to), nodePublicOf(serverKey), bytes, what, checks)
      continue
    }
    const next = steps[index + 1]
    const session = sessions.get(from)
    const key = keys.get(from)
    if (session === undefined || key === undefined) throw new ShapeError(`${what}: not connected`)
    if (step.has('nonce')) {
      const { info } = openClientInfo(serverKey, bytes.slice(HEADER))
      const ours = encodeClientInfo({
        clientKey: key,
        serverKey: nodePublicOf(serverKey),
        nonce: step.get('nonce', hex),
        info,
      })
      checks.equal(what, bytes, ours)
      nonce = new Uint8Array(next?.get('nonce', hex) ?? [])
    }
    give(session, bytes)
  }
  for (const [name, session] of sessions) {
    const left = Buffer.concat([pending.get(name) ?? new Uint8Array(), session.written()])
    checks.equal(`nothing more for ${name}`, '', left.toString('hex'))
  }
}

function checkMessage(
  step: Fields,
  key: NodePrivate | undefined,
  serverKey: NodePublic,
  bytes: Uint8Array,
  what: string,
  checks: Checks,
): void {
  const message: Json | undefined = step.find('message', json)
  if (message === undefined || key === undefined) return
  const { messages } = clientReads(key, serverKey, bytes)
  checks.equal(`${what}: message`, message, messages.map(messageJson)[0])
}
