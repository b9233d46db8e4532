// SPDX-License-Identifier: Apache-2.0

/**
 * What is likely to hurt about the certificate, and a line about it if nothing does.
 *
 * @module
 */

import type { AdminCertificate } from '@signet/protocol/admin-api'
import { listed, when } from './connect.ts'
import type { Finding } from './doctor.ts'

/** A certificate in files that nobody has renewed by then is one that nobody renews. */
const soon = 7 * 86_400_000

/** Returns a line about a certificate; '' when the server has none and wants none. */
export function certificateLine({ source, names, until, nextTry }: AdminCertificate): string {
  if (source === 'none') return ''
  const state = until === null ? 'not there yet' : `until ${when(until)}`
  const next = nextTry === null ? '' : `, next asked for ${when(nextTry)}`
  const from = source === 'acme' ? `by ACME${next}` : 'from files'
  return `certificate: ${listed(names)}, ${state}, ${from}\n`
}

/** Looks at the certificate. */
export function certificateFindings(certificate: AdminCertificate, now: number): Finding[] {
  const { source, until, problem } = certificate
  if (source === 'none') return []
  const left = until === null ? 0 : Date.parse(until) - now
  const names = listed(certificate.names)
  const advice =
    source === 'acme'
      ? 'Port 80 of each name must reach http_listen. A SIGHUP to the server tries at once.'
      : 'Put a new one into the files of tls_cert and tls_key; they are looked at by themselves.'
  const because = problem === null ? '' : `: ${oneLine(problem)}`
  const found = (text: string): Finding[] => [{ level: 'warning', text: text + because, advice }]
  if (until === null) return found(`no certificate for ${names}, so nobody can connect by TLS`)
  if (left <= 0) return found(`the certificate for ${names} has expired`)
  if (problem !== null) return found(`the certificate for ${names} cannot be replaced`)
  // One by ACME may live for days only, and a next one that fails is a problem above.
  if (source === 'files' && left < soon)
    return found(`the certificate for ${names} expires ${when(until)}`)
  return []
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ')
}
