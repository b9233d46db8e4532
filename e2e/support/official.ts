// SPDX-License-Identifier: Apache-2.0

/**
 * The official client as a process: `tailscaled` with a directory and a socket of its own, and
 * `tailscale` commands to it. Where the programs are is said by the environment; without that there
 * is nothing to run. Never reaches the service they were made for: they know one server, and a
 * switch of theirs ends them rather than let them call home.
 *
 * @module
 */

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createLocalClient, type LocalClient, type LockStatus } from '@signet/protocol/local-api'
import type { NodeStatus } from '@signet/protocol/local-api'
import { CliError } from '../../packages/cli/src/errors.ts'
import { createUnixTransport } from '../../packages/cli/src/unix-transport.ts'
import { until } from './until.ts'

/** Long enough for a command that goes through the server and back under load. */
const COMMAND_MS = 30_000
/** How long a node may take to become what is waited for. */
const WAIT_MS = 30_000
const LOOK_EVERY_MS = 50
/** How much of a daemon's log is kept for the case that something goes wrong. */
const LOG_CHARS = 200_000

/** One age of the official programs. */
export interface OfficialRelease {
  /** As it is called in tables. */
  readonly label: string
  readonly tailscaled: string
  readonly tailscale: string
}

/** What the environment names. */
export interface OfficialReleases {
  readonly current: OfficialRelease
  /** A second, older age. */
  readonly old?: OfficialRelease
}

/** Returns the programs that the environment names, undefined without SIGNET_TAILSCALED and SIGNET_TAILSCALE. */
export function officialReleases(env: NodeJS.ProcessEnv): OfficialReleases | undefined {
  const pair = (suffix: string): Omit<OfficialRelease, 'label'> | undefined => {
    const tailscaled = env[`SIGNET_TAILSCALED${suffix}`] ?? ''
    const tailscale = env[`SIGNET_TAILSCALE${suffix}`] ?? ''
    if (tailscaled === '' && tailscale === '') return undefined
    if (tailscaled === '' || tailscale === '') {
      throw new Error(`SIGNET_TAILSCALED${suffix} and SIGNET_TAILSCALE${suffix} go together`)
    }
    for (const path of [tailscaled, tailscale]) accessSync(path, constants.X_OK)
    return { tailscaled, tailscale }
  }
  const current = pair('')
  const old = pair('_OLD')
  if (current === undefined) return undefined
  return {
    current: { ...current, label: 'official' },
    ...(old !== undefined && { old: { ...old, label: 'old official' } }),
  }
}

