// SPDX-License-Identifier: Apache-2.0

/**
 * Real nodes (state on disk, local API on a unix socket, WireGuard over loopback UDP) under a
 * control server in the process, which tells each of them about all others.
 *
 * @module
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { NodePublic } from '@signet/keys'
import type { ControlNode, MapResponse, TKAInfo } from '@signet/protocol'
import { defaultPrefs, type LocalClient } from '@signet/protocol/local-api'
import { decodeNodeKeySignature, parseSignedNodeKey } from '@signet/tka'
import type { NodeLog } from '../../src/log.ts'
import { startNode } from '../../src/start-node.ts'
import type { SignetNode } from '../../src/signet-node.ts'
import { localClient } from './api-client.ts'
import { createFakeControl, type FakeControl } from './fake-control.ts'
import type { LockServer } from './lock-server.ts'

const ALL_PORTS = { First: 0, Last: 65_535 }

export type TestNode = {
  readonly node: SignetNode
  readonly api: LocalClient
  readonly socketPath: string
  readonly stateDir: string
  readonly control: FakeControl
  readonly key: () => NodePublic
}

export type TestTailnet = {
  /** Starts a node that has joined, and returns when it runs. */
  join(name: string, options?: { authKey?: string; pin?: string }): Promise<TestNode>
  /** Starts a node from a directory, without telling it to do anything. */
  boot(name: string): Promise<TestNode>
  /** Sends everybody the whole map as the server knows it. */
  push(): void
  /** Extra or edited peers in everybody's map. */
  edit: (message: MapResponse, viewer: NodePublic) => MapResponse
  /** What the server says about the lock; undefined is silence. */
  lockInfo: () => TKAInfo | undefined
  /** Signatures that the server hands out, by node key. */
  readonly signatures: Map<NodePublic, Uint8Array>
  /** Lock calls of all nodes. */
  lock: LockServer | undefined
  /** Settles when the condition holds for all nodes; asks again after each turn of the loop. */
  until(condition: () => boolean): Promise<void>
}

export function createTestTailnet(t: TestContext, log?: NodeLog): TestTailnet {
  const parent = mkdtempSync(join(tmpdir(), 'signet-node-'))
  const nodes: TestNode[] = []
  const known = new Map<NodePublic, { id: number; endpoints: readonly string[]; name: string }>()
  let nextId = 1
  t.after(async () => {
    await Promise.all(nodes.map(({ node }) => node.close()))
    rmSync(parent, { recursive: true, force: true })
  })

  const describe = (key: NodePublic): ControlNode => {
    const { id, endpoints, name } = known.get(key) ?? { id: 0, endpoints: [], name: '' }
    const signature = tailnet.signatures.get(key)
    return {
      ID: id,
      StableID: `n${id}`,
      Name: `${name}.test.example.`,
      User: 1,
      Key: key,
      Addresses: [`100.64.0.${id}/32`],
      Endpoints: endpoints,
      MachineAuthorized: true,
      Online: true,
      CapMap: { 'https://tailscale.com/cap/tailnet-lock': [] },
      ...(signature && { KeySignature: signature }),
    }
  }
  const mapFor = (viewer: NodePublic): MapResponse => {
    const info = tailnet.lockInfo()
    const message: MapResponse = {
      Node: describe(viewer),
      Peers: [...known.keys()].filter((key) => key !== viewer).map(describe),
      UserProfiles: [{ ID: 1, LoginName: 'ann', DisplayName: 'Ann' }],
      Domain: 'test.example',
      PacketFilters: { base: [{ SrcIPs: ['*'], DstPorts: [{ IP: '*', Ports: ALL_PORTS }] }] },
      ...(info && { TKAInfo: info }),
    }
    return tailnet.edit(message, viewer)
  }

  const boot = async (name: string): Promise<TestNode> => {
    const control = createFakeControl()
    const stateDir = join(parent, name)
    control.firstMessage = (request) => {
      known.set(request.NodeKey, {
        id: known.get(request.NodeKey)?.id ?? nextId++,
        endpoints: request.Endpoints ?? [],
        name,
      })
      setImmediate(() => tailnet.push())
      return mapFor(request.NodeKey)
    }
    const { lock } = tailnet
    if (lock) {
      control.lock = {
        ...lock.rpc,
        // What a server does with a signature: keep it for the node, and tell everybody.
        async sign(signature) {
          await lock.rpc.sign(signature)
          const { pubkey } = decodeNodeKeySignature(signature)
          tailnet.signatures.set(parseSignedNodeKey(pubkey), signature)
          tailnet.push()
        },
      }
    }
    const node = await startNode({
      stateDir,
      bind: '127.0.0.1',
      createDialer: () => control.dial,
      ...(log && { logger: log }),
    })
    const socketPath = join(stateDir, 'node.sock')
    const one: TestNode = {
      node,
      api: localClient(socketPath),
      socketPath,
      stateDir,
      control,
      key: () => (node.status().Self?.PublicKey ?? '') as NodePublic,
    }
    nodes.push(one)
    return one
  }

  const tailnet: TestTailnet = {
    boot,
    async join(name, { authKey = 'tskey-auth-a-b', pin = '' } = {}) {
      const one = await boot(name)
      await one.api.start({
        UpdatePrefs: {
          ...defaultPrefs,
          ControlURL: 'http://fake',
          WantRunning: true,
          Hostname: name,
        },
        AuthKey: authKey,
        ...(pin !== '' && { Pin: pin }),
      })
      await tailnet.until(() => one.node.status().BackendState === 'Running')
      return one
    },
    push() {
      for (const { control } of nodes) {
        const stream = control.streams.findLast(({ isOpen }) => isOpen)
        stream?.push(mapFor(stream.request.NodeKey))
      }
    },
    edit: (message) => message,
    lockInfo: () => undefined,
    signatures: new Map(),
    lock: undefined,
    async until(condition) {
      const end = Date.now() + 10_000
      while (!condition()) {
        if (Date.now() > end) throw new Error(`It did not come true: ${String(condition)}`)
        await new Promise((resolve) => setTimeout(resolve, 2))
      }
    },
  }
  return tailnet
}
