// SPDX-License-Identifier: Apache-2.0

/**
 * Names in reports: no two nodes may have one, in the store as in memory, so what nodes call themselves must not
 * wait for a transaction that others depend on.
 */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openTestServer } from './support/server.ts'

describe('Tailnet.note()', () => {
  it('can store the reports of two nodes that swap their names', async () => {
    using server = openTestServer()
    const [a, b] = [server.join('a'), server.join('b')]
    const { tailnet } = server
    const notes = [
      tailnet.note({ ...a.row(), name: 'between' }),
      tailnet.note({ ...b.row(), name: 'a' }),
      tailnet.note({ ...a.row(), name: 'b', endpoints: ['192.0.2.1:1'] }),
    ]
    tailnet.flushNotes()
    await Promise.all(notes)
    const stored = server.store.nodes(tailnet.row.id)
    assert.deepEqual(
      stored.map(({ name, endpoints }) => [name, endpoints.length]),
      [
        ['b', 1],
        ['a', 0],
      ],
    )
  })

  it('leaves a name that a node gave up to the next one at once', () => {
    using server = openTestServer()
    const a = server.join('wanted')
    void server.tailnet.note({ ...a.row(), name: 'other' })
    assert.equal(server.join('wanted').row().name, 'wanted')
  })
})
