// SPDX-License-Identifier: Apache-2.0

/**
 * What administrators are told of the certificate.
 *
 * @module
 */

import type { X509Certificate } from 'node:crypto'
import type { AdminCertificate } from '@signet/protocol/admin-api'
import { expiryOf } from './certificate.ts'
import type { CertificateSource } from './certificate.ts'

/** Returns the status of a certificate; `asked` are the names that it is asked for by ACME. */
export function certificateStatus(
  certificate: CertificateSource | undefined,
  asked?: readonly string[],
): AdminCertificate {
  const leaf = certificate?.current?.leaf
  const own = asked === undefined ? 'files' : 'acme'
  return {
    source: certificate === undefined ? 'none' : own,
    names: leaf === undefined ? (asked ?? []) : namesOf(leaf),
    until: leaf === undefined ? null : timeOf(expiryOf(leaf)),
    nextTry: certificate?.nextTry === undefined ? null : timeOf(certificate.nextTry),
    problem: certificate?.problem ?? null,
  }
}

function namesOf({ subjectAltName, subject }: X509Certificate): readonly string[] {
  if (subjectAltName === undefined) return [subject]
  return subjectAltName.split(', ').map((name) => name.replace(/^(DNS|IP Address):/, ''))
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString()
}