/** A command that has ended. */
export interface Ended {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** How to run an official client. */
export interface OfficialOptions {
  /** An empty or missing directory. */
  readonly dir: string
  readonly release: OfficialRelease
  readonly name: string
  readonly env?: Readonly<Record<string, string>>
  /** Further flags of the daemon. */
  readonly flags?: readonly string[]
  /** 'mem:' makes an ephemeral node; a file in `dir` unless told otherwise. */
  readonly state?: string
  /** The name of the network interface; userspace networking unless told otherwise. */
  readonly tun?: string
  /** A program and arguments that run the daemon, such as `ip netns exec NAME`. */
  readonly wrap?: readonly string[]
}

/** An official client. */
export interface OfficialNode extends AsyncDisposable {
  readonly name: string
  readonly make: 'official'
  readonly release: OfficialRelease
  readonly socket: string
  /** Its local API, by our own client of it. */
  readonly local: LocalClient
  /** Undefined while it does not run. */
  readonly pid: number | undefined
  /** Starts the daemon, again if it has ended. Resolves when it answers. */
  start(env?: Readonly<Record<string, string>>): Promise<void>
  /** Ends the daemon; resolves when it is gone. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>
  /** Runs a `tailscale` command. One that takes too long is ended with status -1. */
  cli(words: readonly string[], deadlineMs?: number): Promise<Ended>
  /** The same; fails unless it exits with 0. Returns its standard output. */
  ok(words: readonly string[], deadlineMs?: number): Promise<string>
  /** Starts a `tailscale` command and lets it run. */
  begin(words: readonly string[]): OfficialCommand
  lock(): Promise<LockStatus>
  /** Resolves when the node's status is as wanted. */
  is(what: string, wanted: (status: NodeStatus) => boolean, ms?: number): Promise<NodeStatus>
  /** Resolves when the lock's status is as wanted. */
  lockIs(what: string, wanted: (status: LockStatus) => boolean, ms?: number): Promise<LockStatus>
  /** What the daemon wrote. */
  log(): string
}

/** A command that still runs. */
export interface OfficialCommand {
  readonly ended: Promise<Ended>
  /** What it has written so far, on both. */
  said(): string
  write(bytes: string | Uint8Array): void
  kill(): Promise<Ended>
}

/** Starts a program, and keeps what it says. */
export function command(
  program: string,
  words: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): OfficialCommand {
  const child = spawn(program, words, { stdio: 'pipe', env })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  // A command that has ended does not read any more.
  child.stdin.on('error', () => undefined)
  const ended = once(child, 'close').then((value: unknown[]): Ended => {
    const status = typeof value[0] === 'number' ? value[0] : -1
    return { status, stdout, stderr }
  })
  return {
    ended,
    said: () => stdout + stderr,
    write: (bytes) => void child.stdin.write(bytes),
    kill: () => {
      child.kill('SIGKILL')
      return ended
    },
  }
}

/** Runs a program to its end; one that takes longer than `ms` is ended with status -1. */
export async function runToEnd(
  program: string,
  words: readonly string[],
  ms: number = COMMAND_MS,
): Promise<Ended> {
  const running = command(program, words)
  const late = setTimeout(() => void running.kill(), ms)
  const ended = await running.ended
  clearTimeout(late)
  return ended
}

/** Returns a client that does not run yet. */
export function createOfficialNode(options: OfficialOptions): OfficialNode {
  const { dir, release, name, wrap = [] } = options
  mkdirSync(dir, { recursive: true })
  const socket = join(dir, 'tailscaled.sock')
  let child: ChildProcess | undefined
  let log = ''
  const local = createLocalClient(
    createUnixTransport({
      socket,
      host: 'local-tailscaled.sock',
      peer: name,
      hint: '',
      signal: new AbortController().signal,
    }),
  )
  const daemonWords = [
    release.tailscaled,
    `--tun=${options.tun ?? 'userspace-networking'}`,
    `--socket=${socket}`,
    `--statedir=${dir}`,
    `--state=${options.state ?? join(dir, 'tailscaled.state')}`,
    '--port=0',
    ...(options.flags ?? []),
  ]
  const begin = (words: readonly string[]): OfficialCommand =>
    command(release.tailscale, [`--socket=${socket}`, ...words])
  const cli: OfficialNode['cli'] = (words, ms) =>
    runToEnd(release.tailscale, [`--socket=${socket}`, ...words], ms)
  const stop: OfficialNode['stop'] = async (signal = 'SIGTERM') => {
    const running = child
    if (running === undefined) return
    const gone = once(running, 'close')
    running.kill(signal)
    // It says goodbye to the server, which may be gone.
    const late = setTimeout(() => running.kill('SIGKILL'), 10_000)
    await gone
    clearTimeout(late)
  }
  return {
    name,
    make: 'official',
    release,
    socket,
    local,
    get pid() {
      return child?.pid
    },
    async start(env = {}) {
      const [program = '', ...words] = [...wrap, ...daemonWords]
      const started = spawn(program, words, {
        cwd: dir,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
          PATH: process.env['PATH'],
          HOME: dir,
          TS_NO_LOGS_NO_SUPPORT: '1',
          TS_PANIC_IF_HIT_MAIN_CONTROL: '1',
          TS_DEBUG_USE_DERP_HTTP: '1',
          TS_DISABLE_UPNP: '1',
          TS_DISABLE_PORTMAPPER: '1',
          ...options.env,
          ...env,
        },
      })
      child = started
      for (const pipe of [started.stdout, started.stderr]) {
        pipe.setEncoding('utf8').on('data', (text: string) => {
          log = (log + text).slice(-LOG_CHARS)
        })
      }
      started.once('close', () => {
        if (child === started) child = undefined
      })
      await until(
        `${name} answers on its socket`,
        async () => {
          if (child !== started) throw new Error(`${name} ended: ${log.slice(-2_000)}`)
          return await answers(local)
        },
        { everyMs: LOOK_EVERY_MS, deadlineMs: WAIT_MS },
      )
    },
    stop,
    cli,
    begin,
    async ok(words, ms) {
      const { status, stdout, stderr } = await cli(words, ms)
      if (status !== 0) {
        throw new Error(`${name}: tailscale ${words.join(' ')}: exit ${status}\n${stdout}${stderr}`)
      }
      return stdout
    },
    lock: () => local.lock.status(),
    is(what, wanted, ms = WAIT_MS) {
      let last: NodeStatus | undefined
      return until(
        `${name}: ${what}`,
        async () => {
          last = await local.status()
          return wanted(last) && last
        },
        {
          everyMs: LOOK_EVERY_MS,
          deadlineMs: ms,
          seen: () => `${last?.BackendState} ${JSON.stringify(last?.Health)}`,
        },
      )
    },
    lockIs(what, wanted, ms = WAIT_MS) {
      let last: LockStatus | undefined
      const look = async (): Promise<LockStatus | false> => {
        last = await local.lock.status()
        return wanted(last) && last
      }
      return until(`${name}: ${what}`, look, {
        everyMs: LOOK_EVERY_MS,
        deadlineMs: ms,
        seen: () =>
          `enabled=${last?.Enabled} signed=${last?.NodeKeySigned} ` +
          `trusted=${last?.TrustedKeys?.length} visible=${last?.VisiblePeers?.length} ` +
          `filtered=${last?.FilteredPeers?.length}`,
      })
    },
    log: () => log,
    [Symbol.asyncDispose]: () => stop('SIGKILL'),
  }
}

/** A socket that nobody serves yet is waited for; anything else is an error. */
async function answers(local: LocalClient): Promise<boolean> {
  try {
    await local.status({ peers: false })
    return true
  } catch (error) {
    if (error instanceof CliError && error.code === 'not-running') return false
    throw error
  }
}
