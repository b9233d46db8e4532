// SPDX-License-Identifier: Apache-2.0

/**
 * A tailnet on loopback whose server can be told to lie: the real server, real nodes, real sockets and real files.
 * What the server says is edited on its way out, by the seam that only the library has.
 *
 * @module
 */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLogger, startControl, type Control } from '@signet/control'
import {
  lockKeyId,
  parseLockPrivate,
  parseLockPublic,
  parseNodePrivate,
  parseNodePublic,
  type LockPrivate,
  type NodePrivate,
  type NodePublic,
} from '@signet/keys'
import { startNode, type SignetNode } from '@signet/node'
import type { MapResponse, RegisterRequest, RegisterResponse } from '@signet/protocol'
import type { AdminClient } from '@signet/protocol/admin-api'
import { defaultPrefs } from '@signet/protocol/local-api'
import { aumHashFromBytes, disablementValue, KeyKind, openAuthority } from '@signet/tka'
import { diskFiles } from '../../packages/node/src/durable-file.ts'
import { openFileStore } from '../../packages/node/src/lock/file-store.ts'
import { adminOf } from './admin.ts'
import { until } from './until.ts'

/** How a frame reaches the victims: as a whole map, or as a change to the one they have. */
export type Mode = 'full' | 'delta'

/** Edits what the server says to one node. */
export type MapLie = (message: MapResponse, viewer: NodePublic) => MapResponse

/** Edits the answer to one lock call; `reply` is parsed JSON. */
export type TkaLie = (path: string, reply: Record<string, unknown>) => unknown

/** A node under test, with what an onlooker can see of it. */
export interface Victim {
  readonly name: string
  readonly dir: string
  readonly node: SignetNode
  readonly ip: string
  readonly nodeKey: NodePublic
  readonly udp: string
}

export interface LyingTailnet extends AsyncDisposable {
  readonly control: Control
  readonly admin: AdminClient
  readonly secret: Uint8Array
  /** Lets any number of nodes join. */
  readonly authKey: string
  /** Starts a node and joins it. */
  join(name: string, options?: { readonly pin?: string }): Promise<Victim>
  /** Ends a node and starts it again on what it left on disk. */
  restart(victim: Victim): Promise<Victim>
  /** Turns the lock on: `first` and `second` are trusted, every node is signed. */
  lock(first: Victim, second: Victim): Promise<void>
  /**
   * Has the server tell these nodes a lie, and waits until all of them have heard and judged it.
   * The lie is told once, unless a later frame repeats it.
   */
  tell(mode: Mode, lie: MapLie, victims: readonly Victim[]): Promise<void>
  /** Has the server say this to everybody, until it is told to say something else; waits for nobody. */
  utter(mode: Mode, lie: MapLie): void
  /** Ends that. */
  hush(): void
  /** From now on every whole map is edited so, until it is set to undefined. */
  setMapLie(lie: MapLie | undefined): void
  /** From now on every answer to a lock call is edited so, until it is set to undefined. */
  setTkaLie(lie: TkaLie | undefined): void
  /** Has the server say the truth to all, whole, and waits until it was judged. */
  honest(victims: readonly Victim[]): Promise<void>
  close(): Promise<void>
}

