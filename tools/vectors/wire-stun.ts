// SPDX-License-Identifier: Apache-2.0
/** Adapter for vectors/wire/stun.json. */

import {
  encodeStunRequest,
  encodeStunResponse,
  isStun,
  parseStunRequest,
  parseStunResponse,
} from '@signet/derp'
import type { StunAddress } from '@signet/derp'
import type { Checks } from './checks.ts'
import { bool, hex, oneOf, ShapeError, text } from './fields.ts'
import type { Fields, Reader } from './fields.ts'
import { byKind, eachCase } from './format.ts'
import type { Format } from './format.ts'

const verdict = oneOf('accept', 'reject')

export const stun: Format = eachCase(
  byKind('kind', {
    request,
    response,
    'parse-request': parseRequest,
    'parse-response': parseAnswer,
  }),
)

function request(fields: Fields, checks: Checks): void {
  const packet = fields.get('packet', hex)
  const transaction = fields.get('txid', hex)
  checks.equal('packet', packet, encodeStunRequest(transaction))
  checks.equal('txid', transaction, parseStunRequest(packet))
}

function response(fields: Fields, checks: Checks): void {
  const packet = fields.get('packet', hex)
  const seen = fields.get('address', endpoint)
  checks.equal('packet', packet, encodeStunResponse(fields.get('txid', hex), seen))
  const parsed = parseStunResponse(packet)
  checks.equal('parsed_txid', fields.get('parsed_txid', hex), parsed.transaction)
  const { address, port } = parsed
  checks.equal('parsed_address', fields.get('parsed_address', endpoint), { address, port })
}

function parseRequest(fields: Fields, checks: Checks): void {
  const packet = fields.get('packet', hex)
  checks.equal('is_stun', fields.get('is_stun', bool), isStun(packet))
  const accepted = fields.get('verdict', verdict) === 'accept'
  const transaction = checks.verdict('verdict', accepted, () => parseStunRequest(packet))
  if (transaction) checks.equal('txid', fields.get('txid', hex), transaction)
}

function parseAnswer(fields: Fields, checks: Checks): void {
  const packet = fields.get('packet', hex)
  checks.equal('is_stun', fields.get('is_stun', bool), isStun(packet))
  const accepted = fields.get('verdict', verdict) === 'accept'
  const parsed = checks.verdict('verdict', accepted, () => parseStunResponse(packet))
  if (parsed === undefined) return
  const { transaction, address, port } = parsed
  checks.equal('txid', fields.get('txid', hex), transaction)
  checks.equal('address', fields.get('address', endpoint), { address, port })
}

/** `1.2.3.4:5` or `[2001:db8::1]:5`. */
const endpoint: Reader<StunAddress> = (value, path) => {
  const groups = /^(?:\[(?<six>[^\]]+)\]|(?<four>[0-9.]+)):(?<port>[0-9]+)$/.exec(
    text(value, path),
  )?.groups
  if (groups === undefined) throw new ShapeError(`${path}: not an address and a port`)
  const { six, four } = groups
  const address = six === undefined ? dotted(four ?? '') : sixteen(six)
  return { address, port: Number(groups['port']) }
}

function dotted(address: string): Uint8Array {
  return Uint8Array.from(address.split('.'), Number)
}

function sixteen(address: string): Uint8Array {
  const out = new Uint8Array(16)
  const [head = '', tail = ''] = address.split('::')
  const bytes = (part: string): number[] =>
    part
      .split(':')
      .filter((group) => group !== '')
      .flatMap((group) => {
        if (group.includes('.')) return [...dotted(group)]
        const word = Number.parseInt(group, 16)
        return [word >> 8, word & 0xff]
      })
  out.set(bytes(head))
  const end = bytes(tail)
  out.set(end, 16 - end.length)
  return out
}
