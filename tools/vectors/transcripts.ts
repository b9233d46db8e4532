// SPDX-License-Identifier: Apache-2.0
/**
 * Recordings of official clients: every message is read by our parsers, and requests written again
 * have to say the same. Handshakes are repeated from the server's side.
 */

import { zstdDecompressSync } from 'node:zlib'
import { fromBase64, fromHex } from '@signet/codec'
import { parseMachinePrivate, parseMachinePublic } from '@signet/keys'
import type { MachinePrivate } from '@signet/keys'
import { respond } from '@signet/noise'
import * as protocol from '@signet/protocol'
import type { Codec, TKACall } from '@signet/protocol'
import type { Checks } from './checks.ts'
import { hex, integer, json, listOf, oneOf, record, ShapeError, text } from './fields.ts'
import type { Fields, Json } from './fields.ts'
import type { Format, Work } from './format.ts'

/** Reads a message; returns what it says when it is written again. */
type Rewrite = (message: Json) => Json

function rewrite<T>(codec: Codec<T>): Rewrite {
  return (message) => {
    const read = protocol.parseJson(codec, JSON.stringify(message))
    return JSON.parse(protocol.encodeJson(codec, read)) as Json
  }
}

interface Exchange {
  readonly request: Rewrite
  readonly response: Rewrite | null
}

function exchange<A, B>(request: Codec<A>, response: Codec<B> | null): Exchange {
  return { request: rewrite(request), response: response && rewrite(response) }
}

function lockCall<A, B>(call: TKACall<A, B>): readonly [string, Exchange] {
  return [call.path, exchange(call.request, call.response)]
}

const exchanges: ReadonlyMap<string, Exchange> = new Map([
  ['/machine/register', exchange(protocol.registerRequest, protocol.registerResponse)],
  // Answered by frames.
  ['/machine/map', exchange(protocol.mapRequest, null)],
  ['/machine/set-dns', exchange(protocol.setDnsRequest, null)],
  ['/machine/id-token', exchange(protocol.tokenRequest, protocol.tokenResponse)],
  ['/machine/feature/query', exchange(protocol.queryFeatureRequest, protocol.queryFeatureResponse)],
  ['/machine/set-device-attr', exchange(protocol.setDeviceAttributesRequest, null)],
  ['/machine/audit-log', exchange(protocol.auditLogRequest, null)],
  ['/machine/update-health', exchange(protocol.healthChangeRequest, null)],
  lockCall(protocol.tkaCalls.initBegin),
  lockCall(protocol.tkaCalls.initFinish),
  lockCall(protocol.tkaCalls.bootstrap),
  lockCall(protocol.tkaCalls.syncOffer),
  lockCall(protocol.tkaCalls.syncSend),
  lockCall(protocol.tkaCalls.disable),
  lockCall(protocol.tkaCalls.sign),
  lockCall(protocol.tkaCalls.affectedSigs),
])

const mapFrame = rewrite(protocol.mapResponse)

export const transcript: Format = (document) => {
  for (const name of ['scenario', 'description', 'recorded', 'client', 'server']) {
    document.get(name, text)
  }
  const server = document.object('keys').object('server')
  const serverKey = parseMachinePrivate(server.get('noisePrivate', text))
  const steps = document.get('steps', listOf(record))
  if (steps.length === 0) throw new ShapeError(`${document.path}: no steps`)
  return steps.map((step, index): Work => {
    const method = step.get('method', text)
    const path = step.get('path', text)
    return {
      name: `step ${index + 1} ${method} ${path}`,
      run: (checks) => checkStep(step, path, serverKey, checks),
    }
  })
}

function checkStep(step: Fields, path: string, serverKey: MachinePrivate, checks: Checks): void {
  const transport = step.get('transport', oneOf('plain', 'noise'))
  const status = step.get('status', integer)
  if (transport === 'plain') {
    if (path === '/ts2021') checkHandshake(step, serverKey, checks)
    else if (path.startsWith('/key?') && step.has('response')) {
      checkRewritten('response', step.get('response', json), publicKeys, checks)
    }
    return
  }
  // Answers to requests that the server sent to the node: whole HTTP responses, as text.
  if (path.startsWith('/c2n/')) return
  const kind = exchanges.get(path)
  if (!kind) throw new ShapeError(`no parser for ${path}`)
  const request = step.find('request', json)
  if (request !== undefined) checkRewritten('request', request, kind.request, checks)
  const response = step.find('response', json)
  if (response !== undefined && kind.response && status === 200) {
    checkRewritten('response', response, kind.response, checks)
  }
  const frames = step.has('frames') ? step.objects('frames') : []
  for (const [index, frame] of frames.entries()) checkFrame(frame, `frames[${index}]`, checks)
}

const publicKeys = rewrite(protocol.overTlsPublicKeyResponse)

function checkRewritten(what: string, message: Json, rewriting: Rewrite, checks: Checks): void {
  checks.equal(what, message, rewriting(message))
}

function checkFrame(frame: Fields, what: string, checks: Checks): void {
  const message = frame.get('json', json)
  checkRewritten(`${what}.json`, message, mapFrame, checks)
  const compressed = frame.find('zstdHex', hex)
  if (!compressed) return
  checks.equal(`${what}.wireLen`, frame.get('wireLen', integer), compressed.length)
  const content = zstdDecompressSync(compressed).toString('utf8')
  checks.equal(`${what}.zstdHex`, message, JSON.parse(content))
}

/** The server's side of a handshake, repeated with its ephemeral key. */
function checkHandshake(step: Fields, serverKey: MachinePrivate, checks: Checks): void {
  const initiation = step.object('requestHeaders').find('X-Tailscale-Handshake', text)
  const ephemeral = step.find('serverEphemeralPrivate', text)
  if (initiation === undefined || ephemeral === undefined) return
  const result = respond({
    serverKey,
    initiation: fromBase64(initiation),
    ephemeral: parseMachinePrivate(ephemeral),
  })
  const { handshakeHash } = result.session
  checks.equal('handshakeHash', fromHex(step.get('handshakeHash', text)), handshakeHash)
  const machineKey = parseMachinePublic(step.get('machineKey', text))
  checks.equal('machineKey', machineKey, result.clientKey)
  checks.equal('noiseVersion', step.get('noiseVersion', integer), result.version)
}
