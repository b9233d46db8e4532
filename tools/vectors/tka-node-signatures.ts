// SPDX-License-Identifier: Apache-2.0
/** Adapters for vectors/tka/nks-*.json and ed25519.json. */

import { equalBytes, toHex } from '@signet/codec'
import {
  blake2s256,
  ed25519PublicKey,
  ed25519Sign,
  isSmallOrder,
  verifyStandard,
  verifyZip215,
} from '@signet/crypto'
import { nodePublicBytes, nodePublicFromBytes } from '@signet/keys'
import {
  authorizeNodeKey,
  createCredential,
  decodeNodeKeySignature,
  encodeNodeKeySignature,
  indexTrustedKeys,
  nodeKeySigHash,
  nodeKeySignatureText,
  parseWrappedAuthKey,
  resignNodeKey,
  signByCredential,
  TkaError,
  unverifiedAuthorizingKeyId,
  unverifiedWrappingPublic,
  wrapAuthKey,
} from '@signet/tka'
import type { LockSigner, NodeKeySignature } from '@signet/tka'
import type { Checks } from './checks.ts'
import { bool, hex, integer, listOf, nullable, ShapeError, text } from './fields.ts'
import type { Fields } from './fields.ts'
import { byKind, caseFile, eachCase } from './format.ts'
import type { Format } from './format.ts'
import { key, nodeKeySignature } from './tka-shapes.ts'

/** A signer from a seed, as the vectors give them. */
export function seedSigner(seed: Uint8Array): LockSigner {
  return { keyId: ed25519PublicKey(seed), sign: (digest) => ed25519Sign(seed, digest) }
}

/** Levels of a signature, whatever its kinds. */
function depthOf(signature: NodeKeySignature): number {
  return 1 + (signature.nested ? depthOf(signature.nested) : 0)
}

export const ed25519: Format = eachCase((fields, checks) => {
  const parts = [
    fields.get('public', hex),
    fields.get('message', hex),
    fields.get('signature', hex),
  ] as const
  checks.equal('zip215', fields.get('zip215', bool), verifyZip215(...parts))
  // Go panics on a key of wrong length; an ordinary "no" is what we make of it.
  const standard = fields.get('std', (value, path) =>
    value === 'panic' ? false : bool(value, path),
  )
  checks.equal('std', standard, verifyStandard(...parts))
})

export const nksDecode: Format = eachCase((fields, checks) => {
  const input = fields.get('input', hex)
  const ok = fields.get('ok', bool)
  const decoded = checks.verdict('ok', ok, () => decodeNodeKeySignature(input))
  if (!ok || !decoded) return
  checks.equal(
    'serialized',
    fields.find('serialized', hex) ?? input,
    encodeNodeKeySignature(decoded),
  )
  checks.equal('sigHash', fields.get('sigHash', hex), nodeKeySigHash(decoded))
  const nks = fields.find('nks', nodeKeySignature)
  if (nks) checks.equal('nks', nks, decoded)
})

export const nksSerialize: Format = eachCase((fields, checks) => {
  const nks = fields.get('nks', nodeKeySignature)
  const serialized = fields.get('serialized', hex)
  const sigHash = fields.get('sigHash', hex)
  checks.equal('serialized', serialized, encodeNodeKeySignature(nks))
  checks.equal('sigHash', sigHash, nodeKeySigHash(nks))
  checks.equal('text', fields.get('text', text), nodeKeySignatureText(nks))
  const seed = fields.find('signerSeed', hex)
  if (seed) checks.equal('nks.signature', nks.signature, seedSigner(seed).sign(sigHash))
})

