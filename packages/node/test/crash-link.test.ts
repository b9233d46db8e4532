// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import test from 'node:test'
import { createControlLink, type ControlReply } from '../src/control/link.ts'

test('request() after the server was killed and came back dials anew instead of failing', async () => {
  const open: { isCut: boolean }[] = []
  const reply: ControlReply = {
    status: 200,
    body: () => Promise.resolve(new Uint8Array()),
    chunks: () => (async function* () {})(),
  }
  const link = createControlLink(() => {
    const line = { isCut: false }
    open.push(line)
    return Promise.resolve({
      request: () => (line.isCut ? Promise.reject(new Error('cut')) : Promise.resolve(reply)),
      isClosed: () => line.isCut,
      close: () => undefined,
    })
  })
  const call = { method: 'GET', path: '/', body: '', signal: new AbortController().signal } as const
  await link.request(call)
  await link.request(call)
  assert.equal(open.length, 1)
  open[0]!.isCut = true
  const replies = await Promise.all([link.request(call), link.request(call)])
  assert.deepEqual(
    replies.map(({ status }) => status),
    [200, 200],
  )
  assert.equal(open.length, 2)
  link.close()
})
