// SPDX-License-Identifier: Apache-2.0
/** Adapters for vectors/wire/key-text.json and nacl-box.json. */

import { concatBytes, fromHex } from '@signet/codec'
import { boxOpen, boxSeal, boxSharedKey, x25519PublicKey } from '@signet/crypto'
import * as keys from '@signet/keys'
import type { Adapter } from './format.ts'
import { bool, hex, integer, oneOf, ShapeError, text } from './fields.ts'
import { byKind, eachCase } from './format.ts'
import type { Format } from './format.ts'

const verdict = oneOf('accept', 'reject')

/** Parses a text and returns the raw bytes and the text written again. */
type Parser = (source: string) => readonly [raw: Uint8Array, text: string]

function publicKeys<Key extends string>(
  parse: (source: string) => Key,
  bytes: (key: Key) => Uint8Array,
): Parser {
  return (source) => {
    const key = parse(source)
    return [bytes(key), key]
  }
}

type Printable = keys.MachinePrivate | keys.NodePrivate | keys.LockPrivate

function privateKeys(parse: (source: string) => Printable): Parser {
  return (source) => {
    const key = parse(source)
    return [keys.privateKeyBytes(key), keys.privateKeyText(key)]
  }
}

const HARDWARE_PREFIX = 'hwattestpub:'
const parsers: ReadonlyMap<string, Parser> = new Map([
  ['machine-public', publicKeys(keys.parseMachinePublic, keys.machinePublicBytes)],
  ['machine-private', privateKeys(keys.parseMachinePrivate)],
  ['node-public', publicKeys(keys.parseNodePublic, keys.nodePublicBytes)],
  ['node-private', privateKeys(keys.parseNodePrivate)],
  ['disco-public', publicKeys(keys.parseDiscoPublic, keys.discoPublicBytes)],
  ['nl-public', publicKeys(keys.parseLockPublic, keys.lockPublicBytes)],
  ['nl-private', privateKeys(keys.parseLockPrivate)],
  ['challenge-public', publicKeys(keys.parseChallengePublic, keys.challengePublicBytes)],
  [
    'hardware-attestation-public',
    publicKeys<string>(keys.parseHardwareAttestationPublic, (key) =>
      // No key is the empty text, and 65 zero bytes.
      key === '' ? new Uint8Array(65) : fromHex(key.slice(HARDWARE_PREFIX.length)),
    ),
  ],
])

const keyPair: Adapter = (fields, checks) => {
  const raw = fields.get('private', hex)
  const machine = keys.machinePrivateFromBytes(raw)
  const machinePublic = keys.machinePublicOf(machine)
  const node = keys.nodePrivateFromBytes(raw)
  const nodePublic = keys.nodePublicOf(node)
  const disco = keys.discoPublicOf(keys.discoPrivateFromBytes(raw))
  const lock = keys.lockPrivateFromSeed(fields.get('ed25519_seed', hex))
  const lockPublic = keys.lockPublicOf(lock)
  const curve = fields.get('x25519_public', hex)
  const expected: Record<string, string> = {
    machine_private_text: keys.privateKeyText(machine),
    machine_public_text: machinePublic,
    machine_short: keys.shortMachineKey(machinePublic),
    node_private_text: keys.privateKeyText(node),
    node_public_text: nodePublic,
    node_short: keys.shortNodeKey(nodePublic),
    node_wireguard_go_string: keys.wireguardPeerText(nodePublic),
    disco_public_text: disco,
    disco_short: keys.shortDiscoKey(disco),
    challenge_public_text: keys.challengePublicFromBytes(curve),
    nl_private_text: keys.privateKeyText(lock),
    nl_public_text: lockPublic,
    nl_cli_text: keys.lockPublicCliText(lockPublic),
  }
  for (const [name, got] of Object.entries(expected))
    checks.equal(name, fields.get(name, text), got)
  checks.equal('x25519_public', curve, keys.nodePublicBytes(nodePublic))
  checks.equal('node_untyped_hex', fields.get('node_untyped_hex', hex), curve)
  const untyped = keys.parseUntypedNodePublic(fields.get('node_untyped_hex', text))
  checks.equal('node_untyped_hex (parsed)', nodePublic, untyped)
  const binary = fields.get('node_public_binary', hex)
  checks.equal('node_public_binary', binary, keys.nodePublicBinary(nodePublic))
  checks.equal('nl_key_id', fields.get('nl_key_id', hex), keys.lockKeyId(lockPublic))
  checks.equal('nl_verifier', fields.get('nl_verifier', hex), keys.lockPublicBytes(lockPublic))
  // How the official server keeps its own keys and spreads its load: neither read nor written.
  fields.skip('control_private_json', 'node_shard')
  fields.get('node_shard', integer)
  // A private challenge key has no text, in Go and here.
  checks.equal('challenge_private_marshals', fields.get('challenge_private_marshals', bool), false)
}

