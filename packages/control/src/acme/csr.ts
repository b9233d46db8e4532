// SPDX-License-Identifier: Apache-2.0

/**
 * A request for a certificate (PKCS#10, RFC 2986): the names, the public key, and a signature that shows that
 * the asker has the private one.
 *
 * @module
 */

import { createPublicKey, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { bitString, element, integer, objectId, octetString, sequence, setOf } from './der.ts'

const ECDSA_SHA256 = '1.2.840.10045.4.3.2'
const EXTENSION_REQUEST = '1.2.840.113549.1.9.14'
const SUBJECT_ALT_NAME = '2.5.29.17'
/** Tags of the alternatives of a GeneralName and of the attributes. */
const DNS_NAME = 0x82
const ATTRIBUTES = 0xa0

/** Returns the request, in DER, for DNS names and a P-256 key. */
export function certificateRequest(names: readonly string[], key: KeyObject): Uint8Array {
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' })
  const extensions = sequence(subjectAltName(names))
  const info = sequence(
    integer(Uint8Array.of(0)),
    // No subject: names have been in the extension for decades.
    sequence(),
    publicKey,
    element(ATTRIBUTES, sequence(objectId(EXTENSION_REQUEST), setOf(extensions))),
  )
  return sequence(info, ecdsaSha256(), bitString(sign('sha256', info, key)))
}

/** The extension with the names of a certificate. */
export function subjectAltName(names: readonly string[]): Uint8Array {
  const list = sequence(...names.map((name) => element(DNS_NAME, Buffer.from(name, 'ascii'))))
  return sequence(objectId(SUBJECT_ALT_NAME), octetString(list))
}

/** The identifier of the algorithm of signatures. */
export function ecdsaSha256(): Uint8Array {
  return sequence(objectId(ECDSA_SHA256))
}