export const nksVerify: Format = eachCase((fields, checks) => {
  const bytes = fields.get('signature', hex)
  const nodeKey = nodePublicFromBytes(fields.get('nodeKey', hex))
  const trusted = indexTrustedKeys(fields.get('trustedKeys', listOf(key)))
  const ok = fields.get('ok', bool)
  const isForged = fields.find('forged', bool) === true
  if (isForged || (ok && hasUnsafeWrappingKey(bytes))) {
    fields.skip('rotation')
    checks.judgeBy('small-order-wrapping-key')
    expectCode(checks, 'signature-wrapping-key', () => authorizeNodeKey(trusted, nodeKey, bytes))
  } else {
    const authorization = checks.verdict('ok', ok, () => authorizeNodeKey(trusted, nodeKey, bytes))
    if (authorization) {
      const { rotation } = authorization
      const shown = rotation && {
        prevNodeKeys: rotation.previousNodeKeys.map(nodePublicBytes),
        initialKind: rotation.initialSignature.sigKind,
        initialWrapping: rotation.initialSignature.wrappingPubkey,
        initialSigHash: nodeKeySigHash(rotation.initialSignature),
      }
      checks.equal('rotation', fields.get('rotation', rotationShape), shown)
    }
  }
  if (fields.has('sigHash')) checkUnverified(fields, checks, decodeNodeKeySignature(bytes))
})

/** Some rotation in it is signed under a key of small order, whether or not it is marked forged. */
function hasUnsafeWrappingKey(bytes: Uint8Array): boolean {
  let layer: NodeKeySignature | null = decodeNodeKeySignature(bytes)
  for (; layer; layer = layer.nested) {
    const wrapping = layer.nested && unverifiedWrappingPublic(layer.nested)
    if (wrapping && isSmallOrder(wrapping)) return true
  }
  return false
}

/** What an authorization says of a rotation, as a case writes it. */
const rotationShape = nullable((value, path) => {
  const wrapper = new Map<string, unknown>()
  for (const [name, member] of Object.entries(objectOf(value, path))) {
    if (!ROTATION_MEMBERS.has(name)) throw new ShapeError(`${path}: unknown member ${name}`)
    wrapper.set(name, member)
  }
  return Object.fromEntries(wrapper)
})
const ROTATION_MEMBERS: ReadonlySet<string> = new Set([
  'prevNodeKeys',
  'initialKind',
  'initialWrapping',
  'initialSigHash',
])

function objectOf(value: unknown, path: string): object {
  if (typeof value === 'object' && value !== null) return value
  throw new ShapeError(`${path}: expected an object`)
}

/** The members that say what a signature claims, whether or not it verifies. */
function checkUnverified(fields: Fields, checks: Checks, decoded: NodeKeySignature): void {
  checks.equal('sigHash', fields.get('sigHash', hex), nodeKeySigHash(decoded))
  checks.equal('depth', fields.get('depth', integer), depthOf(decoded))
  const wrapping = unverifiedWrappingPublic(decoded)
  checks.equal('wrappingPublic', fields.get('wrappingPublic', nullable(hex)), wrapping)
  const shown = fields.find('text', text)
  if (shown !== undefined) checks.equal('text', shown, nodeKeySignatureText(decoded))
  const keyId = fields.find('authorizingKeyId', hex)
  const found = checks.verdict('authorizingKeyId', keyId !== undefined, () =>
    unverifiedAuthorizingKeyId(decoded),
  )
  if (keyId && found) checks.equal('authorizingKeyId', keyId, found)
}

function expectCode(checks: Checks, code: string, work: () => unknown): void {
  try {
    work()
    checks.fail('refusal', code, 'accepted')
  } catch (error) {
    checks.equal('refusal', code, error instanceof TkaError ? error.code : String(error))
  }
}

export const nksResign: Format = caseFile(() => {
  let previous: Uint8Array | undefined
  return (fields, checks) => {
    const old = fields.find('old', hex) ?? previous
    if (fields.find('oldIsPreviousResult', bool) !== true) fields.get('old', hex)
    if (!old) throw new ShapeError(`${fields.path}: there is no preceding result`)
    const nodeKey = nodePublicFromBytes(fields.get('nodeKey', hex))
    const signer = seedSigner(fields.get('seed', hex))
    const ok = fields.get('ok', bool)
    const result = checks.verdict('ok', ok, () => resignNodeKey({ nodeKey, old, signer }))
    previous = result
    if (!ok || !result) return
    checks.equal('same', fields.get('same', bool), equalBytes(result, old))
    const trusted = indexTrustedKeys(fields.get('trustedKeys', listOf(key)))
    const authorized = fields.get('authorized', bool)
    if (!authorized && isBetterTrimmed(fields, old, signer)) {
      checks.judgeBy('trimmed-rotation-verifies')
      fields.skip('result', 'resultHash', 'depth', 'prevNodeKeys')
      const depth = depthOf(decodeNodeKeySignature(result))
      if (depth > 16) checks.fail('depth', 'at most 16', String(depth))
      checks.verdict('authorized', true, () => authorizeNodeKey(trusted, nodeKey, result))
      return
    }
    checks.equal('resultHash', fields.get('resultHash', hex), blake2s256(result))
    const bytes = fields.find('result', hex)
    if (bytes) checks.equal('result', bytes, result)
    checks.equal('depth', fields.get('depth', integer), depthOf(decodeNodeKeySignature(result)))
    const authorization = checks.verdict('authorized', authorized, () =>
      authorizeNodeKey(trusted, nodeKey, result),
    )
    const previousKeys = authorization?.rotation?.previousNodeKeys.map(nodePublicBytes)
    checks.equal('prevNodeKeys', fields.find('prevNodeKeys', listOf(hex)), previousKeys)
  }
})

