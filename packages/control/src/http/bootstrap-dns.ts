// SPDX-License-Identifier: Apache-2.0

/**
 * `/bootstrap-dns`: the addresses of this server, for clients that reach another of its names but no name
 * server. It answers for its own host only; it is no name server for anybody else.
 *
 * @module
 */

import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { Clock } from '../clock.ts'
import { BOOTSTRAP_DNS_KEEP_MS } from '../limits.ts'

/** Answers with JSON: names and their addresses. */
export type BootstrapDns = () => Promise<string>

/** How names are looked up. */
export type LookUp = (host: string) => Promise<readonly string[]>

const lookUpHost: LookUp = async (host) =>
  (await lookup(host, { all: true })).map(({ address }) => address)

/** Answers for one host. However often it is asked, a name server is asked now and then. */
export function createBootstrapDns(
  host: string,
  clock: Clock,
  lookUp: LookUp = lookUpHost,
): BootstrapDns {
  // An address needs no answer.
  if (isIP(host) !== 0) return () => Promise.resolve('{}')
  let kept: { readonly answer: Promise<string>; readonly until: number } | undefined
  const ask = async (): Promise<string> => {
    try {
      return JSON.stringify({ [host]: await lookUp(host) })
    } catch {
      return '{}'
    }
  }
  return () => {
    if (kept === undefined || kept.until <= clock.now()) {
      kept = { answer: ask(), until: clock.now() + BOOTSTRAP_DNS_KEEP_MS }
    }
    return kept.answer
  }
}
