// SPDX-License-Identifier: Apache-2.0

/**
 * A disk that is as unkind as POSIX lets it be. The process can die before any single step, and
 * what a restarted one may find is then every combination of:
 *
 *     names      each change of a directory that was not followed by an fsync of that directory has
 *                happened or not, in any order
 *     contents   bytes that were not fsynced are there, or not, or up to any byte, or as zeros
 *
 * A file lives behind its names: what is renamed or removed keeps what was synced of it.
 *
 * @module
 */

import { basename, dirname } from 'node:path'
import type { FileSystem } from '../../src/durable-file.ts'

/** Thrown instead of the step before which the process dies, and by every step after it. */
export class PowerCut extends Error {
  override readonly name = 'PowerCut'
}

export type CrashDisk = FileSystem & {
  /** Steps so far. */
  steps(): number
  /** Dies before the step of this number, counting from now. */
  dieAfter(steps: number): void
  /** Every disk that may be found now, each different from the others. */
  remains(): Iterable<CrashDisk>
  /** The same disk, with everything on it durable: where a test begins. */
  settled(): CrashDisk
  /** Paths of all files, and a text that is the same for the same disk. */
  paths(): readonly string[]
  print(): string
}

type FileNode = { kind: 'file'; bytes: Uint8Array; synced: Uint8Array }
type DirectoryNode = {
  kind: 'directory'
  live: Map<string, Node>
  durable: Map<string, Node>
  /** Changes since the last fsync; each happens as a whole. */
  pending: (readonly (readonly [string, Node | undefined])[])[]
}
type Node = FileNode | DirectoryNode

const empty = new Uint8Array()
const everyByteUpTo = 2000

function newDirectory(children: ReadonlyMap<string, Node> = new Map()): DirectoryNode {
  return { kind: 'directory', live: new Map(children), durable: new Map(children), pending: [] }
}

function apply(children: Map<string, Node>, change: DirectoryNode['pending'][number]): void {
  for (const [name, node] of change) {
    if (node === undefined) children.delete(name)
    else children.set(name, node)
  }
}

/** An empty disk. */
export function createCrashDisk(root: DirectoryNode = newDirectory()): CrashDisk {
  let count = 0
  let dieAt = Number.POSITIVE_INFINITY
  const step = (): void => {
    if (count >= dieAt) throw new PowerCut('The power went')
    count++
  }
  const find = (path: string): Node | undefined => {
    let node: Node | undefined = root
    for (const name of path.split('/').filter(Boolean)) {
      node = node?.kind === 'directory' ? node.live.get(name) : undefined
    }
    return node
  }
  const directory = (path: string): DirectoryNode => {
    const node = find(path)
    if (node?.kind !== 'directory') throw new Error(`No directory ${path}`)
    return node
  }
  const fileAt = (path: string): FileNode | undefined => {
    const node = find(path)
    return node?.kind === 'file' ? node : undefined
  }
  const change = (parent: DirectoryNode, ...names: [string, Node | undefined][]): void => {
    step()
    apply(parent.live, names)
    parent.pending.push(names)
  }
  const opened = (path: string): FileNode => {
    const found = fileAt(path)
    if (found) return found
    const made: FileNode = { kind: 'file', bytes: empty, synced: empty }
    change(directory(dirname(path)), [basename(path), made])
    return made
  }
  const fsync = (path: string): void => {
    const node = find(path)
    if (node === undefined) throw new Error(`No file ${path}`)
    step()
    if (node.kind === 'file') node.synced = node.bytes
    else {
      node.durable = new Map(node.live)
      node.pending = []
    }
  }
  const remove = (path: string): void => {
    const node = find(path)
    if (node === undefined) return
    if (node.kind === 'directory') for (const name of node.live.keys()) remove(`${path}/${name}`)
    change(directory(dirname(path)), [basename(path), undefined])
  }
  return {
    read: (path) => fileAt(path)?.bytes.slice(),
    writeSynced(path, content) {
      const file = opened(path)
      step()
      file.bytes = empty
      step()
      file.bytes = content.slice()
      fsync(path)
    },
    append(path, content) {
      const file = opened(path)
      step()
      file.bytes = new Uint8Array(Buffer.concat([file.bytes, content]))
    },
    sync: fsync,
    rename(from, to) {
      const [parent, node] = [directory(dirname(from)), find(from)]
      if (dirname(from) !== dirname(to) || !node) throw new Error(`Cannot rename ${from}`)
      change(parent, [basename(from), undefined], [basename(to), node])
    },
    syncDirectory: fsync,
    makeDirectory(path) {
      if (find(path) !== undefined) return
      change(directory(dirname(path)), [basename(path), newDirectory()])
      fsync(dirname(path))
    },
    list(path) {
      const node = find(path)
      return node?.kind === 'directory' ? [...node.live.keys()] : undefined
    },
    remove,
    steps: () => count,
    dieAfter(steps) {
      dieAt = count + steps
    },
    *remains() {
      const seen = new Set<string>()
      for (const found of variants(root)) {
        if (found.kind !== 'directory') continue
        const disk = createCrashDisk(found)
        const print = disk.print()
        if (seen.has(print)) continue
        seen.add(print)
        yield disk
      }
    },
    settled: () => createCrashDisk(copy(root)),
    paths: () => [...filesIn(root, '')].map(([path]) => path),
    print: () =>
      [...filesIn(root, '')]
        .map(([path, { bytes }]) => `${path} ${Buffer.from(bytes).toString('latin1')}`)
        .sort()
        .join('\n'),
  }
}

