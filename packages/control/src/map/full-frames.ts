// SPDX-License-Identifier: Apache-2.0

/**
 * Full messages as frames: the same for everybody but for a little. Records of nodes are compressed in groups, once
 * for each change within the group; only what is the viewer's own is compressed for it: its group without
 * itself, and all that comes before.
 *
 * @module
 */

import type { TailnetNode } from '../tailnet/node.ts'
import type { Tailnet } from '../tailnet/tailnet.ts'
import type { FrameCounters } from './frame-encoder.ts'
import { composeHead } from './full.ts'
import type { FullOptions } from './full.ts'
import { peerJson } from './node-json.ts'
import { compressPart, joinParts } from './zstd-join.ts'
import type { ZstdPart } from './zstd-join.ts'

/** Nodes that are compressed together: neighbours by number, which come and go together. */
const GROUP = 64
const LENGTH_BYTES = 4

interface PeerGroup {
  readonly nodes: readonly TailnetNode[]
  /** Each record with a comma before it, compressed; made when it is first wanted. */
  part: ZstdPart | undefined
}

/** Makes full frames for one tailnet. */
export class FullFrames {
  readonly #tailnet: Tailnet
  readonly #counters: FrameCounters
  #groups = new Map<number, PeerGroup>()
  #version = -1

  constructor(tailnet: Tailnet, counters: FrameCounters) {
    this.#tailnet = tailnet
    this.#counters = counters
  }

  /** The full message for one node, compressed, with its length in front, in pieces. */
  frame(viewer: TailnetNode, options: FullOptions): readonly Uint8Array[] {
    this.#counters.encodings++
    this.#regroup()
    const own = this.#ownGroup(viewer)
    const records = own.nodes
      .filter(({ row }) => row.id !== viewer.row.id)
      .map((node) => peerJson(this.#tailnet, node))
    const head = composeHead(this.#tailnet, viewer, options)
    const parts = [compressPart(`{${head},"Peers":[${records.join(',')}`)]
    for (const [id, group] of this.#groups) {
      if (group !== own && id !== groupOf(viewer)) parts.push(this.#partOf(group))
    }
    parts.push(END)
    const pieces = joinParts(parts, LENGTH_BYTES)
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0)
    pieces[0]?.writeUInt32LE(length - LENGTH_BYTES, 0)
    return pieces
  }

  /** The group of the viewer; another where it is alone, so that there is a record without a comma. */
  #ownGroup(viewer: TailnetNode): PeerGroup {
    const own = this.#groups.get(groupOf(viewer))
    if (own !== undefined && own.nodes.some(({ row }) => row.id !== viewer.row.id)) return own
    for (const [id, group] of this.#groups) if (id !== groupOf(viewer)) return group
    return { nodes: [], part: undefined }
  }

  #partOf(group: PeerGroup): ZstdPart {
    group.part ??= compressPart(
      group.nodes.map((node) => `,${peerJson(this.#tailnet, node)}`).join(''),
    )
    return group.part
  }

  /** Sorts the nodes into groups, and keeps those in which no record is another. */
  #regroup(): void {
    if (this.#version === this.#tailnet.version) return
    this.#version = this.#tailnet.version
    const sorted = new Map<number, TailnetNode[]>()
    for (const node of this.#tailnet.nodes.values()) {
      const list = sorted.get(groupOf(node))
      if (list === undefined) sorted.set(groupOf(node), [node])
      else list.push(node)
    }
    const groups = new Map<number, PeerGroup>()
    for (const [id, nodes] of sorted) {
      const before = this.#groups.get(id)
      const isSame =
        before?.nodes.length === nodes.length && before.nodes.every((node, i) => node === nodes[i])
      groups.set(id, isSame ? before : { nodes, part: undefined })
    }
    this.#groups = groups
  }
}

const END = compressPart(']}')

function groupOf({ row }: TailnetNode): number {
  return Math.floor(row.id / GROUP)
}
