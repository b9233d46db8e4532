// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { concatBytes, fromHex, toHex } from '@signet/codec'
import {
  type MachinePrivate,
  machinePrivateFromBytes,
  type MachinePublic,
  machinePublicFromBytes,
} from '@signet/keys'
import {
  createInitiator,
  encodeEarlyPayload,
  NoiseError,
  parseEarlyPayload,
  RecordReader,
  RecordWriter,
  respond,
} from '../src/index.ts'

type Case = Record<string, string> & {
  records?: { counter: number; direction: string; plaintext: string; record: string }[]
  split?: { direction: string; start_counter: number; plaintext: string; records: string[] }
  early_payload?: { nodeKeyChallenge: string } | null
  version?: number
}

function casesOf(file: string): Case[] {
  const url = new URL(`../../../vectors/wire/${file}.json`, import.meta.url)
  return (JSON.parse(readFileSync(url, 'utf8')) as { cases: Case[] }).cases
}

const privateKey = (hex: string | undefined): MachinePrivate =>
  machinePrivateFromBytes(fromHex(hex ?? ''))
const publicKey = (hex: string | undefined): MachinePublic =>
  machinePublicFromBytes(fromHex(hex ?? ''))
const bytes = (vector: Case, field: string): Uint8Array => fromHex(vector[field] ?? '')

function checkHandshake(vector: Case): void {
  const initiator = createInitiator({
    version: Number(vector['prologue']?.split(' v')[1]),
    machineKey: privateKey(vector['client_static_private']),
    serverKey: publicKey(vector['server_static_public']),
    ephemeral: privateKey(vector['client_ephemeral_private']),
  })
  assert.equal(toHex(initiator.initiation), vector['initiation'])
  const server = respond({
    serverKey: privateKey(vector['server_static_private']),
    initiation: initiator.initiation,
    ephemeral: privateKey(vector['server_ephemeral_private']),
  })
  assert.equal(toHex(server.response), vector['response'])
  assert.equal(server.clientKey, publicKey(vector['client_static_public']))
  const client = initiator.readResponse(server.response)
  assert.ok(client)
  assert.equal(toHex(client.session.sendKey), vector['client_to_server_key'])
  assert.equal(toHex(client.session.receiveKey), vector['server_to_client_key'])
  assert.equal(toHex(server.session.receiveKey), vector['client_to_server_key'])
  assert.equal(toHex(server.session.sendKey), vector['server_to_client_key'])
  assert.equal(toHex(server.session.handshakeHash), vector['handshake_hash'])
  assert.equal(toHex(client.session.handshakeHash), vector['handshake_hash'])
  for (const record of vector.records ?? []) {
    const key = bytes(vector, `${record.direction.replaceAll('-', '_')}_key`)
    const counter = BigInt(record.counter)
    assert.equal(
      toHex(new RecordWriter(key, counter).seal(fromHex(record.plaintext))),
      record.record,
    )
    const got = readAll(key, counter, fromHex(record.record))
    assert.equal(got.plaintext, record.plaintext)
    assert.equal(got.error, undefined)
  }
}

function readAll(
  key: Uint8Array,
  counter: bigint,
  stream: Uint8Array,
  pieces = stream.length || 1,
): { plaintext: string; error: string | undefined } {
  const parts: Uint8Array[] = []
  const reader = new RecordReader(key, counter)
  try {
    for (let at = 0; at < stream.length; at += pieces) {
      reader.push(stream.subarray(at, at + pieces), (part) => parts.push(part))
    }
    reader.end()
  } catch (error) {
    assert.ok(error instanceof NoiseError)
    return { plaintext: toHex(concatBytes(...parts)), error: error.code }
  }
  return { plaintext: toHex(concatBytes(...parts)), error: undefined }
}

describe('vectors/wire/noise-handshake', () => {
  for (const vector of casesOf('noise-handshake')) {
    test(vector['name'] ?? '', () => {
      switch (vector['kind']) {
        case 'handshake':
          checkHandshake(vector)
          break
        case 'server-initiation': {
          let writes = ''
          let verdict = 'accept'
          try {
            const result = respond({
              serverKey: privateKey(vector['server_static_private']),
              initiation: bytes(vector, 'initiation'),
              ephemeral: privateKey(vector['server_ephemeral_private']),
            })
            writes = toHex(result.response)
          } catch (error) {
            assert.ok(error instanceof NoiseError)
            verdict = 'reject'
            writes = toHex(error.reply ?? new Uint8Array())
          }
          assert.equal(verdict, vector['verdict'])
          assert.equal(writes, vector['server_writes'])
          break
        }
        case 'client-response': {
          const initiator = createInitiator({
            version: vector.version ?? 0,
            machineKey: privateKey(vector['client_static_private']),
            serverKey: publicKey(vector['server_static_public']),
            ephemeral: privateKey(vector['client_ephemeral_private']),
          })
          assert.equal(toHex(initiator.initiation), vector['initiation'])
          let verdict = 'accept'
          try {
            const result = initiator.readResponse(bytes(vector, 'response'))
            if (result === undefined) verdict = 'reject'
            else assert.equal(result.rest.length, vector['bytes_left_unread'])
          } catch (error) {
            assert.ok(error instanceof NoiseError)
            verdict = 'reject'
          }
          assert.equal(verdict, vector['verdict'])
          break
        }
        case 'record-stream': {
          const stream = bytes(vector, 'stream')
          for (const pieces of [stream.length, 1, 7, 4096]) {
            const got = readAll(
              bytes(vector, 'key'),
              BigInt(vector['start_counter'] ?? 0),
              stream,
              pieces,
            )
            assert.equal(got.plaintext, vector['plaintext'])
            // An end inside a record is reported by ours, as the vector's note suggests.
            if (vector['may_differ'] !== undefined) assert.equal(got.error, 'truncated')
            else assert.equal(got.error === undefined ? 'clean-eof' : 'error', vector['end'])
          }
          break
        }
        default:
          assert.fail(`unknown kind ${vector['kind']}`)
      }
    })
  }
})

describe('vectors/wire/early-payload', () => {
  for (const vector of casesOf('early-payload')) {
    test(vector['name'] ?? '', () => {
      const stream = bytes(vector, 'stream')
      let verdict = 'accept'
      try {
        const result = parseEarlyPayload(stream)
        if (result === undefined) verdict = 'reject'
        else {
          assert.deepEqual(result.payload, vector.early_payload)
          assert.equal(toHex(result.rest), vector['http2_bytes'])
          if (vector['kind'] === 'emit' && result.payload !== null) {
            assert.ok(vector['stream']?.startsWith(toHex(encodeEarlyPayload(result.payload))))
          }
        }
      } catch (error) {
        assert.ok(error instanceof NoiseError)
        verdict = 'reject'
      }
      assert.equal(verdict, vector['verdict'])
    })
  }
})
