// SPDX-License-Identifier: Apache-2.0

/**
 * The library that speaks ACME, and what each of its requests is held to. It is loaded when a certificate is
 * ordered: a server without ACME has none of it in memory.
 *
 * @module
 */

import { AsyncLocalStorage } from 'node:async_hooks'
import type * as AcmeClient from 'acme-client'
import { z } from 'zod'
import type { Clock } from '../clock.ts'
import { ControlError } from '../errors.ts'
import { ACME_REQUEST_MS, MAX_ACME_ANSWER } from '../limits.ts'

/** The library. */
export type AcmeLibrary = typeof AcmeClient

/** One try to get a certificate, to which requests belong. */
export interface AcmeAttempt {
  /** The URL of the authority's directory. */
  readonly directory: string
  readonly signal: AbortSignal
  readonly clock: Clock
  /** Ends the wait for the answer to the one request that is under way. */
  answered: (() => void) | undefined
  /** How long the latest answer wants us to wait, in milliseconds. */
  retryAfterMs: number | undefined
}

/** The library has one HTTP client for all that use it, so a request finds what it belongs to by its context. */
const attempts = new AsyncLocalStorage<AcmeAttempt>()
let loading: Promise<AcmeLibrary> | undefined

/** Runs with the library; what it sends meanwhile belongs to this attempt. @throws ControlError 'acme-failed' */
export async function withAcmeLibrary<T>(
  attempt: AcmeAttempt,
  run: (library: AcmeLibrary) => Promise<T>,
): Promise<T> {
  try {
    const library = await (loading ??= load())
    return await attempts.run(attempt, () => run(library))
  } catch (cause) {
    if (cause instanceof ControlError && cause.code === 'acme-failed') throw cause
    // The library's own errors repeat what the authority said.
    throw failed(printable(cause instanceof Error ? cause.message : String(cause)), cause)
  }
}

async function load(): Promise<AcmeLibrary> {
  const library = await import('acme-client')
  const { defaults, interceptors } = library.axios
  defaults.maxContentLength = MAX_ACME_ANSWER
  defaults.maxRedirects = 0
  // Only settings lead somewhere else, not the environment.
  defaults.proxy = false
  // What is there repeats what failed, waiting as long as it is told to, and nothing can end that.
  interceptors.request.clear()
  interceptors.response.clear()
  interceptors.request.use((config) => {
    const attempt = attemptOf()
    const { directory, signal, clock } = attempt
    const target = config.url ?? ''
    // An authority may send us anywhere, but not out of TLS.
    const isFit = target.startsWith('https://') || !directory.startsWith('https:')
    if (!isFit || !/^https?:\/\//.test(target)) throw failed(`${printable(target)} is not by TLS`)
    const late = new AbortController()
    attempt.answered = clock.schedule(ACME_REQUEST_MS, () => late.abort())
    config.signal = AbortSignal.any([signal, late.signal])
    return config
  })
  interceptors.response.use((response) => {
    const { status, headers, config } = response
    const problem = problemSchema.parse(response.data)
    const retryAfterMs = retryAfterOf(headers['retry-after'])
    const attempt = attemptOf()
    attempt.answered?.()
    attempt.retryAfterMs = retryAfterMs
    // Another nonce is got by the library.
    const isStale = problem.type === 'urn:ietf:params:acme:error:badNonce'
    if (status < 300 || isStale) return response
    const said = [status, problem.type?.split(':').at(-1), problem.detail].filter(Boolean)
    const host = new URL(config.url ?? '').host
    throw failed(`${host} answers ${printable(said.join(': '))}`, undefined, retryAfterMs)
  }, refuse)
  return library
}

/** Says why there is no answer. */
function refuse(error: unknown): never {
  const attempt = attemptOf()
  attempt.answered?.()
  if (error instanceof ControlError || !(error instanceof Error)) throw error
  const { data } = unansweredSchema.safeParse(error)
  const late = attempt.signal.aborted ? 'given up' : `nothing in ${ACME_REQUEST_MS / 1_000} s`
  const reason = data?.code === 'ERR_CANCELED' ? late : printable(error.message)
  throw failed(
    `${printable(data?.config?.url ?? 'the authority')} does not answer: ${reason}`,
    error,
  )
}

/** Anything; a problem document if it is one (RFC 7807). */
const problemSchema = z
  .object({ type: z.string().optional(), detail: z.string().optional() })
  .catch({})
const unansweredSchema = z.object({
  code: z.string().optional(),
  config: z.object({ url: z.string().optional() }).optional(),
})

function attemptOf(): AcmeAttempt {
  const attempt = attempts.getStore()
  if (attempt === undefined) throw failed('a request belongs to no attempt')
  return attempt
}

/** Seconds or a date. */
function retryAfterOf(header: unknown): number | undefined {
  if (typeof header !== 'string') return undefined
  const ms = /^\d{1,9}$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now()
  return Number.isFinite(ms) && ms > 0 ? ms : undefined
}

/** The error of everything here. */
export function failed(reason: string, cause?: unknown, retryAfterMs?: number): ControlError {
  return new ControlError('acme-failed', `Cannot get a certificate: ${reason}`, {
    cause,
    ...(retryAfterMs !== undefined && { retryAfterSeconds: Math.ceil(retryAfterMs / 1_000) }),
  })
}

/** What somebody else wrote, for a log: one line, not too long. */
export function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]+/g, ' ').slice(0, 500)
}
