// SPDX-License-Identifier: Apache-2.0

/**
 * What this node remembers of rotations, so that nobody can take it back to an older key.
 *
 * Signatures carry no time: a server can show the signature of a key that its owner replaced years
 * ago, and leave out the newer one. So a key that a valid rotation named as replaced stays refused,
 * on disk too, and of chains that began with the same signature only one at least as long as the
 * longest ever seen is taken.
 *
 * @module
 */

import { decodeUtf8, encodeUtf8 } from '@signet/codec'
import { parseNodePublic, type NodePublic } from '@signet/keys'
import { replaceFile, type FileSystem } from '../durable-file.ts'
import { NodeError } from '../errors.ts'
import { maxRememberedRotations } from '../limits.ts'

/** A valid rotation, as the gate saw it. */
export type SeenRotation = {
  readonly nodeKey: NodePublic
  /** The keys that it replaced, newest first. */
  readonly replaced: readonly NodePublic[]
  /** Names the direct signature that the chain began with; '' for other chains. */
  readonly root: string
}

/** The memory of one lock. */
export type RotationMemory = {
  /** The key that replaced this one, when a valid rotation did. */
  replacedBy(nodeKey: NodePublic): NodePublic | undefined
  /** How many keys the longest chain from that first signature had replaced; 0 when none is known. */
  longest(root: string): number
  /** Remembers; durable when it returns. Costs nothing when nothing is new. */
  learn(rotations: readonly SeenRotation[]): void
  /** Forgets one key, by the will of this node's owner. True if it was remembered. */
  forgive(nodeKey: NodePublic): boolean
}

type Content = {
  readonly replaced: Map<NodePublic, NodePublic>
  readonly chains: Map<string, number>
}

/**
 * Opens the memory in a file; a missing file is an empty memory, unless `mustExist`.
 *
 * @throws NodeError lock-broken when the file is damaged, or missing where it must not be
 */
export function openRotationMemory(
  files: FileSystem,
  path: string,
  options: { readonly mustExist: boolean },
): RotationMemory {
  const bytes = files.read(path)
  if (bytes === undefined && options.mustExist) {
    throw new NodeError('lock-broken', `The list of replaced node keys is missing: ${path}`)
  }
  const content: Content = bytes === undefined ? empty() : parse(bytes, path)
  /** What could not be written once has to be written before anything is decided by it. */
  let isUnsaved = bytes === undefined
  const save = (): void => {
    isUnsaved = true
    replaceFile(files, path, encode(content), 0o600)
    isUnsaved = false
  }
  if (isUnsaved) save()
  return {
    replacedBy: (nodeKey) => content.replaced.get(nodeKey),
    longest: (root) => content.chains.get(root) ?? 0,
    learn(rotations) {
      if (add(content, rotations) || isUnsaved) save()
    },
    forgive(nodeKey) {
      const known = content.replaced.delete(nodeKey)
      if (known) save()
      return known
    },
  }
}

function empty(): Content {
  return { replaced: new Map(), chains: new Map() }
}

function add(content: Content, rotations: readonly SeenRotation[]): boolean {
  let changed = false
  for (const { nodeKey, replaced, root } of rotations) {
    for (const old of replaced) {
      if (old === nodeKey || content.replaced.has(old)) continue
      content.replaced.set(old, nodeKey)
      changed = true
    }
    if (root !== '' && replaced.length > (content.chains.get(root) ?? 0)) {
      content.chains.set(root, replaced.length)
      changed = true
    }
  }
  if (changed) {
    dropOldest(content.replaced)
    dropOldest(content.chains)
  }
  return changed
}

/** Whoever holds the wrapping key of a signed node can make entries, as many as it likes: so the memory is bounded. */
function dropOldest(map: Map<unknown, unknown>): void {
  for (const key of map.keys()) {
    if (map.size <= maxRememberedRotations) return
    map.delete(key)
  }
}

function encode(content: Content): Uint8Array {
  const json = {
    version: 1,
    replaced: Object.fromEntries(content.replaced),
    chains: Object.fromEntries(content.chains),
  }
  return encodeUtf8(`${JSON.stringify(json, null, 1)}\n`)
}

function parse(bytes: Uint8Array, path: string): Content {
  try {
    const json: unknown = JSON.parse(decodeUtf8(bytes))
    if (!isObject(json) || json['version'] !== 1) throw new Error('Unknown version')
    const { replaced, chains } = json
    if (!isObject(replaced) || !isObject(chains)) throw new Error('Missing lists')
    return {
      replaced: new Map(
        Object.entries(replaced).map(([old, by]) => [
          parseNodePublic(old),
          parseNodePublic(String(by)),
        ]),
      ),
      chains: new Map(Object.entries(chains).map(([root, length]) => [root, toCount(length)])),
    }
  } catch (cause) {
    throw new NodeError('lock-broken', `The list of replaced node keys is damaged: ${path}`, {
      cause,
    })
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function toCount(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw new Error('Chain length is not a number')
  }
  return value
}
