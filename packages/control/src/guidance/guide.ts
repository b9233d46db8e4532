// SPDX-License-Identifier: Apache-2.0

/**
 * The guidance of every node of one tailnet, computed when it is asked for and remembered until something
 * changes that it follows from: the settings, or who owns which node with which tags, addresses and routes.
 * That a node moved to another network or went offline costs nothing here.
 *
 * @module
 */

import { dnsConfig, encodeJson } from '@signet/protocol'
import { directoryOf, policyKey } from '../policy/directory.ts'
import type { Directory } from '../policy/directory.ts'
import { parseHostinfo } from '../tailnet/hostinfo.ts'
import type { TailnetNode } from '../tailnet/node.ts'
import type { Tailnet } from '../tailnet/tailnet.ts'
import { clientVersionJson } from './client-version.ts'
import { dnsConfigFor } from './dns.ts'
import { guidanceParts } from './guidance.ts'
import type { Attributes, Guidance } from './guidance.ts'
import type { GuidanceSettings } from './settings.ts'

/**
 * Every node may reach every other: the filter without a policy. Who may be a peer at all is not decided here,
 * but by the lock, on the nodes.
 */
export const ALLOW_ALL =
  '{"base":[{"SrcIPs":["*"],"DstPorts":[{"IP":"*","Ports":{"First":0,"Last":65535}}]}]}'

const NO_SSH = '{"rules":[]}'

/** Those that are gone are forgotten when so many more than twice the nodes are remembered. */
const FORGET_FROM = 64

/** Gives each node its guidance. */
export class Guide {
  readonly #tailnet: Tailnet
  readonly #settings: () => GuidanceSettings
  readonly #given = new Map<number, { readonly guidance: Guidance; generation: number }>()
  readonly #nodeKeys = new Map<number, string>()
  #seen: GuidanceSettings | undefined
  #version = -1
  #generation = 0
  #dns = ''
  #everybody: Attributes = {}
  #directory: Directory | undefined

  constructor(tailnet: Tailnet, settings: () => GuidanceSettings) {
    this.#tailnet = tailnet
    this.#settings = settings
  }

  /** Nodes whose guidance is remembered. */
  get size(): number {
    return this.#given.size
  }

  /** What this node is told. The same object as the last time when nothing in it differs. */
  for(node: TailnetNode): Guidance {
    this.#refresh()
    const { id } = node.row
    const before = this.#given.get(id)
    // What follows from the client's own version is not worth watching its host information for.
    if (before?.generation === this.#generation) return before.guidance
    const made = this.#make(node)
    const guidance = before === undefined ? made : keepSame(before.guidance, made)
    this.#given.set(id, { guidance, generation: this.#generation })
    if (this.#given.size > 2 * this.#tailnet.nodes.size + FORGET_FROM) this.#forgetRemoved()
    return guidance
  }

  #make(node: TailnetNode): Guidance {
    const { policy, latestClient } = this.#settings()
    const clientVersion =
      latestClient === null
        ? null
        : clientVersionJson(parseHostinfo(node.row.hostinfo), latestClient)
    const common = { dns: this.#dns, clientVersion }
    if (policy === null) {
      return { ...common, filters: ALLOW_ALL, ssh: NO_SSH, attributes: this.#everybody }
    }
    this.#directory ??= directoryOf(this.#tailnet)
    const ruled = policy.forNode(this.#directory, node.row.id)
    return {
      ...common,
      filters: ruled.filters,
      ssh: ruled.ssh,
      attributes: { ...this.#everybody, ...ruled.attributes },
    }
  }

  #refresh(): void {
    const settings = this.#settings()
    if (this.#seen !== settings) {
      this.#seen = settings
      this.#dns = encodeJson(dnsConfig, dnsConfigFor(settings.dns, this.#tailnet.row.domain))
      this.#everybody = Object.fromEntries(settings.nodeAttributes.map((name) => [name, null]))
      this.#startOver()
    }
    if (this.#version === this.#tailnet.version) return
    const from = this.#version
    this.#version = this.#tailnet.version
    if (settings.policy !== null && this.#hasChanged(from)) this.#startOver()
  }

  #startOver(): void {
    this.#generation++
    this.#directory = undefined
    if (this.#settings().policy === null) return
    this.#version = this.#tailnet.version
    this.#nodeKeys.clear()
    for (const [id, node] of this.#tailnet.nodes) {
      this.#nodeKeys.set(id, policyKey(this.#tailnet, node.row))
    }
    this.#forgetRemoved()
  }

  #forgetRemoved(): void {
    for (const id of this.#given.keys()) if (!this.#tailnet.nodes.has(id)) this.#given.delete(id)
  }

  /** Whether anything since `from` concerns the policy. */
  #hasChanged(from: number): boolean {
    const slice = this.#tailnet.journal.since(from)
    if (slice === null || slice.removed.length > 0) return true
    for (const id of this.#tailnet.users.keys()) {
      if (this.#tailnet.userStamp(id) > from) return true
    }
    return slice.changed.some((id) => {
      const node = this.#tailnet.nodes.get(id)
      return node !== undefined && this.#nodeKeys.get(id) !== policyKey(this.#tailnet, node.row)
    })
  }
}

/** What is equal stays the same object: sessions compare no contents. */
function keepSame(before: Guidance, now: Guidance): Guidance {
  const isSame = JSON.stringify(before.attributes) === JSON.stringify(now.attributes)
  if (isSame && guidanceParts(before, now).length === 0) return before
  return isSame ? { ...now, attributes: before.attributes } : now
}