/** Starts a server with one user, and nothing else. */
export async function createLyingTailnet(): Promise<LyingTailnet> {
  const dir = mkdtempSync(join(tmpdir(), 'signet-e2e-'))
  let marker = 0
  let once: MapLie | undefined
  let always: MapLie | undefined
  let tkaLie: TkaLie | undefined
  const control = await startControl({
    stateDir: join(dir, 'server'),
    listen: { host: '127.0.0.1', port: 0 },
    logger: createLogger('silent', () => undefined),
    intercept: {
      mapResponse(viewer, message) {
        const nodeKey = parseNodePublic(viewer.nodeKey)
        const lie = once ?? (message.Peers === undefined ? undefined : always)
        return lie === undefined ? message : lie(message, nodeKey)
      },
      tkaReply: (_, path, reply) =>
        tkaLie === undefined ? reply : tkaLie(path, reply as Record<string, unknown>),
      register: (_, __: RegisterRequest, response: RegisterResponse) => response,
    },
  })
  const admin = adminOf(join(dir, 'server', 'admin.sock'))
  await admin.createUser({ name: 'owner' })
  const { key: authKey } = await admin.createKey({ user: 'owner', reusable: true })
  const secret = new Uint8Array(32).fill(42)
  const nodes = new Map<string, SignetNode>()

  const start = async (name: string): Promise<SignetNode> => {
    const node = await startNode({
      stateDir: join(dir, name),
      socketPath: join(dir, `${name}.sock`),
      bind: '127.0.0.1',
      port: 0,
    })
    nodes.set(name, node)
    return node
  }

  const victim = async (name: string, node: SignetNode): Promise<Victim> => {
    const status = await until(`${name} runs`, () => {
      const seen = node.status()
      return seen.BackendState === 'Running' && seen
    })
    await node.settled()
    const { Self, TailscaleIPs } = status
    return {
      name,
      dir: join(dir, name),
      node,
      ip: TailscaleIPs?.[0] ?? '',
      nodeKey: parseNodePublic(Self?.PublicKey ?? ''),
      udp: Self?.Addrs?.[0] ?? '',
    }
  }

  const heard = async (victims: readonly Victim[], domain: string): Promise<void> => {
    for (const { name, node } of victims) {
      await until(`${name} hears ${domain}`, () => node.status().CurrentTailnet?.Name === domain)
      await node.settled()
    }
  }

  const tell: LyingTailnet['tell'] = async (mode, lie, victims) => {
    const domain = `frame-${++marker}.example`
    const keys = new Set(victims.map(({ nodeKey }) => nodeKey))
    const lieTo: MapLie = (message, viewer) => (keys.has(viewer) ? lie(message, viewer) : message)
    if (mode === 'full') {
      once = (message, viewer) => ({ ...lieTo(message, viewer), Domain: domain })
      control.wake('full')
      await heard(victims, domain)
    } else {
      // The lie alone in its frame; the next frame on the same stream tells that it has arrived.
      const told = new Set<NodePublic>()
      once = (message, viewer) => {
        if (!told.has(viewer)) {
          told.add(viewer)
          return lieTo(message, viewer)
        }
        return { ...message, Domain: domain }
      }
      control.wake('delta')
      await until('the lie was told', () => victims.every(({ nodeKey }) => told.has(nodeKey)))
      control.wake('delta')
      await heard(victims, domain)
    }
    once = undefined
  }

  const close = async (): Promise<void> => {
    for (const node of nodes.values()) await node.close()
    await control.close()
    rmSync(dir, { recursive: true, force: true })
  }

  return {
    control,
    admin,
    secret,
    authKey,
    utter(mode, lie) {
      once = lie
      control.wake(mode)
    },
    hush() {
      once = undefined
    },
    async join(name, { pin } = {}) {
      const node = await start(name)
      node.start({
        UpdatePrefs: {
          ...defaultPrefs,
          ControlURL: control.url,
          WantRunning: true,
          Hostname: name,
        },
        AuthKey: authKey,
        ...(pin !== undefined && { Pin: pin }),
      })
      return victim(name, node)
    },
    async restart({ name, node }) {
      await node.close()
      return victim(name, await start(name))
    },
    async lock(first, second) {
      const keys = [first, second].map((one) => ({
        kind: KeyKind.Ed25519,
        votes: 1n,
        public: lockKeyId(parseLockPublic(one.node.lock.status().PublicKey)),
        meta: null,
      }))
      await until(
        `${first.name} knows everybody`,
        () => first.node.peers().length === nodes.size - 1,
      )
      await first.node.lock.init({
        keys,
        disablementValues: [await disablementValue(secret)],
        supportDisablement: null,
        signUnknownNodes: false,
      })
      for (const [name, node] of nodes) {
        await until(`${name} is locked`, () => node.lock.status().NodeKeySigned)
        await node.settled()
      }
    },
    tell,
    setMapLie(lie) {
      always = lie
    },
    setTkaLie(lie) {
      tkaLie = lie
    },
    async honest(victims) {
      tkaLie = undefined
      always = undefined
      await tell('full', (message) => message, victims)
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** The head that the node would open after a crash: read from its files, not from its memory. */
export function persistedHead({ dir }: Victim): string {
  return openAuthority(openFileStore(diskFiles, join(dir, 'lock'), () => 0)).head
}

/** The head that the node says it has. */
export function livingHead({ node }: Victim): string {
  const head = node.lock.status().Head
  return head === null ? '' : aumHashFromBytes(head)
}

/** The secrets of a node, for attacks by a thief of its disk. */
export function stolenKeys({ dir }: Victim): { lockKey: LockPrivate; nodeKey: NodePrivate } {
  const state = JSON.parse(readFileSync(join(dir, 'node.json'), 'utf8')) as Record<string, string>
  return {
    lockKey: parseLockPrivate(state['lockKey'] ?? ''),
    nodeKey: parseNodePrivate(state['nodeKey'] ?? ''),
  }
}

/** A readable account of who is in and who is out, for failures. */
export function account({ node }: Victim): string {
  const { FilteredPeers } = node.lock.status()
  const admitted = node.peers().map(({ name }) => name)
  const refused = (FilteredPeers ?? []).map(({ Name, Reason }) => `${Name} (${Reason ?? '?'})`)
  return `admitted ${admitted.join(', ')}; refused ${refused.join(', ')}`
}
