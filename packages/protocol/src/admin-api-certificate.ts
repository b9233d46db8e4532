// SPDX-License-Identifier: Apache-2.0

/**
 * The admin API about the certificate that a server shows.
 *
 * @module
 */

import { text } from './codecs.ts'
import { always, list, parseJson, pointer, struct, type Codec, type JsonInput } from './schema.ts'

/** The certificate of a server, and how it stands with the next one. */
export interface AdminCertificate {
  /** 'none' if the server does not speak TLS itself, 'files', or 'acme'. */
  readonly source: string
  /** The names in it; by ACME, those that one is asked for while there is none. */
  readonly names: readonly string[] | null
  /** Until when it is good; null while there is none. */
  readonly until: string | null
  /** When the next one is asked for, by ACME. */
  readonly nextTry: string | null
  /** Why the last attempt to get or to load another one failed. */
  readonly problem: string | null
}

const certificate: Codec<AdminCertificate> = struct<AdminCertificate>({
  source: always(text),
  names: always(list(text)),
  until: always(pointer(text)),
  nextTry: always(pointer(text)),
  problem: always(pointer(text)),
})

/** Reads the answer. @throws ProtocolError on anything else */
export function readCertificate(input: JsonInput): AdminCertificate {
  return parseJson(certificate, input)
}
