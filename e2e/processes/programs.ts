// SPDX-License-Identifier: Apache-2.0

/**
 * The real programs, as a user starts them: `signet serve`, `signet node` and every other command
 * as a process of its own, over loopback and sockets in a temporary directory. What each of them
 * printed and was started with is kept.
 *
 * @module
 */

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AdminClient } from '@signet/protocol/admin-api'
import { createLocalClient, type LocalClient, type LockStatus } from '@signet/protocol/local-api'
import { createUnixTransport } from '../../packages/cli/src/unix-transport.ts'
import { adminOf } from '../support/admin.ts'
import { until } from '../support/until.ts'

const DEADLINE_MS = 20_000
const main = join(import.meta.dirname, '../../packages/cli/src/main.ts')
const cache = join(import.meta.dirname, '../../node_modules/.cache/signet')

/** What a process was started with and has said. */
export interface Account {
  readonly pid: number
  /** `/proc/PID/cmdline`, as everybody on the machine could read it. */
  readonly cmdline: string
  stdout: string
  stderr: string
}

/** A command that has ended. */
export interface Ended {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** A program that keeps running. */
export interface Program {
  readonly account: Account
  /** `kill -9`. Resolves when the process is gone. */
  kill(): Promise<void>
  /** Asks it to end. Resolves with its exit status. */
  end(): Promise<number | null>
}

/** A running node. */
export interface NodeProgram extends Program {
  readonly local: LocalClient
  /** Whatever the lock's status is now. */
  lock(): Promise<LockStatus>
  /** Resolves when the lock's status is as wanted. */
  lockIs(what: string, wanted: (status: LockStatus) => boolean): Promise<LockStatus>
}

/** A running server. */
export interface ServerProgram extends Program {
  readonly url: string
  readonly admin: AdminClient
}

/** A directory, and the processes that work in it. */
export interface Programs extends AsyncDisposable {
  readonly dir: string
  /** Every process so far. */
  readonly accounts: readonly Account[]
  /** Runs a command to its end. */
  signet(args: readonly string[], options?: { readonly input?: string }): Promise<Ended>
  /** The same; fails unless it exits with 0. Returns its standard output. */
  succeed(args: readonly string[], options?: { readonly input?: string }): Promise<string>
  /** Runs a command of a node or of the server. */
  on(name: string, args: readonly string[], options?: { readonly input?: string }): Promise<Ended>
  ok(name: string, args: readonly string[], options?: { readonly input?: string }): Promise<string>
  /** Starts the server; the second time at the address of the first. */
  serve(flags?: readonly string[]): Promise<ServerProgram>
  /** Starts a node. */
  node(name: string, flags?: readonly string[]): Promise<NodeProgram>
  /** A node's state directory. */
  stateDir(name: string): string
}

/** The name of the server's directory. */
export const serverName = 'server'

/** Where programs run. */
export interface ProgramsOptions {
  /** A program and arguments that run each of them, such as `ip netns exec NAME`. */
  readonly wrap?: readonly string[]
  /** The address of the server; a free port on loopback unless told otherwise. */
  readonly listen?: string
}

/** Makes an empty directory. Everything that still runs is ended by its pid when this is disposed of. */
export function createPrograms(options: ProgramsOptions = {}): Programs {
  const dir = mkdtempSync(join(tmpdir(), 'signet-processes-'))
  const accounts: Account[] = []
  const running = new Set<ChildProcess>()
  let address = options.listen ?? '127.0.0.1:0'

  const launch = async (args: readonly string[]): Promise<[ChildProcess, Account]> => {
    const env = { PATH: process.env['PATH'], HOME: dir, NODE_COMPILE_CACHE: cache }
    const [program = '', ...words] = [...(options.wrap ?? []), process.execPath, main, ...args]
    const child = spawn(program, words, { env, stdio: 'pipe' })
    running.add(child)
    child.once('close', () => running.delete(child))
    await once(child, 'spawn')
    const pid = child.pid ?? 0
    // It is empty for a moment after the program was loaded.
    const cmdline = await until('a command line', () => {
      const text = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
      return text !== '' && text
    })
    const account: Account = { pid, cmdline, stdout: '', stderr: '' }
    accounts.push(account)
    child.stdout.setEncoding('utf8').on('data', (text: string) => (account.stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (account.stderr += text))
    return [child, account]
  }

  const signet: Programs['signet'] = async (args, { input = '' } = {}) => {
    const [child, account] = await launch(args)
    child.stdin?.end(input)
    // A command that waits for ever is a failure, not a test run without an end.
    const late = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS)
    const [status] = (await once(child, 'close')) as [number | null]
    clearTimeout(late)
    return { status: status ?? -1, stdout: account.stdout, stderr: account.stderr }
  }

  const run = async (args: readonly string[]): Promise<Program & { child: ChildProcess }> => {
    const [child, account] = await launch(args)
    const gone = once(child, 'close')
    const stop = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> => {
      child.kill(signal)
      const [status] = (await gone) as [number | null]
      return status
    }
    return {
      child,
      account,
      kill: async () => void (await stop('SIGKILL')),
      end: () => stop('SIGTERM'),
    }
  }

  /** Resolves when a program says that it is ready; a program that ends instead is a failure. */
  const ready = (program: Program & { child: ChildProcess }, said: RegExp): Promise<string> =>
    until(`a program is ready`, () => {
      const { account, child } = program
      if (child.exitCode !== null) throw new Error(`${account.cmdline} ended: ${account.stderr}`)
      return said.exec(account.stdout)?.[1]
    })

  const stateDir = (name: string): string => join(dir, name)
  const socket = (name: string): string => join(stateDir(name), 'node.sock')
  const on: Programs['on'] = (name, args, options) =>
    signet(
      name === serverName
        ? ['admin', ...args, '--state-dir', stateDir(name)]
        : [...args, '--socket', socket(name)],
      options,
    )
  const must = ({ status, stdout, stderr }: Ended, what: string): string => {
    if (status !== 0) throw new Error(`${what}: exit ${status}\n${stdout}${stderr}`)
    return stdout
  }

  return {
    dir,
    accounts,
    signet,
    succeed: async (args, options) => must(await signet(args, options), args.join(' ')),
    on,
    ok: async (name, args, options) => must(await on(name, args, options), args.join(' ')),
    stateDir,
    async serve(flags = []) {
      const path = stateDir(serverName)
      const listen = ['--state-dir', path, '--listen', address]
      const program = await run(['serve', ...listen, ...flags])
      const url = await ready(program, /^Signet server at (\S+)$/m)
      address = options.listen ?? url.replace(/^https?:\/\//, '')
      await ready(program, /^Admin socket (\S+)$/m)
      return { ...program, url, admin: adminOf(join(path, 'admin.sock')) }
    },
    async node(name, flags = []) {
      const path = stateDir(name)
      const bind = flags.includes('--bind') ? [] : ['--bind', '127.0.0.1']
      const program = await run(['node', '--state-dir', path, ...bind, ...flags])
      await ready(program, /^Signet node at (\S+)$/m)
      const local = createLocalClient(
        createUnixTransport({
          socket: socket(name),
          host: 'local-tailscaled.sock',
          peer: name,
          hint: '',
          signal: new AbortController().signal,
        }),
      )
      const lock = (): Promise<LockStatus> => local.lock.status()
      return {
        ...program,
        local,
        lock,
        lockIs: (what, wanted) =>
          until(`${name}: ${what}`, async () => {
            const status = await lock()
            return wanted(status) && status
          }),
      }
    },
    async [Symbol.asyncDispose]() {
      for (const child of running) {
        const gone = once(child, 'close')
        child.kill('SIGKILL')
        await gone
      }
      if (existsSync(dir)) rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** Joins a node with a pre-auth key, which is read and not given on the command line. */
export function up(
  programs: Programs,
  name: string,
  server: ServerProgram,
  authKey: string,
): Promise<Ended> {
  const flags = ['--login-server', server.url, '--auth-key', '-', '--hostname', name]
  return programs.on(name, ['up', ...flags], { input: authKey })
}
