// SPDX-License-Identifier: Apache-2.0

/**
 * `node.json`: the node's keys, preferences, and what it must not forget about the lock.
 *
 * The file is replaced as one step and only its owner can read it. A file that cannot be understood
 * is an error and stays as it is: starting over would mean a new machine, and an unlocked one.
 *
 * @module
 */

import { join } from 'node:path'
import { decodeUtf8, encodeUtf8 } from '@signet/codec'
import {
  generateMachineKey,
  parseLockPrivate,
  parseMachinePrivate,
  parseNodePrivate,
  privateKeyText,
  type LockPrivate,
  type MachinePrivate,
  type NodePrivate,
} from '@signet/keys'
import { defaultPrefs, encodePrefs, parsePrefs, type Prefs } from '@signet/protocol/local-api'
import { replaceFile, type FileSystem } from './durable-file.ts'
import { NodeError, reasonOf } from './errors.ts'

/** The user that the server names as the owner of this node. */
export type LoginProfile = {
  readonly id: number
  readonly loginName: string
  readonly displayName: string
}

/** The mark of a lock that was in force here: a node that has it never runs without that lock. */
export type LockMark = {
  /** Both state ids, "1:2". */
  readonly stateId: string
  /** Hash text of the update that the authority began with. */
  readonly genesis: string
  /** Hash text of the newest update that the gate has judged by. */
  readonly head: string
}

/** Everything in the file. */
export type NodeState = {
  readonly machineKey: MachinePrivate
  readonly nodeKey: NodePrivate | null
  /** The key before, while the server may still know the node by it. */
  readonly oldNodeKey: NodePrivate | null
  readonly lockKey: LockPrivate | null
  readonly prefs: Prefs
  readonly login: LoginProfile | null
  /** The fingerprint of the lock that this node must find, '' for none. */
  readonly pin: string
  readonly wasLocked: LockMark | null
  /** State ids ("1:2") of locks that the owner of this node has left with local-disable. */
  readonly disallowedStateIds: readonly string[]
}

/** The state of one node, in memory and on disk. */
export type StateFile = {
  get(): NodeState
  /** Changes some of it; durable when it returns. */
  update(change: Partial<NodeState>): NodeState
}

/** The file's name in the state directory. */
export const stateFileName = 'node.json'

/**
 * Opens the state, making a machine key when there is none yet.
 *
 * @throws NodeError state-corrupt, state-io
 */
export function openStateFile(files: FileSystem, directory: string): StateFile {
  const path = join(directory, stateFileName)
  const save = (state: NodeState): void => {
    try {
      replaceFile(files, path, encodeState(state), 0o600)
    } catch (cause) {
      throw new NodeError('state-io', `Cannot write ${path}: ${reasonOf(cause)}`, { cause })
    }
  }
  files.makeDirectory(directory, 0o700)
  const bytes = files.read(path)
  let state = bytes === undefined ? newState() : parseState(bytes, path)
  if (bytes === undefined) save(state)
  return {
    get: () => state,
    update(change) {
      const next = { ...state, ...change }
      save(next)
      state = next
      return state
    },
  }
}

function newState(): NodeState {
  return {
    machineKey: generateMachineKey(),
    nodeKey: null,
    oldNodeKey: null,
    lockKey: null,
    prefs: defaultPrefs,
    login: null,
    pin: '',
    wasLocked: null,
    disallowedStateIds: [],
  }
}

function encodeState(state: NodeState): Uint8Array {
  const prefs: unknown = JSON.parse(encodePrefs(state.prefs))
  const json = {
    version: 1,
    machineKey: privateKeyText(state.machineKey),
    nodeKey: state.nodeKey && privateKeyText(state.nodeKey),
    oldNodeKey: state.oldNodeKey && privateKeyText(state.oldNodeKey),
    lockKey: state.lockKey && privateKeyText(state.lockKey),
    prefs,
    login: state.login,
    pin: state.pin,
    wasLocked: state.wasLocked,
    disallowedStateIds: state.disallowedStateIds,
  }
  return encodeUtf8(`${JSON.stringify(json, null, 2)}\n`)
}

function parseState(bytes: Uint8Array, path: string): NodeState {
  try {
    const json: unknown = JSON.parse(decodeUtf8(bytes))
    if (!isObject(json)) throw new Error('expected an object')
    if (json['version'] !== 1) throw new Error('unknown version')
    return {
      machineKey: parseMachinePrivate(text(json, 'machineKey')),
      nodeKey: optional(json, 'nodeKey', parseNodePrivate),
      oldNodeKey: optional(json, 'oldNodeKey', parseNodePrivate),
      lockKey: optional(json, 'lockKey', parseLockPrivate),
      prefs: parsePrefs(JSON.stringify(json['prefs'] ?? {})),
      login: parseLogin(json['login']),
      pin: text(json, 'pin'),
      wasLocked: parseMark(json['wasLocked']),
      disallowedStateIds: texts(json, 'disallowedStateIds'),
    }
  } catch (cause) {
    // The cause may quote the file, and with it a key: its text stays out of the message.
    throw new NodeError(
      'state-corrupt',
      `Cannot read ${path}: it is damaged. Nothing was changed; restore it from a backup, or move it away to start as a new machine`,
      { cause: cause instanceof Error ? new Error(cause.name) : undefined },
    )
  }
}

type Json = Readonly<Record<string, unknown>>

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function text(json: Json, name: string): string {
  const value = json[name]
  if (typeof value !== 'string') throw new TypeError(`${name} is not a text`)
  return value
}

function texts(json: Json, name: string): readonly string[] {
  const value = json[name]
  if (!Array.isArray(value) || value.some((item) => typeof item !== 'string')) {
    throw new TypeError(`${name} is not a list of texts`)
  }
  return value.map(String)
}

function optional<T>(json: Json, name: string, parse: (value: string) => T): T | null {
  return json[name] === null || json[name] === undefined ? null : parse(text(json, name))
}

function parseLogin(value: unknown): LoginProfile | null {
  if (value === null || value === undefined) return null
  if (!isObject(value)) throw new TypeError('login is not an object')
  return {
    id: Number(value['id']),
    loginName: text(value, 'loginName'),
    displayName: text(value, 'displayName'),
  }
}

/** A mark that is there but not readable must not become "never locked". */
function parseMark(value: unknown): LockMark | null {
  if (value === null) return null
  if (!isObject(value)) throw new TypeError('wasLocked is not an object')
  return {
    stateId: text(value, 'stateId'),
    genesis: text(value, 'genesis'),
    head: text(value, 'head'),
  }
}

/** The node key of a node that has logged in. @throws NodeError not-logged-in */
export function requireNodeKey({ nodeKey }: NodeState): NodePrivate {
  if (nodeKey === null) throw new NodeError('not-logged-in', 'This node is not logged in')
  return nodeKey
}

/** The lock key of a node that has logged in. @throws NodeError not-logged-in */
export function requireLockKey({ lockKey }: NodeState): LockPrivate {
  if (lockKey === null) throw new NodeError('not-logged-in', 'This node is not logged in')
  return lockKey
}
