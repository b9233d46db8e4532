// SPDX-License-Identifier: Apache-2.0

/**
 * Whole recorded connections at the level of bytes: what official clients sent opens here and says what the
 * transcript of the same moment says, and what we would answer under the recorded keys is, byte for byte, what
 * the official server library answered.
 */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { Duplex } from 'node:stream'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { concatBytes, decodeUtf8, fromHex } from '@signet/codec'
import { parseMachinePrivate } from '@signet/keys'
import type { MachinePrivate } from '@signet/keys'
import { RecordReader, RecordWriter, respond, RESPONSE_LENGTH } from '@signet/noise'
import { acceptUpgrade, serveHttp2 } from '@signet/ts2021'
import { array, object, readRuns, showText } from './transcript.ts'
import type { Json, JsonObject, Step } from './transcript.ts'

const FOLDER = fileURLToPath(new URL('../../vectors/transcripts', import.meta.url))

for (const file of readdirSync(FOLDER)) {
  if (!file.startsWith('noise-raw-')) continue
  const document = object(JSON.parse(readFileSync(`${FOLDER}/${file}`, 'utf8')) as Json)
  const scenario = file.slice('noise-raw-'.length, -'.json'.length)
  const steps = readRuns(FOLDER)
    .flatMap(({ transcripts }) => transcripts)
    .filter((transcript) => transcript.scenario === scenario)
    .flatMap((transcript) => transcript.steps)
  const serverKey = parseMachinePrivate(showText(document['serverNoisePrivate']))
  for (const connection of array(document['connections']).map(object)) {
    if (connection['serverEphemeralPrivate'] === undefined) continue
    test(`${scenario}, connection ${showText(connection['conn'])}`, async (t) => {
      const said = steps.filter(
        ({ conn, transport, continued }) =>
          conn === connection['conn'] && transport === 'noise' && !continued,
      )
      await checkConnection(t, connection, serverKey, said)
    })
  }
}

async function checkConnection(
  t: test.TestContext,
  connection: JsonObject,
  serverKey: MachinePrivate,
  said: readonly Step[],
): Promise<void> {
  const sent = splitHead(bytesOf(connection, 'c2s'))
  const answered = splitHead(bytesOf(connection, 's2c'))
  const ephemeral = parseMachinePrivate(showText(connection['serverEphemeralPrivate']))
  const socket = new RecordedSocket()
  const { link, machineKey, handshakeHash } = acceptUpgrade({
    // Nothing else of a request is looked at.
    request: { method: 'POST', headers: headersOf(sent.head) } as IncomingMessage,
    socket,
    head: sent.body,
    serverKey,
    ephemeral,
  })
  const requests: { path: string; body: string }[] = []
  const bodies: Promise<void>[] = []
  serveHttp2(link, (stream) => {
    const request = { path: stream.headers[':path'] ?? '', body: '' }
    requests.push(request)
    const answer = async (): Promise<void> => {
      request.body = decodeUtf8(await stream.readBody(1 << 20))
      stream.respond(200)
      stream.end()
    }
    bodies.push(answer())
  })

  await t.test('the client is who it was', () => {
    assert.equal(machineKey, connection['machineKey'])
    assert.deepEqual(handshakeHash, fromHex(showText(connection['handshakeHash'])))
  })

  await t.test('the answer to its handshake is the recorded one', () => {
    const ours = splitHead(socket.written())
    assert.match(ours.head, /^HTTP\/1\.1 101 /)
    assert.match(answered.head, /^HTTP\/1\.1 101 /)
    const response = answered.body.subarray(0, RESPONSE_LENGTH)
    assert.deepEqual(ours.body.subarray(0, RESPONSE_LENGTH), response)
  })

  await t.test('its requests are those of the transcript, byte for byte', async () => {
    while (requests.length < said.length) await once(socket, 'answer')
    await Promise.all(bodies)
    assert.deepEqual(
      requests,
      said.map(({ path, body }) => ({ path, body: body ?? '' })),
    )
  })

  await t.test('both directions, sealed again, are the recorded bytes', () => {
    const initiation = Buffer.from(
      showText(headersOf(sent.head)['x-tailscale-handshake'] as string),
      'base64',
    )
    const { session } = respond({ serverKey, initiation, ephemeral })
    assert.deepEqual(sealedAgain(session.receiveKey, sent.body), sent.body)
    const fromServer = answered.body.subarray(RESPONSE_LENGTH)
    assert.deepEqual(sealedAgain(session.sendKey, fromServer), fromServer)
  })
  link.destroy()
}

/** Opens every record of a stream and seals it anew. */
function sealedAgain(key: Uint8Array, stream: Uint8Array): Uint8Array {
  const reader = new RecordReader(key)
  const writer = new RecordWriter(key)
  const sealed: Uint8Array[] = []
  reader.push(stream, (plaintext) => sealed.push(writer.seal(plaintext)))
  reader.end()
  return concatBytes(...sealed)
}

/** A socket from which nothing more comes, and which keeps what is written. */
class RecordedSocket extends Duplex {
  readonly #chunks: Uint8Array[] = []

  written(): Uint8Array {
    return concatBytes(...this.#chunks)
  }

  override _read(): void {
    // All there is was unshifted by whoever read the head.
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: () => void): void {
    this.#chunks.push(chunk)
    done()
    this.emit('answer')
  }
}

function bytesOf(connection: JsonObject, direction: 'c2s' | 's2c'): Uint8Array {
  const chunks = array(connection['chunks']).map(object)
  return concatBytes(
    ...chunks.filter(({ dir }) => dir === direction).map(({ hex }) => fromHex(showText(hex))),
  )
}

function splitHead(bytes: Uint8Array): { head: string; body: Uint8Array } {
  const end = Buffer.from(bytes).indexOf('\r\n\r\n')
  return {
    head: Buffer.from(bytes.subarray(0, end)).toString('latin1'),
    body: Uint8Array.from(bytes.subarray(end + 4)),
  }
}

function headersOf(head: string): IncomingHttpHeaders {
  const lines = head.split('\r\n').slice(1)
  return Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )
}
