// SPDX-License-Identifier: Apache-2.0

/**
 * The processes of the demo: a directory of its own, programs that keep running, commands that
 * answer. Only what was started here is ended here, by its process id.
 *
 * @module
 */

import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'

const root = join(import.meta.dirname, '../..')
const launcher = join(root, 'node_modules/.bin/signet')

/** What a command printed, and how it ended. */
export interface Outcome {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** A program that keeps running. */
export interface Program {
  /** Resolves with the next line on standard output; rejects when the program ends first. */
  line(): Promise<string>
  /** Writes a line to its standard input. */
  send(line: string): void
  /** Asks it to end, and waits. */
  stop(): Promise<void>
}

/** The stage of one performance. */
export interface Stage extends AsyncDisposable {
  readonly dir: string
  /** Runs one `signet` command to its end, in the directory of the stage. */
  signet(machine: string, words: readonly string[]): Promise<Outcome>
  /** Starts a `signet` command that keeps running. */
  serve(words: readonly string[]): Program
  /** Starts another program of this repository. */
  node(script: string, words: readonly string[]): Program
  /** Writes a file that only its owner can read, into the directory of the stage. */
  write(name: string, text: string): void
  /** The standard error of everything that runs, for the case that something goes wrong. */
  log(): string
}

/** Sets a stage. */
export function createStage(): Stage {
  const dir = mkdtempSync(join(tmpdir(), 'signet-demo-'))
  const running = new Set<ChildProcessByStdio<Writable, Readable, Readable>>()
  const errors: string[] = []

  const start = (program: string, words: readonly string[]): Program => {
    const child = spawn(program, words, { cwd: dir, stdio: ['pipe', 'pipe', 'pipe'] })
    running.add(child)
    const name = words.slice(0, 3).join(' ')
    child.stderr.setEncoding('utf8').on('data', (text: string) => errors.push(`[${name}] ${text}`))
    const ended = once(child, 'exit').then(() => {
      running.delete(child)
      return undefined
    })
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    return {
      async line() {
        const next = await Promise.race([lines.next(), ended])
        if (next === undefined || next.done === true) throw new Error(`${name} ended`)
        return next.value
      },
      send: (text) => void child.stdin.write(`${text}\n`),
      async stop() {
        child.kill('SIGTERM')
        const late = setTimeout(() => child.kill('SIGKILL'), 3_000)
        await ended
        clearTimeout(late)
      },
    }
  }

  return {
    dir,
    async signet(machine, words) {
      const child = spawn(launcher, words, {
        cwd: dir,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, NO_COLOR: '1', SIGNET_SOCKET: join(dir, machine, 'node.sock') },
      })
      let out = ''
      let err = ''
      child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
      child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
      const [code] = (await once(child, 'close')) as [number | null]
      return { code: code ?? -1, out, err }
    },
    serve: (words) => start(launcher, words),
    node: (script, words) => start(process.execPath, [join(root, script), ...words]),
    write(name, text) {
      mkdirSync(dir, { recursive: true })
      writeFileSync(join(dir, name), text, { mode: 0o600 })
    },
    log: () => errors.join(''),
    async [Symbol.asyncDispose]() {
      for (const child of running) {
        child.kill('SIGTERM')
        const late = setTimeout(() => child.kill('SIGKILL'), 2_000)
        if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
        clearTimeout(late)
      }
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
