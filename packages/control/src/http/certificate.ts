// SPDX-License-Identifier: Apache-2.0

/**
 * A certificate chain with its key. A pair is checked as a whole before anything serves it: a chain
 * whose key is another one's would end every handshake.
 *
 * @module
 */

import { createPrivateKey, X509Certificate } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { ControlError } from '../errors.ts'

/** A chain and its key that belong together. */
export interface CertificatePair {
  /** PEM: the certificate of this server first, then those that vouch for it. */
  readonly cert: string
  /** PEM. A secret. */
  readonly key: string
  /** The certificate of this server. */
  readonly leaf: X509Certificate
}

/** Where the certificate comes from that is served. */
export interface CertificateSource extends Disposable {
  /** What is in force; none while the first one is being asked for. */
  readonly current: CertificatePair | undefined
  /** Why the last attempt to get or to load another one failed. */
  readonly problem: string | undefined
  /** When another one is asked for, in milliseconds since 1970; undefined for one that others renew. */
  readonly nextTry: number | undefined
  /** Has every later pair handed over. */
  onChange(listener: (pair: CertificatePair) => void): void
  /** Looks for a new one now. */
  reload(): void
}

/** Returns the pair. @throws ControlError 'bad-config' when it cannot be served */
export function parsePair(cert: string, key: string): CertificatePair {
  let leaf: X509Certificate
  let secret: KeyObject
  try {
    leaf = new X509Certificate(cert)
  } catch (cause) {
    throw new ControlError('bad-config', 'The certificate is not PEM that can be read', { cause })
  }
  try {
    secret = createPrivateKey(key)
  } catch {
    // Without the cause: nothing that was near a key goes further.
    throw new ControlError('bad-config', 'The key is not an unencrypted private key in PEM')
  }
  if (!leaf.checkPrivateKey(secret)) {
    throw new ControlError('bad-config', 'The key is not the key of the certificate')
  }
  return { cert, key, leaf }
}

/** Whether a certificate vouches for itself: then clients can only know it by its hash. */
export function isSelfSigned(leaf: X509Certificate): boolean {
  return leaf.subject === leaf.issuer && leaf.verify(leaf.publicKey)
}

/** The time from which on nobody takes the certificate any more, in milliseconds since 1970. */
export function expiryOf(leaf: X509Certificate): number {
  return leaf.validToDate.getTime()
}
