// SPDX-License-Identifier: Apache-2.0

/** What official clients and a server on official packages really said to each other. */

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import {
  encodeJson,
  type JsonInput,
  NetmapSession,
  parseJson,
  parseMapResponse,
  tkaCalls,
} from '../src/index.ts'
import type { Codec, TKACall } from '../src/index.ts'
import * as protocol from '../src/index.ts'

interface Step {
  path: string
  status?: number
  request?: unknown
  response?: unknown
  frames?: { json: string | object }[]
}

const folder = new URL('../../../vectors/transcripts/', import.meta.url)

function reencode<T>(codec: Codec<T>, input: JsonInput): unknown {
  return JSON.parse(encodeJson(codec, parseJson(codec, input)))
}

type Reencode = (input: JsonInput) => unknown
const by =
  <T>(codec: Codec<T>): Reencode =>
  (input) =>
    reencode(codec, input)

const route = <Q, R>(call: TKACall<Q, R>): [string, { request: Reencode; response: Reencode }] => [
  call.path,
  { request: by(call.request), response: by(call.response) },
]

const calls: ReadonlyMap<string, { request: Reencode; response: Reencode }> = new Map([
  [
    '/machine/register',
    { request: by(protocol.registerRequest), response: by(protocol.registerResponse) },
  ],
  ['/machine/map', { request: by(protocol.mapRequest), response: by(protocol.mapResponse) }],
  [
    '/machine/set-dns',
    { request: by(protocol.setDnsRequest), response: by(protocol.tkaEmptyResponse) },
  ],
  [
    '/machine/id-token',
    { request: by(protocol.tokenRequest), response: by(protocol.tokenResponse) },
  ],
  [
    '/machine/feature/query',
    { request: by(protocol.queryFeatureRequest), response: by(protocol.queryFeatureResponse) },
  ],
  [
    '/machine/set-device-attr',
    { request: by(protocol.setDeviceAttributesRequest), response: by(protocol.tkaEmptyResponse) },
  ],
  route(tkaCalls.initBegin),
  route(tkaCalls.initFinish),
  route(tkaCalls.bootstrap),
  route(tkaCalls.syncOffer),
  route(tkaCalls.syncSend),
  route(tkaCalls.disable),
  route(tkaCalls.sign),
  route(tkaCalls.affectedSigs),
])

describe('vectors/transcripts', () => {
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.json'))) {
    const recording = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as {
      format?: string
      steps?: Step[]
    }
    if (recording.format !== 'transcript/1') continue
    test(file, () => {
      let checked = 0
      for (const { path, status, request, response, frames } of recording.steps ?? []) {
        const call = calls.get(path)
        if (call === undefined) continue
        if (request !== undefined && request !== null) {
          assert.deepEqual(call.request(JSON.stringify(request)), request, path)
          checked += 1
        }
        if (status === 200 && response !== undefined && response !== null) {
          assert.deepEqual(call.response(JSON.stringify(response)), response, path)
          checked += 1
        }
        const session = new NetmapSession()
        for (const { json } of frames ?? []) {
          const text = typeof json === 'string' ? json : JSON.stringify(json)
          assert.deepEqual(call.response(text), JSON.parse(text), 'frame')
          const message = parseMapResponse(text)
          if (message.KeepAlive !== true) session.merge(message, 0)
          checked += 1
        }
      }
      assert.ok(checked > 0)
    })
  }
})
