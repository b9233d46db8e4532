// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fromHex } from '@signet/codec'
import { nodePublicBinary, nodePublicFromBytes, type NodePublic } from '@signet/keys'
import {
  authorizeNodeKey,
  dropReason,
  filterNetmap,
  SigKind,
  TkaError,
  type FilteredPeers,
  type LockPeer,
  type LockSigner,
  type NodeKeySignature,
  type PeerDropReason,
  type PeerVerdict,
} from '../src/index.ts'
import {
  bytesOf,
  credential,
  direct,
  lockKey,
  nodeKey,
  rotation,
  signed,
  trust,
} from './support/node-signatures.ts'

const trusted = lockKey(1)
const keys = trust(trusted)
const [a, b] = [lockKey(2), lockKey(3)]

interface Peer extends LockPeer {
  readonly name: string
}

function peer(name: string, key: NodePublic, signature: NodeKeySignature | null): Peer {
  return { name, nodeKey: key, signature: signature && bytesOf(signature) }
}

function verdict({ nodeKey: key, signature }: LockPeer): PeerVerdict {
  try {
    return {
      ok: true,
      rotation: authorizeNodeKey(keys, key, signature ?? new Uint8Array()).rotation,
    }
  } catch (error) {
    return { ok: false, reason: dropReason(error) }
  }
}

function show({ kept, dropped }: FilteredPeers<Peer>): Record<string, PeerDropReason | 'kept'> {
  return Object.fromEntries([
    ...kept.map(({ name }) => [name, 'kept'] as const),
    ...dropped.map(({ peer: { name }, reason }) => [name, reason] as const),
  ])
}

function filter(...peers: readonly Peer[]): Record<string, PeerDropReason | 'kept'> {
  return show(filterNetmap(peers, verdict))
}

// One node, wrapping key `a`: its first key, and each key after it.
const one = direct(nodeKey(11), trusted, a)
const two = rotation(nodeKey(12), one, a)
const three = rotation(nodeKey(13), two, a)
const first = peer('first', nodeKey(11), one)
const second = peer('second', nodeKey(12), two)
const third = peer('third', nodeKey(13), three)
// A copy of the node, that rotated from the same signature on its own.
const clone = peer('clone', nodeKey(14), rotation(nodeKey(14), one, a))
const bystander = peer('bystander', nodeKey(20), direct(nodeKey(20), trusted, b))

/** A credential for `b` that carries a node key, which a rotation over it makes obsolete. */
function namedCredential(key: NodePublic): NodeKeySignature {
  const parts = { sigKind: SigKind.Credential, keyId: trusted.keyId, wrappingPubkey: b.keyId }
  return signed({ ...parts, pubkey: nodePublicBinary(key) }, trusted)
}

