// SPDX-License-Identifier: Apache-2.0
/**
 * Adapter for vectors/wire/wireguard.json.
 *
 * The vectors look inside the handshake, which the package does not show to callers; its own tests
 * do, so the comparison of each case is theirs. Here every read of a member is noted, and what the
 * comparison does not look at is compared as well.
 */

import { AssertionError } from 'node:assert/strict'
import { x25519PublicKey } from '@signet/crypto'
import { checkWireguardCase } from '../../packages/wireguard/test/vector-cases.ts'
import type { WireguardCase } from '../../packages/wireguard/test/vector-cases.ts'
import {
  REJECT_AFTER_MESSAGES_HIGH,
  REJECT_AFTER_MESSAGES_LOW,
} from '../../packages/wireguard/src/limits.ts'
import type { Checks } from './checks.ts'
import { show } from './checks.ts'
import { hex, json, record, ShapeError, text, uint64 } from './fields.ts'
import type { Fields, Json } from './fields.ts'
import { caseFile } from './format.ts'
import type { CaseList, Format } from './format.ts'

export const wireguard: Format = caseFile((cases) => {
  const all = readAll(cases)
  return (fields, checks) => {
    const name = fields.path
    const kind = fields.get('kind', text)
    const value = all.find((each) => each.name === name)
    if (!value) throw new ShapeError(`${name}: not in the file`)
    const reads = new Set<string>()
    attempt(checks, () => checkWireguardCase(watch(value, reads), all))
    fields.skip(...reads)
    if (kind === 'handshake') checkRest(fields, checks)
    if (kind === 'replay') {
      const last = (BigInt(REJECT_AFTER_MESSAGES_HIGH) << 32n) | BigInt(REJECT_AFTER_MESSAGES_LOW)
      checks.equal('limit', fields.get('limit', uint64), last)
    }
    if (kind === 'cookie') {
      const whole = fields.get('initiation_with_mac2', hex)
      checks.equal('mac2', fields.get('mac2', hex), whole.slice(-16))
    }
    if (kind === 'inner-packet' && fields.has('may_differ')) {
      // The comparison above has required that it is dropped.
      checks.judgeBy('wrapped-inner-length')
      fields.skip('delivered', 'packet')
    }
  }
})

function readAll(cases: CaseList): WireguardCase[] {
  return [...cases].map(([name, value]) => {
    const kind = record(value, name).get('kind', text)
    return { ...objectOf(value), name, kind }
  })
}

function objectOf(value: Json): { readonly [name: string]: Json } {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  throw new ShapeError('expected an object')
}

/** The same case, noting which of its members are read. */
function watch(value: WireguardCase, reads: Set<string>): WireguardCase {
  return new Proxy(value, {
    get(target, member) {
      if (typeof member === 'symbol') return undefined
      reads.add(member)
      return target[member]
    },
  })
}

function attempt(checks: Checks, work: () => void): void {
  try {
    work()
  } catch (error) {
    if (!(error instanceof AssertionError)) throw error
    checks.fail(
      error.message.split('\n')[0] ?? 'comparison',
      show(error.expected),
      show(error.actual),
    )
  }
}

/** What follows from members that were compared. */
function checkRest(fields: Fields, checks: Checks): void {
  const initiation = fields.get('initiation', hex)
  const response = fields.get('response', hex)
  for (const side of ['initiator', 'responder']) {
    const secret = fields.get(`${side}_ephemeral_private`, hex)
    const name = `${side}_ephemeral_public`
    checks.equal(name, fields.get(name, hex), x25519PublicKey(secret))
  }
  checks.equal('initiation_mac2', fields.get('initiation_mac2', hex), initiation.slice(-16))
  checks.equal('response_mac1', fields.get('response_mac1', hex), response.slice(-32, -16))
  checks.equal('response_mac2', fields.get('response_mac2', hex), response.slice(-16))
  fields.get('transport', json)
}
