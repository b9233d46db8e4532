// SPDX-License-Identifier: Apache-2.0
/** Adapter for vectors/wire/disco.json. */

import {
  decodeDiscoMessage,
  type DiscoMessage,
  discoSender,
  discoShared,
  encodeDiscoMessage,
  type Endpoint,
  looksLikeDisco,
  openDisco,
  type RelayPlace,
  sealDisco,
} from '@signet/disco'
import {
  discoPrivateFromBytes,
  discoPublicBytes,
  discoPublicFromBytes,
  zeroNodePublic,
} from '@signet/keys'
import { formatAddress } from '@signet/protocol'
import type { Checks } from './checks.ts'
import { bool, hex, json, oneOf, parseJson } from './fields.ts'
import type { Fields, Json } from './fields.ts'
import { byKind, eachCase } from './format.ts'
import type { Format } from './format.ts'

const verdict = oneOf('accept', 'reject')

export const disco: Format = eachCase(byKind('kind', { message, parse, wrapper }))

function message(fields: Fields, checks: Checks): void {
  const body = fields.get('body', hex)
  const decoded = decodeDiscoMessage(body)
  checks.equal('message', unmapped(fields.get('message', json)), shown(decoded))
  checks.equal('body', body, encodeDiscoMessage(decoded))
  const sender = discoPrivateFromBytes(fields.get('sender_private', hex))
  const receiver = discoPrivateFromBytes(fields.get('receiver_private', hex))
  const senderPublic = fields.get('sender_public', hex)
  const receiverPublic = discoPublicFromBytes(fields.get('receiver_public', hex))
  const packet = fields.get('packet', hex)
  const sealed = sealDisco(
    sender,
    discoShared(sender, receiverPublic),
    fields.get('nonce', hex),
    body,
  )
  checks.equal('packet', packet, sealed)
  checks.equal('sender_public', senderPublic, discoPublicBytes(discoSender(packet)))
  checks.equal('opened', body, openDisco(discoShared(receiver, discoSender(packet)), packet))
}

/** Messages were written from addresses as they came; they travel mapped and are read unmapped. */
function unmapped(value: Json): Json {
  return parseJson(JSON.stringify(value).replaceAll(/\[::ffff:([0-9.]+)\]/g, '$1'), 'message')
}

function parse(fields: Fields, checks: Checks): void {
  const body = fields.get('body', hex)
  const accepted = fields.get('verdict', verdict) === 'accept'
  const decoded = checks.verdict('verdict', accepted, () => decodeDiscoMessage(body))
  if (decoded) checks.equal('message', fields.get('message', json), shown(decoded))
}

function wrapper(fields: Fields, checks: Checks): void {
  const packet = fields.get('packet', hex)
  const looks = fields.get('looks_like_disco', bool)
  checks.equal('looks_like_disco', looks, looksLikeDisco(packet))
  if (looks)
    checks.equal('source', fields.get('source', hex), discoPublicBytes(discoSender(packet)))
}

const BIND_NAMES = {
  'bind-relay': 'bind-udp-relay-endpoint',
  'bind-relay-challenge': 'bind-udp-relay-endpoint-challenge',
  'bind-relay-answer': 'bind-udp-relay-endpoint-answer',
} as const

/** The message as the vectors write it. */
function shown(decoded: DiscoMessage): Json {
  switch (decoded.type) {
    case 'ping':
      return {
        type: 'ping',
        txID: hexOf(decoded.transaction),
        hasNodeKey: decoded.nodeKey !== null,
        nodeKey: decoded.nodeKey ?? zeroNodePublic,
        padding: decoded.padding,
      }
    case 'pong':
      return { type: 'pong', txID: hexOf(decoded.transaction), src: endpointText(decoded.source) }
    case 'call-me-maybe':
      return { type: 'call-me-maybe', myNumber: decoded.endpoints.map(endpointText) }
    case 'bind-relay':
    case 'bind-relay-challenge':
    case 'bind-relay-answer': {
      const { vni, generation, remoteKey } = decoded
      const challenge = hexOf(decoded.challenge)
      return { type: BIND_NAMES[decoded.type], vni, generation, remoteKey, challenge }
    }
    case 'call-me-maybe-via':
      return { type: 'call-me-maybe-via', ...shownPlace(decoded) }
    case 'allocate-relay': {
      const { clientKeys, generation } = decoded
      const type = 'allocate-udp-relay-endpoint-request'
      return { type, clientDisco: [...clientKeys], generation }
    }
    default: {
      const type = 'allocate-udp-relay-endpoint-response'
      return { type, generation: decoded.generation, ...shownPlace(decoded) }
    }
  }
}

function shownPlace(place: RelayPlace): { [name: string]: Json } {
  return {
    serverDisco: place.serverKey,
    clientDisco: [...place.clientKeys],
    lamportID: String(place.lamportId),
    vni: place.vni,
    bindLifetimeNs: String(place.bindLifetime),
    steadyStateLifetimeNs: String(place.steadyLifetime),
    addrPorts: place.endpoints.map(endpointText),
  }
}

function endpointText({ address, port }: Endpoint): string {
  const host = formatAddress({ bytes: address, zone: '' })
  return address.length === 4 ? `${host}:${port}` : `[${host}]:${port}`
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
