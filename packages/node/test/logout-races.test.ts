// SPDX-License-Identifier: Apache-2.0

/**
 * Leaving a tailnet while other things happen: nothing of the login that ends may go on, least of all
 * without its lock.
 */

import assert from 'node:assert/strict'
import test from 'node:test'
import { defaultPrefs } from '@signet/protocol/local-api'
import { secretValue, testGenesis, testSigner } from './support/lock-fixture.ts'
import { createLockServer } from './support/lock-server.ts'
import { createTestTailnet } from './support/test-tailnet.ts'

test('logout() ends what was begun while the server took its time to answer it', async (t) => {
  const tailnet = createTestTailnet(t)
  const server = createLockServer(testGenesis([testSigner()], 1n, await secretValue()))
  tailnet.lock = server
  tailnet.lockInfo = () => ({ Head: server.head() })
  const a = await tailnet.join('a')
  await tailnet.join('intruder')
  await tailnet.until(() => a.node.lock.status().FilteredPeers?.length === 1)

  const slow = Promise.withResolvers<object>()
  a.control.answers.push(slow.promise)
  const streams = a.control.streams.length
  const logout = a.api.logout()
  await a.control.until(() => a.control.registrations.at(-1)?.Expiry !== '0001-01-01T00:00:00Z')
  await a.api.start({
    UpdatePrefs: { ...defaultPrefs, ControlURL: 'http://fake', WantRunning: true },
    AuthKey: '',
  })
  await tailnet.until(() => a.node.lock.status().FilteredPeers?.length === 1)
  assert.ok(a.control.streams.length > streams)
  slow.resolve({})
  await logout
  tailnet.lockInfo = () => undefined
  tailnet.push()
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(a.node.peers(), [])
  assert.equal(a.node.status().BackendState, 'NeedsLogin')
  assert.ok(a.control.streams.every(({ isOpen }) => !isOpen))
})
