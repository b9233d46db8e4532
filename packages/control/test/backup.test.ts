// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { backUp } from '../src/store/backup.ts'
import { openSqliteStore } from '../src/store/sqlite.ts'
import { startRealServer } from './support/real-client.ts'

describe('backUp()', () => {
  it('makes a copy of a running server, from which a server starts as the same one', async () => {
    await using server = await startRealServer()
    writeFileSync(join(server.dir, 'policy.json'), '{"acls":[]}', { mode: 0o600 })
    mkdirSync(join(server.dir, 'acme'), { mode: 0o700 })
    writeFileSync(join(server.dir, 'acme', 'certificate.pem'), 'chain', { mode: 0o600 })
    await server.admin('POST', '/users', { name: 'ann' })
    const copy = join(server.dir, 'copy')
    const { status, json } = await server.admin('POST', '/backup', { directory: copy })
    assert.equal(status, 200)
    const names: string[] = json.files
    assert.deepEqual(names, ['signet.db', 'noise.key', 'derp.key', 'policy.json', 'acme'])
    assert.deepEqual(readdirSync(copy).toSorted(), names.toSorted())
    assert.equal(statSync(copy).mode & 0o777, 0o700)
    for (const name of ['signet.db', 'noise.key', 'derp.key', 'acme/certificate.pem']) {
      assert.equal(statSync(join(copy, name)).mode & 0o777, 0o600, name)
    }
    await using again = await startRealServer({ stateDir: copy, adminSocket: false })
    assert.equal(again.control.publicKey, server.control.publicKey)
    const store = openSqliteStore(join(copy, 'signet.db'))
    assert.deepEqual(
      store.users(1).map(({ name }) => name),
      ['ann'],
    )
    store.close()
  })

  it('writes nothing over what is there, and leaves nothing of a copy that failed', async () => {
    await using server = await startRealServer()
    const copy = join(server.dir, 'copy')
    await assert.rejects(backUp(server.dir, 'copy'), { code: 'bad-request' })
    await assert.rejects(backUp(server.dir, join(copy, 'deeper')), { code: 'store-failed' })
    await assert.rejects(backUp(join(server.dir, 'nothing'), copy), { code: 'store-failed' })
    assert.ok(!existsSync(copy) && !existsSync(`${copy}.partial`))
    mkdirSync(copy)
    await assert.rejects(backUp(server.dir, copy), { code: 'conflict' })
    assert.deepEqual(readdirSync(copy), [])
  })
})
