// SPDX-License-Identifier: Apache-2.0

/**
 * What a user waits for: `signet status`, from its launch to its exit.
 *
 * @module
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLogger, startControl } from '@signet/control'
import { startNode } from '@signet/node'
import { medianMsAsync, type Row } from './harness.ts'
import { reusableKey } from './pre-auth-key.ts'

const RUNS = 10
const SIGNET = new URL('../node_modules/.bin/signet', import.meta.url).pathname

export async function bench(): Promise<readonly Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'signet-bench-'))
  try {
    await using control = await startControl({
      stateDir: join(folder, 'control'),
      listen: { host: '127.0.0.1', port: 0 },
      logger: createLogger('silent', () => {}),
    })
    const socket = join(folder, 'node.sock')
    await using _node = await startNode({
      stateDir: join(folder, 'node'),
      socketPath: socket,
      bind: '127.0.0.1',
    })
    const authKey = await reusableKey(join(folder, 'control', 'admin.sock'))
    const up = ['up', '--login-server', control.url, '--auth-key', authKey]
    await signet(0, '--socket', socket, ...up)
    const status = (expected: number, path: string) => (): Promise<void> =>
      signet(expected, '--socket', path, 'status')
    const running = await medianMsAsync(RUNS, status(0, socket))
    const nobody = await medianMsAsync(RUNS, status(4, join(folder, 'nobody.sock')))
    const empty = await medianMsAsync(RUNS, () => run(process.execPath, ['-e', ''], 0))
    return [
      {
        area: 'start',
        what: 'signet status',
        figures: [
          { name: 'of a running node', value: running, unit: 'ms' },
          { name: 'where no node runs', value: nobody, unit: 'ms' },
          { name: 'an empty program in the same Node', value: empty, unit: 'ms' },
        ],
        bound: 'starting Node',
      },
    ]
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function signet(expected: number, ...args: readonly string[]): Promise<void> {
  return run(SIGNET, args, expected)
}

async function run(file: string, args: readonly string[], expected: number): Promise<void> {
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
  }
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== expected) throw new Error(`Cannot measure: exit code ${code}: ${text}`)
}
