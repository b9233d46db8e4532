// SPDX-License-Identifier: Apache-2.0
/**
 * Raw bytes of whole control connections: the upgrade is taken apart, the handshake repeated from
 * the server's side, and every record of both directions has to open.
 */

import { concatBytes, fromBase64, fromHex } from '@signet/codec'
import { machinePublicOf, parseMachinePrivate, parseMachinePublic } from '@signet/keys'
import type { MachinePrivate, MachinePublic } from '@signet/keys'
import { parseEarlyPayload, RecordReader, respond } from '@signet/noise'
import type { Checks } from './checks.ts'
import { hex, listOf, oneOf, record, ShapeError, text } from './fields.ts'
import type { Fields, Json } from './fields.ts'
import type { Format, Work } from './format.ts'

/** Type of the HTTP/2 frame that a server has to send first. */
const SETTINGS = 4

export const noiseRaw: Format = (document) => {
  const serverKey = parseMachinePrivate(document.get('serverNoisePrivate', text))
  const serverPublic = parseMachinePublic(document.get('serverNoisePublic', text))
  const machines = document.get('machinePrivate', machineKeys)
  const connections = document.get('connections', listOf(record))
  return connections.map((connection, index): Work => {
    return {
      name: `connection ${index + 1}`,
      run: (checks) => {
        checks.equal('serverNoisePublic', serverPublic, machinePublicOf(serverKey))
        checkConnection(connection, serverKey, machines, checks)
      },
    }
  })
}

/** One private key, or several by the names of their nodes. */
function machineKeys(value: Json, path: string): MachinePublic[] {
  if (typeof value === 'string') return [machinePublicOf(parseMachinePrivate(value))]
  if (typeof value !== 'object' || value === null) throw new ShapeError(`${path}: no keys`)
  return Object.entries(value).flatMap(([name, each]) => machineKeys(each, `${path}.${name}`))
}

function checkConnection(
  connection: Fields,
  serverKey: MachinePrivate,
  machines: readonly MachinePublic[],
  checks: Checks,
): void {
  const chunks = connection.objects('chunks')
  const sent = { c2s: [] as Uint8Array[], s2c: [] as Uint8Array[] }
  for (const chunk of chunks) {
    sent[chunk.get('dir', oneOf('c2s', 's2c'))].push(chunk.get('hex', hex))
  }
  const ephemeral = connection.find('serverEphemeralPrivate', text)
  // A connection that only fetched the server's key.
  if (ephemeral === undefined) return
  const request = splitHead(concatBytes(...sent.c2s))
  const answer = splitHead(concatBytes(...sent.s2c))
  const result = respond({
    serverKey,
    initiation: fromBase64(headerOf(request.head, 'x-tailscale-handshake')),
    ephemeral: parseMachinePrivate(ephemeral),
  })
  const { session, response, clientKey } = result
  checks.equal(
    'handshakeHash',
    fromHex(connection.get('handshakeHash', text)),
    session.handshakeHash,
  )
  checks.equal('machineKey', parseMachinePublic(connection.get('machineKey', text)), clientKey)
  if (!machines.includes(clientKey)) checks.fail('machinePrivate', 'a key of the file', clientKey)
  checks.equal('status line', true, answer.head.startsWith('HTTP/1.1 101 '))
  checks.equal('response', response, answer.body.slice(0, response.length))
  const fromServer = openAll(session.sendKey, answer.body.subarray(response.length))
  const fromClient = openAll(session.receiveKey, request.body)
  // The recording server sends no early payload; then all bytes are HTTP/2, settings first.
  const http2 = parseEarlyPayload(fromServer)?.rest ?? new Uint8Array()
  checks.equal('first HTTP/2 frame', SETTINGS, http2[3])
  const preface = new TextDecoder().decode(fromClient.subarray(0, 14))
  checks.equal('HTTP/2 preface', 'PRI * HTTP/2.0', preface)
}

interface SplitMessage {
  readonly head: string
  readonly body: Uint8Array
}

/** An HTTP/1 message up to its empty line, and what follows. */
function splitHead(bytes: Uint8Array): SplitMessage {
  const end = Buffer.from(bytes).indexOf('\r\n\r\n')
  if (end === -1) throw new ShapeError('no end of the HTTP head')
  return {
    head: Buffer.from(bytes.subarray(0, end)).toString('latin1'),
    body: bytes.slice(end + 4),
  }
}

function headerOf(head: string, name: string): string {
  for (const line of head.split('\r\n').slice(1)) {
    const colon = line.indexOf(':')
    if (line.slice(0, colon).toLowerCase() === name) return line.slice(colon + 1).trim()
  }
  throw new ShapeError(`no header ${name}`)
}

/** The plaintext of all records; throws unless the stream ends behind a whole one. */
function openAll(key: Uint8Array, stream: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = []
  const reader = new RecordReader(key)
  reader.push(stream, (part) => parts.push(part))
  reader.end()
  return concatBytes(...parts)
}
