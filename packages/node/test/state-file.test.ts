// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { encodeUtf8 } from '@signet/codec'
import {
  generateLockKey,
  generateNodeKey,
  machinePublicOf,
  nodePublicOf,
  privateKeyText,
} from '@signet/keys'
import { diskFiles } from '../src/durable-file.ts'
import { NodeError } from '../src/errors.ts'
import { openStateFile } from '../src/state-file.ts'
import { aftermaths, Crash, createMemoryFiles } from './support/memory-files.ts'

const directory = '/state'
const path = '/state/node.json'

test('openStateFile() makes a machine key once, and finds it again', () => {
  const files = createMemoryFiles()
  const first = openStateFile(files, directory).get()
  const again = openStateFile(files, directory).get()
  assert.equal(machinePublicOf(first.machineKey), machinePublicOf(again.machineKey))
  assert.equal(again.nodeKey, null)
  assert.equal(again.wasLocked, null)
})

test('openStateFile() reads back everything that update() wrote', () => {
  const files = createMemoryFiles()
  const nodeKey = generateNodeKey()
  const lockKey = generateLockKey()
  const change = {
    nodeKey,
    oldNodeKey: generateNodeKey(),
    lockKey,
    login: { id: 7, loginName: 'ann@example', displayName: 'Ann' },
    pin: 'ABCD',
    wasLocked: { stateId: '1:2', genesis: 'G', head: 'H' },
    disallowedStateIds: ['18446744073709551615:3'],
  }
  const file = openStateFile(files, directory)
  file.update(change)
  file.update({
    prefs: { ...file.get().prefs, ControlURL: 'http://x', Hostname: 'h', WantRunning: true },
  })
  const read = openStateFile(files, directory).get()
  assert.equal(nodePublicOf(read.nodeKey!), nodePublicOf(nodeKey))
  assert.equal(privateKeyText(read.lockKey!), privateKeyText(lockKey))
  assert.deepEqual(read.login, change.login)
  assert.deepEqual(read.wasLocked, change.wasLocked)
  assert.deepEqual(read.disallowedStateIds, change.disallowedStateIds)
  assert.equal(read.prefs.Hostname, 'h')
  assert.equal(read.prefs.WantRunning, true)
})

test('openStateFile() keeps keys for the owner only, on a real disk', (t) => {
  const parent = mkdtempSync(join(tmpdir(), 'signet-state-'))
  t.after(() => rmSync(parent, { recursive: true, force: true }))
  const dir = join(parent, 'made')
  const file = openStateFile(diskFiles, dir)
  file.update({ nodeKey: generateNodeKey() })
  assert.equal(statSync(dir).mode & 0o777, 0o700)
  assert.equal(statSync(join(dir, 'node.json')).mode & 0o777, 0o600)
  assert.deepEqual(readdirSync(dir), ['node.json'])
  assert.match(readFileSync(join(dir, 'node.json'), 'utf8'), /privkey:/)
})

function damaged(edit: (text: string) => string): () => unknown {
  return () => {
    const files = createMemoryFiles()
    const file = openStateFile(files, directory)
    file.update({
      nodeKey: generateNodeKey(),
      wasLocked: { stateId: '1:2', genesis: 'G', head: 'H' },
    })
    const text = edit(Buffer.from(files.read(path)!).toString())
    files.writeSynced(path, encodeUtf8(text), 0o600)
    const steps = files.steps()
    try {
      return openStateFile(files, directory)
    } finally {
      assert.equal(files.steps(), steps, 'something was written')
      assert.equal(Buffer.from(files.read(path)!).toString(), text)
    }
  }
}

for (const [name, edit] of [
  ['no content', () => ''],
  ['half of its content', (text: string) => text.slice(0, text.length / 2)],
  ['something else', () => '[]'],
  ['a version of the future', (text: string) => text.replace('"version": 1', '"version": 2')],
  ['no machine key', (text: string) => text.replace('machineKey', 'x')],
  [
    'a broken machine key',
    (text: string) => text.replace('"machineKey": "privkey:', '"machineKey": "privkey:z'),
  ],
  [
    'a broken node key',
    (text: string) => text.replace('"nodeKey": "privkey:', '"nodeKey": "privkey:00'),
  ],
  ['no mark of a lock, not even null', (text: string) => text.replace('wasLocked', 'wasLockedX')],
  ['a mark of another shape', (text: string) => text.replace('"stateId": "1:2"', '"stateId": 12')],
  [
    'a list of another shape',
    (text: string) => text.replace('"disallowedStateIds": []', '"disallowedStateIds": [1]'),
  ],
] as const) {
  test(`openStateFile() refuses a file with ${name}, and leaves it alone`, () => {
    assert.throws(damaged(edit), (error: unknown) => {
      assert.ok(error instanceof NodeError)
      assert.equal(error.code, 'state-corrupt')
      assert.doesNotMatch(`${error.message} ${String(error.cause)}`, /privkey/)
      return true
    })
  })
}

test('update() leaves the whole old or the whole new state, wherever the process dies', () => {
  const before = generateNodeKey()
  const after = generateNodeKey()
  let died = 0
  for (let at = 0; ; at++) {
    const files = createMemoryFiles()
    const file = openStateFile(files, directory)
    file.update({ nodeKey: before })
    files.crashAt(files.steps() + at)
    let isDone = false
    try {
      file.update({ nodeKey: after })
      isDone = true
    } catch (error) {
      assert.equal((error as NodeError).code, 'state-io')
      assert.ok((error as NodeError).cause instanceof Crash)
      assert.equal(nodePublicOf(file.get().nodeKey!), nodePublicOf(before))
      died++
    }
    for (const aftermath of aftermaths) {
      const found = nodePublicOf(openStateFile(files.restart(aftermath), directory).get().nodeKey!)
      const allowed = isDone ? [after] : [before, after]
      assert.ok(allowed.map(nodePublicOf).includes(found))
    }
    if (isDone) break
  }
  assert.equal(died, 3)
})
