// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import * as localApi from '../src/local-api.ts'

interface JsonCase {
  name: string
  op: string
  type: string
  json: string
}

const vectors = new URL('../../../vectors/', import.meta.url)
const { cases } = JSON.parse(readFileSync(new URL('tka/json.json', vectors), 'utf8')) as {
  cases: JsonCase[]
}

/** Reads what Go wrote and writes it again. */
const rewrite: Readonly<Record<string, (json: string) => string>> = {
  'ipnstate.TailnetLockStatus': (json) => localApi.encodeLockStatus(localApi.parseLockStatus(json)),
  'ipnstate.TailnetLockUpdate': (json) =>
    localApi.parseLockLog(`[${json}]`).map(localApi.encodeLockUpdate).join(''),
  'tka.Key': (json) => {
    const request = localApi.parseLockModifyRequest(`{"AddKeys":[${json}]}`)
    return (request.AddKeys ?? []).map(localApi.encodeLockKey).join('')
  },
  'tka.NodeKeySignature': (json) => {
    const status = localApi.parseLockStatus(`{"NodeKeySignature":${json}}`)
    return localApi.encodeLockSignature(status.NodeKeySignature ?? localApi.noLockSignature)
  },
  'tka.DeeplinkValidationResult': (json) =>
    localApi.encodeDeeplinkResult(localApi.parseDeeplinkResult(json)),
}

describe('vectors/tka/json, types of the local API', () => {
  for (const vector of cases.filter((each) => each.type in rewrite)) {
    test(`${vector.name} is read and written as Go writes it`, () => {
      assert.equal(rewrite[vector.type]!(vector.json), vector.json)
    })
  }
})

describe('node status', () => {
  for (const name of ['cli-status-running.json', 'cli-status-lockedout.json']) {
    test(`${name} is read and written with the same members in the same order`, () => {
      const recorded = readFileSync(new URL(`transcripts/${name}`, vectors), 'utf8')
      const written = localApi.encodeNodeStatus(localApi.parseNodeStatus(recorded))
      assert.equal(written, JSON.stringify(JSON.parse(recorded)))
    })
  }

  test('peerStatus() fills in zero values', () => {
    const peer = localApi.peerStatus({ PublicKey: 'nodekey:00' })
    assert.equal(peer.LastHandshake, '0001-01-01T00:00:00Z')
    assert.ok(localApi.isNever(peer.LastHandshake))
    assert.equal(peer.TailscaleIPs, null)
  })
})

describe('preferences', () => {
  test('encodePrefsChange() marks exactly the members that are set', () => {
    const json = localApi.encodePrefsChange({ WantRunning: false, Hostname: 'x' })
    const marks = Object.keys(JSON.parse(json) as object).filter((name) => name.endsWith('Set'))
    assert.deepEqual(marks.sort(), ['HostnameSet', 'WantRunningSet'])
    assert.deepEqual(localApi.parsePrefsChange(json), { WantRunning: false, Hostname: 'x' })
  })

  test('parsePrefsChange() takes no field without its mark', () => {
    const json = '{"Hostname":"x","ShieldsUp":true,"ShieldsUpSet":true,"ControlURLSet":false}'
    assert.deepEqual(localApi.parsePrefsChange(json), { ShieldsUp: true })
  })

  test('parsePrefsChange() reads a marked empty text', () => {
    assert.deepEqual(localApi.parsePrefsChange('{"OperatorUserSet":true}'), { OperatorUser: '' })
  })

  test('encodePrefs() can be read back, and has what official programs look for', () => {
    const prefs = { ...localApi.defaultPrefs, ControlURL: 'http://x', AdvertiseTags: ['tag:a'] }
    const json = localApi.encodePrefs(prefs)
    assert.deepEqual(localApi.parsePrefs(json), prefs)
    assert.match(json, /"AutoUpdate":\{"Check":false,"Apply":null\}/)
  })

  test('start options keep the pin, and leave it out when there is none', () => {
    const options = { UpdatePrefs: localApi.defaultPrefs, AuthKey: 'k', Pin: 'P' }
    assert.deepEqual(localApi.parseStartOptions(localApi.encodeStartOptions(options)), options)
    const { Pin: _, ...plain } = options
    assert.doesNotMatch(localApi.encodeStartOptions(plain), /Pin/)
  })
})

describe('notifications and answers', () => {
  test('encodeNotify() writes the number of the state, and a line', () => {
    const line = localApi.encodeNotify({ Version: '1', State: 'Running' })
    assert.match(line, /"State":6,.*\}\n$/)
    assert.deepEqual(localApi.parseNotify(line), { Version: '1', State: 'Running' })
  })

  test('parseNotify() reads an unknown state as none', () => {
    assert.deepEqual(localApi.parseNotify('{"Version":"1","State":99}'), { Version: '1' })
  })

  test('a ping result survives', () => {
    const result = {
      IP: '100.64.0.2',
      NodeName: 'b',
      LatencySeconds: 0.0012,
      Endpoint: '1.2.3.4:5',
    }
    const read = localApi.parsePingResult(localApi.encodePingResult(result))
    assert.equal(read.LatencySeconds, 0.0012)
    assert.equal(read.Err, '')
  })
})

describe('rejections', () => {
  const rows: readonly [string, () => unknown][] = [
    ['a status that is no object', () => localApi.parseNodeStatus('[]')],
    ['a head of 31 bytes', () => localApi.parseLockStatus(`{"Head":[${'1,'.repeat(30)}1]}`)],
    [
      'a state id beyond 64 bits',
      () => localApi.parseLockStatus('{"StateID":18446744073709551616}'),
    ],
    ['bytes that are no base64', () => localApi.parseLockSignRequest('{"RotationPublic":"%"}')],
    ['text after the message', () => localApi.parsePrefs('{} x')],
    ['a deep signature', () => localApi.parseLockStatus(deepSignature(100))],
  ]
  for (const [what, act] of rows) {
    test(`refused: ${what}`, () => {
      assert.throws(act, { name: 'ProtocolError' })
    })
  }
})

function deepSignature(depth: number): string {
  return `{"NodeKeySignature":${'{"Nested":'.repeat(depth)}null${'}'.repeat(depth)}}`
}

describe('createLocalClient()', () => {
  const answering = (status: number, body: string): localApi.LocalClient =>
    localApi.createLocalClient({
      request: async () => ({
        status,
        statusText: status === 403 ? 'Forbidden' : 'Internal Server Error',
        body: new TextEncoder().encode(body),
      }),
      lines: async function* () {
        yield '{"Version":"1","State":6}'
      },
    })

  test('reports what the node said, with its status line', async () => {
    await assert.rejects(answering(500, 'no such key\n').lock.localDisable(), {
      code: 'api-refused',
      message: '500 Internal Server Error: no such key',
    })
  })

  test('reports a 403 as denied', async () => {
    await assert.rejects(answering(403, 'not you').logout(), {
      code: 'api-denied',
      message: 'Access denied: not you',
    })
  })

  test('watch() yields messages', async () => {
    for await (const message of answering(200, '').watch()) {
      assert.deepEqual(message, { Version: '1', State: 'Running' })
    }
  })
})