/**
 * The recorded result is worthless though it need not be: it has too many levels to be decoded
 * (`depth` null), or it lost the layer that made the signer the wrapping key. Judged by the marks
 * `depth` and `authorized`, and by the old signature being full and wrapped by the signer's key.
 */
function isBetterTrimmed(fields: Fields, old: Uint8Array, signer: LockSigner): boolean {
  const decoded = decodeNodeKeySignature(old)
  const wrapping = unverifiedWrappingPublic(decoded)
  const isOurs = wrapping !== null && equalBytes(wrapping, signer.keyId)
  if (!isOurs || depthOf(decoded) !== 16) return false
  let layer: NodeKeySignature = decoded
  while (layer.nested) layer = layer.nested
  const isRootOurs = layer.wrappingPubkey !== null && equalBytes(layer.wrappingPubkey, signer.keyId)
  return fields.get('depth', nullable(integer)) === null || !isRootOurs
}

export const nksCredential: Format = eachCase(
  byKind('op', {
    signByCredential(fields, checks) {
      const privateKey = fields.get('privateKey', hex)
      const signature = decodeNodeKeySignature(fields.get('credential', hex))
      const nodeKey = nodePublicFromBytes(fields.get('nodeKey', hex))
      const trusted = indexTrustedKeys(fields.get('trustedKeys', listOf(key)))
      const ok = fields.get('ok', bool)
      const sign = (): Uint8Array =>
        signByCredential({ nodeKey, credential: { signature, privateKey } })
      if (ok && hasForeignHalf(privateKey)) {
        checks.judgeBy('credential-key-halves')
        fields.skip('result', 'authorized')
        expectCode(checks, 'bad-text', sign)
        return
      }
      const result = checks.verdict('ok', ok, sign)
      if (!ok || !result) return
      checks.equal('result', fields.get('result', hex), result)
      checks.verdict('authorized', fields.get('authorized', bool), () =>
        authorizeNodeKey(trusted, nodeKey, result),
      )
    },
    wrap(fields, checks) {
      const signer = seedSigner(fields.get('trustedSeed', hex))
      const credential = createCredential(signer, fields.get('credentialSeed', hex))
      const wrapped = wrapAuthKey(fields.get('authKey', text), credential)
      checks.equal('text', fields.get('text', text), wrapped)
    },
    decode(fields, checks) {
      const { authKey, credential } = parseWrappedAuthKey(fields.get('text', text))
      checks.equal('authKey', fields.get('authKey', text), authKey)
      checks.equal('isWrapped', fields.get('isWrapped', bool), credential !== null)
      const signature = credential && encodeNodeKeySignature(credential.signature)
      checks.equal('signature', fields.get('signature', nullable(hex)), signature)
      const privateKey = credential && credential.privateKey
      checks.equal('privateKey', fields.get('privateKey', nullable(hex)), privateKey)
    },
  }),
)

/** A private key of 64 bytes whose second half is not the public key of its first. */
function hasForeignHalf(privateKey: Uint8Array): boolean {
  if (privateKey.length !== 64) return false
  const own = toHex(ed25519PublicKey(privateKey.subarray(0, 32)))
  return own !== toHex(privateKey.subarray(32))
}
