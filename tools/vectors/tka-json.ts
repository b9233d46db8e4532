// SPDX-License-Identifier: Apache-2.0
/** Adapter for vectors/tka/json.json: lock messages and local-API types as JSON. */

import { toHex } from '@signet/codec'
import * as protocol from '@signet/protocol'
import type { Codec } from '@signet/protocol'
import * as local from '@signet/protocol/local-api'
import {
  aumHashFromBytes,
  aumHashText,
  decodeNodeKeySignature,
  encodeNodeKeySignature,
} from '@signet/tka'
import type { NodeKeySignature } from '@signet/tka'
import { bool, hex, json, ShapeError, text } from './fields.ts'
import type { Fields, Json } from './fields.ts'
import { byKind, eachCase } from './format.ts'
import type { Format } from './format.ts'
import { checkJson } from './json-text.ts'

/** A type: its JSON read and written again, and what was read between. */
type RoundTrip = (source: string) => { readonly value: unknown; readonly json: string }

function of<T>(codec: Codec<T>): RoundTrip {
  return (source) => {
    const value = protocol.parseJson(codec, source)
    return { value, json: protocol.encodeJson(codec, value) }
  }
}

const types: ReadonlyMap<string, RoundTrip> = new Map([
  ['TKAInitBeginRequest', of(protocol.tkaInitBeginRequest)],
  ['TKAInitBeginResponse', of(protocol.tkaInitBeginResponse)],
  ['TKAInitFinishRequest', of(protocol.tkaInitFinishRequest)],
  ['TKAInitFinishResponse', of(protocol.tkaEmptyResponse)],
  ['TKAInfo', of(protocol.tkaInfo)],
  ['TKABootstrapRequest', of(protocol.tkaBootstrapRequest)],
  ['TKABootstrapResponse', of(protocol.tkaBootstrapResponse)],
  ['TKASyncOfferRequest', of(protocol.tkaSyncOfferRequest)],
  ['TKASyncOfferResponse', of(protocol.tkaSyncOfferResponse)],
  ['TKASyncSendRequest', of(protocol.tkaSyncSendRequest)],
  ['TKASyncSendResponse', of(protocol.tkaSyncSendResponse)],
  ['TKADisableRequest', of(protocol.tkaDisableRequest)],
  ['TKADisableResponse', of(protocol.tkaEmptyResponse)],
  ['TKASubmitSignatureRequest', of(protocol.tkaSubmitSignatureRequest)],
  ['TKASubmitSignatureResponse', of(protocol.tkaEmptyResponse)],
  ['TKASignaturesUsingKeyRequest', of(protocol.tkaSignaturesUsingKeyRequest)],
  ['TKASignaturesUsingKeyResponse', of(protocol.tkaSignaturesUsingKeyResponse)],
  [
    'ipnstate.TailnetLockStatus',
    (source) => {
      const value = local.parseLockStatus(source)
      return { value, json: local.encodeLockStatus(value) }
    },
  ],
  [
    'ipnstate.TailnetLockUpdate',
    (source) => {
      const [value] = local.parseLockLog(`[${source}]`)
      if (!value) throw new RangeError('no update was read')
      return { value, json: local.encodeLockUpdate(value) }
    },
  ],
  [
    'tka.Key',
    (source) => {
      const [value] = local.parseLockModifyRequest(`{"AddKeys":[${source}]}`).AddKeys ?? []
      if (!value) throw new RangeError('no key was read')
      return { value, json: local.encodeLockKey(value) }
    },
  ],
  [
    'tka.DeeplinkValidationResult',
    (source) => {
      const value = local.parseDeeplinkResult(source)
      return { value, json: local.encodeDeeplinkResult(value) }
    },
  ],
])

/**
 * A value as a case writes it: bytes in hex, keys without prefix, metadata as pairs, signatures as
 * their bytes. Members that are zero in Go are left out, on both sides.
 */
function goValue(value: unknown, name = ''): unknown {
  if (value instanceof Uint8Array) return toHex(value)
  if (typeof value === 'bigint') return value === 0n ? undefined : String(value)
  if (typeof value === 'string') return goText(value, name)
  if (value === null || value === false || value === 0) return undefined
  if (typeof value !== 'object') return value
  if (Array.isArray(value)) {
    const items: unknown[] = value
    return items.map((item) => (item === '' || isEmpty(item) ? '' : (goValue(item) ?? null)))
  }
  if (isSignature(value)) {
    const bytes = toHex(encodeNodeKeySignature(value))
    return bytes === 'a10100' ? '(zero)' : bytes
  }
  const members = Object.entries(value)
  if (name === 'Meta' || name === 'Metadata') return members.map(([key, item]) => [key, item])
  const shown = members.map(([key, item]) => [key, goValue(item, key)] as const)
  return Object.fromEntries(shown.filter(([, item]) => item !== undefined))
}

/** Empty bytes in a list are not absent: the one place where a case tells them apart. */
function isEmpty(value: unknown): boolean {
  return value instanceof Uint8Array && value.length === 0
}

const KEY_MEMBERS: ReadonlySet<string> = new Set(['NodeKey', 'NodePublic', 'PublicKey', 'Key'])

function goText(value: string, name: string): string | undefined {
  const key = KEY_MEMBERS.has(name) ? /^(?:nodekey|nlpub):([0-9a-f]{64})$/.exec(value)?.[1] : null
  const shown = key ?? value
  return shown === '' || /^0{64}$/.test(shown) ? undefined : shown
}

function isSignature(value: object): value is NodeKeySignature {
  return 'sigKind' in value
}

/** The metadata pairs of a case in no particular order, like those of a map. */
function sortPairs(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items: unknown[] = value.map(sortPairs)
    const isPairs = items.length > 0 && items.every((item) => Array.isArray(item))
    return isPairs ? items.sort((a, b) => (String(a) < String(b) ? -1 : 1)) : items
  }
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, sortPairs(item)]))
}

function roundTripOf(type: string, path: string): RoundTrip {
  const roundTrip = types.get(type)
  if (!roundTrip) throw new ShapeError(`${path}: unknown type ${type}`)
  return roundTrip
}

/** Types whose value is not written as their members. */
const fromValue: ReadonlyMap<string, (value: Fields) => string> = new Map([
  ['tka.AUMHash', (value) => JSON.stringify(aumHashText(aumHashFromBytes(value.get('hash', hex))))],
  [
    'tka.NodeKeySignature',
    (value) => {
      const bytes = value.find('bytes', hex)
      return local.encodeLockSignature(
        bytes ? decodeNodeKeySignature(bytes) : local.noLockSignature,
      )
    },
  ],
])

export const lockJson: Format = eachCase(
  byKind('op', {
    encode(fields, checks) {
      const type = fields.get('type', text)
      const expected = fields.get('json', text)
      const special = fromValue.get(type)
      if (special) {
        checks.equal('json', expected, special(fields.object('value')))
        return
      }
      const got = roundTripOf(type, fields.path)(expected)
      checks.equal('json', expected, got.json)
      const recorded: Json = fields.get('value', json)
      checks.equal('value', sortPairs(goValue(recorded)), sortPairs(goValue(got.value)))
    },
    decode(fields, checks) {
      const ok = fields.get('ok', bool)
      const source = fields.get('json', text)
      const roundTrip = roundTripOf(fields.get('type', text), fields.path)
      const got = checks.verdict('ok', ok, () => roundTrip(source))
      if (ok && got) checkJson(checks, 'reencoded', fields.get('reencoded', text), got.json)
    },
  }),
)
