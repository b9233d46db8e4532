// SPDX-License-Identifier: Apache-2.0

/**
 * Certificates for tests, made on the spot: a small authority that signs what it is asked to.
 *
 * @module
 */

import { createPublicKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { isIPv4 } from 'node:net'
import {
  bitString,
  element,
  integer,
  objectId,
  octetString,
  pem,
  sequence,
  setOf,
  utf8String,
} from './der.ts'

/** What stands in a certificate. */
export interface CertificateSpec {
  /** DNS names and IPv4 addresses. */
  readonly names: readonly string[]
  readonly from?: number
  readonly until?: number
}

/** A certificate and its key in PEM. */
export interface MadeCertificate {
  readonly cert: string
  readonly key: string
}

/** Signs certificates. */
export interface TestAuthority {
  /** Its own certificate, for those who trust it. */
  readonly cert: string
  issue(spec: CertificateSpec): MadeCertificate
  /** For a public key that somebody else has the private one of. */
  sign(spec: CertificateSpec, publicKey: KeyObject): string
}

const DAY = 24 * 60 * 60 * 1000

/** Makes an authority. */
export function createAuthority(name = 'Test authority'): TestAuthority {
  const { privateKey, publicKey } = newKey()
  const issuer = commonName(name)
  const make = (
    subject: Uint8Array,
    spec: CertificateSpec,
    key: KeyObject,
    isCa: boolean,
  ): string => build({ issuer, subject, spec, key, isCa, signer: privateKey })
  const signFor = (spec: CertificateSpec, key: KeyObject): string =>
    make(commonName(spec.names[0] ?? ''), spec, key, false)
  return {
    cert: make(issuer, { names: [] }, publicKey, true),
    sign: signFor,
    issue(spec) {
      const pair = newKey()
      return { cert: signFor(spec, pair.publicKey), key: exportKey(pair.privateKey) }
    },
  }
}

/** Makes a certificate that nobody else vouches for. */
export function selfSigned(spec: CertificateSpec): MadeCertificate {
  const { privateKey, publicKey } = newKey()
  const name = commonName(spec.names[0] ?? '')
  const parts = { issuer: name, subject: name, spec, key: publicKey, isCa: false }
  return { cert: build({ ...parts, signer: privateKey }), key: exportKey(privateKey) }
}

/** ECDSA with SHA-256. */
function signatureAlgorithm(): Uint8Array {
  return sequence(objectId('1.2.840.10045.4.3.2'))
}

function newKey() {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' })
}

function exportKey(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString()
}

function commonName(name: string): Uint8Array {
  return sequence(setOf(sequence(objectId('2.5.4.3'), utf8String(name))))
}

function build(parts: {
  issuer: Uint8Array
  subject: Uint8Array
  spec: CertificateSpec
  key: KeyObject
  isCa: boolean
  signer: KeyObject
}): string {
  const { from = Date.now() - DAY, until = Date.now() + 90 * DAY, names } = parts.spec
  const extensions = [
    ...(names.length > 0 ? [altNames(names)] : []),
    ...(parts.isCa
      ? [sequence(objectId('2.5.29.19'), octetString(sequence(element(1, Uint8Array.of(255)))))]
      : []),
  ]
  const body = sequence(
    element(0xa0, integer(Uint8Array.of(2))),
    integer(randomBytes(16)),
    signatureAlgorithm(),
    parts.issuer,
    sequence(generalizedTime(from), generalizedTime(until)),
    parts.subject,
    createPublicKey(parts.key.export({ type: 'spki', format: 'pem' })).export({
      type: 'spki',
      format: 'der',
    }),
    element(0xa3, sequence(...extensions)),
  )
  const der = sequence(body, signatureAlgorithm(), bitString(sign('sha256', body, parts.signer)))
  return pem('CERTIFICATE', der)
}

function altNames(names: readonly string[]): Uint8Array {
  const list = names.map((name) =>
    isIPv4(name)
      ? element(0x87, Uint8Array.from(name.split('.'), Number))
      : element(0x82, Buffer.from(name, 'ascii')),
  )
  return sequence(objectId('2.5.29.17'), octetString(sequence(...list)))
}

function generalizedTime(ms: number): Uint8Array {
  const text = new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+/g, '')
  return element(0x18, Buffer.from(text, 'ascii'))
}