function* filesIn(node: DirectoryNode, path: string): Generator<[string, FileNode]> {
  for (const [name, child] of node.live) {
    if (child.kind === 'file') yield [`${path}/${name}`, child]
    else yield* filesIn(child, `${path}/${name}`)
  }
}

function copy(node: DirectoryNode): DirectoryNode {
  return newDirectory(
    new Map(
      [...node.live].map(([name, child]) => [
        name,
        child.kind === 'directory' ? copy(child) : wholeFile(child.bytes),
      ]),
    ),
  )
}

function wholeFile(bytes: Uint8Array): FileNode {
  return { kind: 'file', bytes, synced: bytes }
}

function* variants(node: Node): Generator<Node> {
  if (node.kind === 'file') {
    for (const bytes of contents(node)) yield wholeFile(bytes)
    return
  }
  for (const changes of subsets(node.pending)) {
    const children = new Map(node.durable)
    for (const made of changes) apply(children, made)
    for (const chosen of product([...children])) yield newDirectory(new Map(chosen))
  }
}

/** Every content that a file may turn out to have. */
function* contents({ bytes, synced }: FileNode): Generator<Uint8Array> {
  yield bytes
  if (bytes === synced) return
  const isGrown = synced.every((byte, at) => bytes[at] === byte)
  const start = isGrown ? synced.length : 0
  if (!isGrown) yield synced
  for (let length = start; length < bytes.length; length++) {
    // At every byte, unless there are very many: then at the ends and here and there.
    const fromEnds = Math.min(length - start, bytes.length - length)
    if (bytes.length - start > everyByteUpTo && fromEnds > 20 && fromEnds % 997 !== 0) continue
    yield bytes.slice(0, length)
    // The new length was written, the bytes were not.
    yield bytes.map((byte, at) => (at < length ? byte : 0))
  }
}

function* subsets<T>(items: readonly T[]): Generator<readonly T[]> {
  const [first, ...rest] = items
  if (first === undefined) {
    yield []
    return
  }
  for (const chosen of subsets(rest)) {
    yield [first, ...chosen]
    yield chosen
  }
}

function* product(items: readonly [string, Node][]): Generator<[string, Node][]> {
  const [first, ...rest] = items
  if (first === undefined) {
    yield []
    return
  }
  const [name, node] = first
  for (const others of product(rest)) {
    for (const chosen of variants(node)) yield [[name, chosen], ...others]
  }
}
