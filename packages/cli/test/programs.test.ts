// SPDX-License-Identifier: Apache-2.0

/** `signet serve` and `signet node` as processes, driven by the command line. */

import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test, type TestContext } from 'node:test'
import { signet } from './fake-node.ts'

const launcher = join(import.meta.dirname, '../bin/signet')

/** Starts a program that keeps running, and returns its first line. */
async function program(
  t: TestContext,
  words: readonly string[],
): Promise<{ readonly line: string; readonly child: ChildProcess }> {
  const child = spawn(launcher, words, { stdio: ['ignore', 'pipe', 'pipe'] })
  t.after(() => child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })
  const first = once(lines, 'line')
  const died = once(child, 'exit').then(() => ['it ended'])
  const [line] = (await Promise.race([first, died])) as [string]
  return { line, child }
}

async function exitCode(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null) await once(child, 'exit')
  return child.exitCode
}

test('serve and node: a node joins, is seen on both sides, and all end on SIGTERM', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'signet-cli-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const state = join(dir, 'server')
  const server = await program(t, ['serve', '--state-dir', state, '--listen', '127.0.0.1:0'])
  const url = /^Signet server at (http:\/\/127\.0\.0\.1:\d+)$/.exec(server.line)?.[1]
  assert.ok(url, server.line)
  assert.equal(statSync(join(state, 'admin.sock')).mode & 0o777, 0o600)

  const made = await signet(['admin', 'keys', 'create', '--state-dir', state])
  assert.equal(made.code, 0, made.err)
  writeFileSync(join(dir, 'key'), made.out, { mode: 0o600 })

  const own = join(dir, 'a')
  const node = await program(t, ['node', '--state-dir', own, '--bind', '127.0.0.1'])
  assert.equal(node.line, `Signet node at ${join(own, 'node.sock')}`)
  const env = { SIGNET_SOCKET: join(own, 'node.sock') }

  const before = await signet('status', { env })
  assert.equal(before.code, 4)
  const up = await signet(
    [
      'up',
      '--login-server',
      url,
      '--auth-key',
      `file:${join(dir, 'key')}`,
      '--hostname',
      'a',
      '--timeout',
      '20s',
    ],
    { env },
  )
  assert.equal(up.code, 0, up.err)
  assert.match((await signet('status', { env })).out, /^100\.64\.0\.1 {2}a /)
  assert.equal((await signet('ip -4', { env })).out, '100.64.0.1\n')
  assert.match(
    (await signet(['admin', 'nodes', 'list', '--state-dir', state])).out,
    /\n1 +a .* online /,
  )

  const down = await signet('down', { env })
  assert.equal(down.code, 0, down.err)
  assert.match((await signet('status', { env })).err, /^Signet is stopped\./)

  node.child.kill('SIGTERM')
  server.child.kill('SIGTERM')
  assert.equal(await exitCode(node.child), 0)
  assert.equal(await exitCode(server.child), 0)
})

test('up without a key prints an address, and waits until somebody approves', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'signet-cli-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const state = join(dir, 'server')
  const server = await program(t, ['serve', '--state-dir', state, '--listen', '127.0.0.1:0'])
  const url = server.line.replace('Signet server at ', '')
  const own = join(dir, 'a')
  await program(t, ['node', '--state-dir', own, '--bind', '127.0.0.1'])
  const env = { SIGNET_SOCKET: join(own, 'node.sock') }
  const admin = (...words: string[]): ReturnType<typeof signet> =>
    signet(['admin', 'nodes', ...words, '--state-dir', state])

  const up = ['up', '--login-server', url, '--hostname', 'a', '--timeout', '20s']
  const denied = signet(up, { env })
  const asked = await pending(admin)
  assert.equal(asked.hostname, 'a')
  assert.equal((await admin('deny', asked.url)).code, 0)
  const { code, err } = await denied
  assert.equal(code, 1)
  assert.match(err, /backend error: an administrator has denied this login/)

  const approved = signet(up, { env })
  const again = await pending(admin)
  assert.notEqual(again.url, asked.url)
  assert.match((await admin('approve', again.url)).out, /^a has joined as 100\.64\.0\.1,/)
  const outcome = await approved
  assert.equal(outcome.code, 0, outcome.err)
  assert.equal(outcome.err, `\nTo authenticate, visit:\n\n\t${again.url}\n\nSuccess.\n`)
})

/** The login that waits on an open connection, once there is one. */
async function pending(
  admin: (...words: string[]) => ReturnType<typeof signet>,
): Promise<{ readonly url: string; readonly hostname: string }> {
  for (;;) {
    const { logins } = JSON.parse((await admin('pending', '--json')).out)
    if (logins[0]?.connected === true) return logins[0]
  }
}

test('serve says which setting is wrong, exit code 2', async () => {
  const { code, err } = await signet('serve --state-dir /tmp --listen nowhere')
  assert.equal(code, 2)
  assert.match(err, /^Cannot run the server: .*listen: expected HOST:PORT/)
})

test('node refuses what is not there yet, exit code 2', async () => {
  const { code, err } = await signet('node --tun signet0')
  assert.equal(code, 2)
  assert.match(err, /--tun: only "memory" is there/)
})