describe('filterNetmap()', () => {
  test('keeps the signed and drops the others, in order', () => {
    const peers = [
      bystander,
      peer('unsigned', nodeKey(21), null),
      { ...bystander, name: 'empty', signature: new Uint8Array() },
      peer('stranger', nodeKey(22), direct(nodeKey(22), b)),
      peer('borrowed', nodeKey(23), one),
      first,
    ]
    const { kept, dropped } = filterNetmap(peers, verdict)
    assert.deepEqual(kept, [bystander, first])
    assert.deepEqual(
      dropped.map(({ peer: { name }, reason }) => [name, reason]),
      [
        ['unsigned', 'unsigned'],
        ['empty', 'unsigned'],
        ['stranger', 'untrusted-key'],
        ['borrowed', 'wrong-node-key'],
      ],
    )
  })

  test('Q50: every key that a rotation replaced is obsolete', () => {
    assert.deepEqual(filter(first, second, bystander), {
      first: 'obsolete-key',
      second: 'kept',
      bystander: 'kept',
    })
    assert.deepEqual(filter(third, second, first), {
      first: 'obsolete-key',
      second: 'obsolete-key',
      third: 'kept',
    })
  })

  test('Q50: equally long rotations on one wrapping key are all dropped', () => {
    assert.deepEqual(filter(second, clone), { second: 'rotation-tie', clone: 'rotation-tie' })
    const shorter = peer('shorter', nodeKey(15), rotation(nodeKey(15), one, a))
    const deepClone = rotation(nodeKey(16), rotation(nodeKey(17), one, a), a)
    assert.deepEqual(filter(third, peer('deep clone', nodeKey(16), deepClone), shorter), {
      third: 'rotation-tie',
      'deep clone': 'rotation-tie',
      shorter: 'shorter-rotation',
    })
  })

  test('Q50: the longest rotation on one wrapping key stays', () => {
    assert.deepEqual(filter(clone, third), { clone: 'shorter-rotation', third: 'kept' })
  })

  test('Q50: what is obsolete does not compete', () => {
    // The clone ties with the second, but the third has replaced the second.
    assert.deepEqual(filter(second, third, clone), {
      second: 'obsolete-key',
      third: 'kept',
      clone: 'shorter-rotation',
    })
    // The third would beat the clone, but another node's rotation has replaced the third.
    const heir = peer('heir', nodeKey(18), rotation(nodeKey(18), namedCredential(nodeKey(13)), b))
    assert.deepEqual(filter(third, heir, clone), {
      third: 'obsolete-key',
      heir: 'kept',
      clone: 'kept',
    })
  })

  test('Q50: the wrapping key of the direct signature counts, even when a later one replaced it', () => {
    const replaced = rotation(nodeKey(15), rotation(nodeKey(16), one, a, b), b)
    assert.deepEqual(filter(third, peer('replaced', nodeKey(15), replaced)), {
      third: 'rotation-tie',
      replaced: 'rotation-tie',
    })
  })

  test('Q50: unrotated nodes with one wrapping key are different nodes', () => {
    const other = peer('other', nodeKey(15), direct(nodeKey(15), trusted, a))
    assert.deepEqual(filter(first, other), { first: 'kept', other: 'kept' })
  })

  test('Q50: nodes that joined with one wrapped auth key are different nodes', () => {
    const shared = credential(trusted, a)
    const x = peer('x', nodeKey(31), rotation(nodeKey(31), shared, a))
    const y = peer('y', nodeKey(32), rotation(nodeKey(32), shared, a))
    assert.deepEqual(filter(x, y), { x: 'kept', y: 'kept' })
  })

  test('Q50: a rotation to its own key makes that key obsolete', () => {
    const itself = peer('itself', nodeKey(11), rotation(nodeKey(11), one, a))
    assert.deepEqual(filter(itself), { itself: 'obsolete-key' })
  })

  test('Q50: a rotation listed twice ties with itself, a direct signature does not', () => {
    assert.deepEqual(filterNetmap([second, second], verdict).kept, [])
    assert.deepEqual(filterNetmap([first, first], verdict).kept, [first, first])
  })

  test('a rotation that is not valid has no effect', () => {
    const forged = peer('forged', nodeKey(12), rotation(nodeKey(12), one, b))
    assert.deepEqual(filter(first, forged), { first: 'kept', forged: 'bad-signature' })
    const unknown = rotation(nodeKey(12), direct(nodeKey(11), b, b), b)
    assert.deepEqual(filter(first, peer('unknown', nodeKey(12), unknown)), {
      first: 'kept',
      unknown: 'untrusted-key',
    })
  })

  test('Q51: a rotation of another owner kills the key whose signature it nests', () => {
    // Whoever holds the wrapping key of the victim can do that, and nobody else.
    const taken = peer('taken', nodeKey(40), rotation(nodeKey(40), one, a))
    assert.deepEqual(filter(first, taken), { first: 'obsolete-key', taken: 'kept' })
    const attempt = peer('attempt', nodeKey(40), rotation(nodeKey(40), one, b))
    assert.deepEqual(filter(first, attempt), { first: 'kept', attempt: 'bad-signature' })
  })

  test('Q51: a trusted signer can kill a key without its signature', () => {
    const named = namedCredential(nodeKey(11))
    const killer = peer('killer', nodeKey(41), rotation(nodeKey(41), named, b))
    assert.deepEqual(filter(first, killer), { first: 'obsolete-key', killer: 'kept' })
  })

  test('Q49: a forger under a key of small order goes, its victim stays', () => {
    const anybody: LockSigner = {
      keyId: fromHex('01' + '00'.repeat(31)),
      sign: () => fromHex('01' + '00'.repeat(63)),
    }
    const victim = direct(nodeKey(50), trusted, anybody)
    const forger = peer('forger', nodeKey(51), rotation(nodeKey(51), victim, anybody))
    assert.deepEqual(filter(peer('victim', nodeKey(50), victim), forger), {
      victim: 'kept',
      forger: 'unsafe-wrapping-key',
    })
  })

  test('Q52: a change brings no obsolete key back, because all peers are judged again', () => {
    assert.deepEqual(show(filterNetmap([second], verdict)), { second: 'kept' })
    assert.deepEqual(filter(second, first), { second: 'kept', first: 'obsolete-key' })
  })

  test('Q66: a peer whose signature was withdrawn is dropped', () => {
    assert.deepEqual(filter(first), { first: 'kept' })
    assert.deepEqual(filter({ ...first, signature: null }), { first: 'unsigned' })
    assert.deepEqual(filter({ ...first, signature: undefined }), { first: 'unsigned' })
  })

  test('Q60: peers without signature that the server vouches for are let in only on request', () => {
    const vouched: Peer = { ...peer('vouched', nodeKey(60), null), unsignedPeerApiOnly: true }
    assert.deepEqual(filter(vouched), { vouched: 'unsigned' })
    const allowed = filterNetmap([vouched], verdict, { allowUnsignedPeerApi: true })
    assert.deepEqual(show(allowed), { vouched: 'kept' })
  })

  test('Q60: such a peer is dropped when its key is obsolete, and its own rotation does not count', () => {
    const options = { allowUnsignedPeerApi: true }
    const old: Peer = { ...first, signature: null, unsignedPeerApiOnly: true }
    assert.deepEqual(show(filterNetmap([old, second], verdict, options)), {
      first: 'obsolete-key',
      second: 'kept',
    })
    const rotated: Peer = { ...second, unsignedPeerApiOnly: true }
    assert.deepEqual(show(filterNetmap([first, rotated], verdict, options)), {
      first: 'kept',
      second: 'kept',
    })
  })

  test('passes on that a peer was not checked yet', () => {
    const unchecked = filterNetmap([first], () => ({ ok: false, reason: 'unchecked' }))
    assert.deepEqual(show(unchecked), { first: 'unchecked' })
  })

  test('is linear: 30,000 rotations, all ties on one wrapping key', () => {
    const peers = Array.from({ length: 30_000 }, (_, index): LockPeer => {
      const raw = new Uint8Array(32)
      new DataView(raw.buffer).setUint32(0, index)
      return { nodeKey: nodePublicFromBytes(raw), signature: Uint8Array.of(1) }
    })
    const details = { previousNodeKeys: [nodeKey(11)], initialSignature: one }
    const start = performance.now()
    const { kept, dropped } = filterNetmap(peers, () => ({ ok: true, rotation: details }))
    assert.equal(kept.length, 0)
    assert.ok(dropped.every(({ reason }) => reason === 'rotation-tie'))
    // A quadratic pass takes minutes.
    assert.ok(performance.now() - start < 2000)
  })
})

describe('dropReason()', () => {
  test('translates refusals of verification and nothing else', () => {
    assert.equal(dropReason(new TkaError('signature-too-large', '')), 'too-large')
    assert.equal(dropReason(new TkaError('signature-malformed', '')), 'malformed')
    assert.throws(() => dropReason(new TkaError('wrong-parent', '')), { code: 'wrong-parent' })
    assert.throws(() => dropReason(new RangeError('x')), RangeError)
  })
})
