// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { generateMachineKey, machinePublicOf, privateKeyText } from '@signet/keys'
import { ControlError } from '../src/errors.ts'
import { migrations } from '../src/store/migrations.ts'
import { loadServerKey } from '../src/store/server-key.ts'
import { openSqliteStore } from '../src/store/sqlite.ts'
import { claimStateDir } from '../src/store/state-dir.ts'
import { storeContract } from './support/store-contract.ts'

function inTempDir<T>(use: (dir: string) => T): T {
  const dir = mkdtempSync(join(tmpdir(), 'signet-store-'))
  try {
    return use(dir)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

const code = (expected: string) => (error: unknown) =>
  error instanceof ControlError && error.code === expected

storeContract('in memory', () => openSqliteStore(':memory:'))

describe('openSqliteStore() on a file', () => {
  it('keeps everything for itself', () => {
    inTempDir((dir) => {
      const path = join(dir, 'signet.db')
      const store = openSqliteStore(path)
      for (const file of ['', '-wal', '-shm'])
        assert.equal(statSync(path + file).mode & 0o777, 0o600, file)
      store.close()
    })
  })

  it('keeps what was committed, and the numbers that were given out', () => {
    inTempDir((dir) => {
      const path = join(dir, 'signet.db')
      const row = { id: 7, name: 'x', domain: 'y', createdAt: 5 }
      const first = openSqliteStore(path)
      first.commit([{ put: 'tailnet', row }])
      first.close()
      const second = openSqliteStore(path)
      assert.deepEqual(second.tailnets(), [row])
      assert.equal(second.lastIds().tailnet, 7)
      second.close()
    })
  })

  it('refuses what a newer version has written, and what is no database', () => {
    inTempDir((dir) => {
      const newer = join(dir, 'newer.db')
      const db = new DatabaseSync(newer)
      db.exec(`PRAGMA user_version = ${migrations.length + 1}`)
      db.close()
      assert.throws(() => openSqliteStore(newer), code('store-failed'))
      const other = join(dir, 'other.db')
      writeFileSync(other, 'not a database, but long enough to look at'.repeat(100))
      assert.throws(() => openSqliteStore(other), code('store-failed'))
    })
  })

  it('uses strict tables, a write-ahead log and full synchronisation', () => {
    const sql = migrations.join('\n')
    assert.equal(sql.match(/CREATE TABLE/g)!.length, sql.match(/STRICT/g)!.length)
    const source = readFileSync(new URL('../src/store/sqlite.ts', import.meta.url), 'utf8')
    assert.match(source, /journal_mode = WAL; PRAGMA synchronous = FULL/)
  })
})

describe('loadServerKey()', () => {
  it('makes a key once, for the owner of the process alone', () => {
    inTempDir((dir) => {
      const key = loadServerKey(dir)
      assert.equal(statSync(join(dir, 'noise.key')).mode & 0o777, 0o600)
      assert.equal(machinePublicOf(loadServerKey(dir)), machinePublicOf(key))
    })
  })

  it('takes a key that is there, and never replaces one that it cannot read', () => {
    inTempDir((dir) => {
      const key = generateMachineKey()
      writeFileSync(join(dir, 'noise.key'), privateKeyText(key))
      assert.equal(machinePublicOf(loadServerKey(dir)), machinePublicOf(key))
      writeFileSync(join(dir, 'noise.key'), 'damaged')
      assert.throws(() => loadServerKey(dir), code('state-dir'))
      assert.equal(readFileSync(join(dir, 'noise.key'), 'utf8'), 'damaged')
    })
  })
})

describe('claimStateDir()', () => {
  it('lets one server in at a time', () => {
    inTempDir((dir) => {
      const path = join(dir, 'state')
      const claim = claimStateDir(path)
      assert.equal(statSync(path).mode & 0o777, 0o700)
      assert.throws(() => claimStateDir(path), /another server is running/)
      claim[Symbol.dispose]()
      claimStateDir(path)[Symbol.dispose]()
    })
  })
})
