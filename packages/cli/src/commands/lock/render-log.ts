// SPDX-License-Identifier: Apache-2.0

/**
 * `lock log` for people, laid out as the official command does.
 *
 * @module
 */

import { toBase64, toHex } from '@signet/codec'
import type { LockUpdate } from '@signet/protocol/local-api'
import { aumHash, aumHashText, decodeAum, type Aum, type Key, type State } from '@signet/tka'
import { indentJson } from '../../indent-json.ts'
import { goText, keyKindText, keyText } from './texts.ts'

/** Returns the text of updates, in the order given. */
export function lockLogText(updates: readonly LockUpdate[], colour: boolean): string {
  return updates.map((update) => `${stanza(update, colour)}\n`).join('')
}

function stanza(update: LockUpdate, colour: boolean): string {
  const aum = decodeAum(update.Raw)
  const title = `update ${aumHashText(aumHash(aum))} (${update.Change})`
  const lines = [colour ? `\u001b[33m${title}\u001b[0m` : title, ...body(aum, update.Change)]
  return lines.map((line) => `${line}\n`).join('')
}

function body(aum: Aum, change: string): string[] {
  switch (change) {
    case 'add-key':
      return aum.key === null ? [] : keyLines(aum.key, '')
    case 'remove-key':
      return [`KeyID: ${keyText(aum.keyId ?? new Uint8Array())}`]
    case 'update-key':
      return [
        `KeyID: ${keyText(aum.keyId ?? new Uint8Array())}`,
        ...(aum.votes === null ? [] : [`Votes: ${aum.votes}`]),
        ...(aum.meta === null ? [] : [`Metadata: ${goMap(aum.meta)}`]),
      ]
    case 'checkpoint':
      return aum.state === null ? [] : stateLines(aum.state)
    default:
      return [indentJson(aumJson(aum), '\t'), '']
  }
}

function keyLines(key: Key, prefix: string): string[] {
  const id = key.kind === 1 ? keyText(key.public ?? new Uint8Array()) : '<Error: unknown key kind>'
  return [
    `${prefix}Type: ${keyKindText(key.kind)}`,
    `${prefix}KeyID: ${id}`,
    ...(key.meta === null ? [] : [`${prefix}Metadata: ${goMap(key.meta)}`]),
  ]
}

function stateLines(state: State): string[] {
  return [
    'Disablement values:',
    ...(state.disablementValues ?? []).map((value) => ` - ${toHex(value ?? new Uint8Array())}`),
    'Keys:',
    ...(state.keys ?? []).flatMap((key) => keyLines(key, '  ')),
  ]
}

/** A string map as Go prints one. */
function goMap(map: ReadonlyMap<string, string>): string {
  const entries = [...map].sort(([a], [b]) => (a < b ? -1 : 1))
  return `map[${entries.map(([name, value]) => `${name}:${value}`).join(' ')}]`
}

/** An update of a kind that has no layout of its own: its fields, as Go's JSON of tka.AUM. */
function aumJson(aum: Aum): string {
  const signatures = aum.signatures?.map(
    ({ keyId, signature }) => `{"KeyID":${bytes(keyId)},"Signature":${bytes(signature)}}`,
  )
  return [
    `{"MessageKind":${aum.kind}`,
    `"PrevAUMHash":${bytes(aum.prev)}`,
    `"Key":${aum.key === null ? 'null' : keyJson(aum.key)}`,
    `"KeyID":${bytes(aum.keyId)}`,
    `"State":${aum.state === null ? 'null' : stateJson(aum.state)}`,
    `"Votes":${aum.votes ?? 'null'}`,
    `"Meta":${mapJson(aum.meta)}`,
    `"Signatures":${signatures === undefined ? 'null' : `[${signatures.join(',')}]`}}`,
  ].join(',')
}

function keyJson(key: Key): string {
  return `{"Kind":${key.kind},"Votes":${key.votes},"Public":${bytes(key.public)},"Meta":${mapJson(key.meta)}}`
}

function stateJson(state: State): string {
  const values = state.disablementValues?.map(bytes)
  const keys = state.keys?.map(keyJson)
  return [
    `{"LastAUMHash":${state.lastAumHash === null ? 'null' : goText(aumHashText(state.lastAumHash))}`,
    `"DisablementValues":${values === undefined ? 'null' : `[${values.join(',')}]`}`,
    `"Keys":${keys === undefined ? 'null' : `[${keys.join(',')}]`}`,
    `"StateID1":${state.stateId1}`,
    `"StateID2":${state.stateId2}}`,
  ].join(',')
}

function bytes(value: Uint8Array | null): string {
  return value === null ? 'null' : `"${toBase64(value)}"`
}

function mapJson(map: ReadonlyMap<string, string> | null): string {
  if (map === null) return 'null'
  const entries = [...map].sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([name, value]) => `${goText(name)}:${goText(value)}`).join(',')}}`
}