const zero: Adapter = (fields, checks) => {
  const none = new Uint8Array(32)
  const expected: Record<string, string> = {
    machine_public_text: keys.zeroMachinePublic,
    machine_short: keys.shortMachineKey(keys.zeroMachinePublic),
    machine_private_text: keys.privateKeyText(keys.machinePrivateFromBytes(none)),
    node_public_text: keys.zeroNodePublic,
    node_short: keys.shortNodeKey(keys.zeroNodePublic),
    node_private_text: keys.privateKeyText(keys.nodePrivateFromBytes(none)),
    disco_public_text: keys.zeroDiscoPublic,
    disco_short: keys.shortDiscoKey(keys.zeroDiscoPublic),
    challenge_public_text: keys.zeroChallengePublic,
    nl_public_text: keys.zeroLockPublic,
    nl_private_text: keys.privateKeyText(keys.lockPrivateFromBytes(new Uint8Array(64))),
  }
  for (const [name, got] of Object.entries(expected))
    checks.equal(name, fields.get(name, text), got)
  const binary = fields.get('node_public_binary', hex)
  checks.equal('node_public_binary', binary, keys.nodePublicBinary(keys.zeroNodePublic))
}

export const keyText: Format = eachCase(
  byKind('kind', {
    'key-pair': keyPair,
    zero,
    parse(fields, checks) {
      const type = fields.get('type', text)
      const parser = parsers.get(type)
      if (!parser) throw new ShapeError(`${fields.path}: unknown type ${type}`)
      const source = fields.get('text', text)
      const ok = fields.get('verdict', verdict) === 'accept'
      const parsed = checks.verdict('verdict', ok, () => parser(source))
      if (!ok || !parsed) return
      checks.equal('raw', fields.get('raw', hex), parsed[0])
      checks.equal('remarshalled', fields.get('remarshalled', text), parsed[1])
    },
    'parse-untyped-node-public'(fields, checks) {
      const source = fields.get('text', text)
      const ok = fields.get('verdict', verdict) === 'accept'
      const key = checks.verdict('verdict', ok, () => keys.parseUntypedNodePublic(source))
      if (ok && key) checks.equal('raw', fields.get('raw', hex), keys.nodePublicBytes(key))
    },
    'parse-binary-node-public'(fields, checks) {
      const bytes = fields.get('bytes', hex)
      const ok = fields.get('verdict', verdict) === 'accept'
      const key = checks.verdict('verdict', ok, () => keys.parseNodePublicBinary(bytes))
      if (ok && key) checks.equal('raw', fields.get('raw', hex), keys.nodePublicBytes(key))
    },
    'parse-derp-mesh-key'(fields, checks) {
      const source = fields.get('text', text)
      const ok = fields.get('verdict', verdict) === 'accept'
      const key = checks.verdict('verdict', ok, () => keys.parseDerpMeshKey(source))
      if (ok && key)
        checks.equal('text_out', fields.get('text_out', text), keys.derpMeshKeyText(key))
    },
    'sorted-disco-pair'(fields, checks) {
      const a = keys.parseDiscoPublic(fields.get('a', text))
      const b = keys.parseDiscoPublic(fields.get('b', text))
      const expected = [fields.get('first', text), fields.get('second', text)]
      checks.equal('pair', expected, keys.sortedDiscoPair(a, b))
      checks.equal('pair, swapped', expected, keys.sortedDiscoPair(b, a))
    },
  }),
)

const NONCE_LENGTH = 24

function openPacket(shared: Uint8Array, packet: Uint8Array): Uint8Array | null {
  if (packet.length < NONCE_LENGTH) return null
  return boxOpen(shared, packet.slice(0, NONCE_LENGTH), packet.slice(NONCE_LENGTH))
}

export const naclBox: Format = eachCase(
  byKind('kind', {
    seal(fields, checks) {
      const sender = fields.get('sender_private', hex)
      const senderPublic = fields.get('sender_public', hex)
      const receiverPublic = fields.get('receiver_public', hex)
      const nonce = fields.get('nonce', hex)
      const plaintext = fields.get('plaintext', hex)
      checks.equal('sender_public', senderPublic, x25519PublicKey(sender))
      const shared = boxSharedKey(sender, receiverPublic)
      checks.equal('shared_key', fields.get('shared_key', hex), shared)
      const box = boxSeal(shared, nonce, plaintext)
      checks.equal('box_without_nonce', fields.get('box_without_nonce', hex), box)
      const packet = fields.get('box_with_nonce', hex)
      checks.equal('box_with_nonce', packet, concatBytes(nonce, box))
      checks.equal('opened by the sender', plaintext, openPacket(shared, packet))
      const receiver = fields.find('receiver_private', hex)
      // A box to a low-order point has nobody who could open it.
      if (!receiver) return
      checks.equal('receiver_public', receiverPublic, x25519PublicKey(receiver))
      const theirs = boxSharedKey(receiver, senderPublic)
      checks.equal('opened by the receiver', plaintext, openPacket(theirs, packet))
    },
    open(fields, checks) {
      const shared = boxSharedKey(
        fields.get('receiver_private', hex),
        fields.get('sender_public', hex),
      )
      const plaintext = openPacket(shared, fields.get('box_with_nonce', hex))
      const ok = fields.get('ok', bool)
      checks.equal('ok', ok, plaintext !== null)
      if (ok) checks.equal('plaintext', fields.get('plaintext', hex), plaintext)
    },
  }),
)
