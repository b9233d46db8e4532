// SPDX-License-Identifier: Apache-2.0

/**
 * Requests to one certificate authority: signed, each with a nonce of its own, and bounded in time and size.
 * What comes back is as untrusted as anything from a network.
 *
 * @module
 */

import type { KeyObject } from 'node:crypto'
import { z } from 'zod'
import { ControlError } from '../errors.ts'
import { ACME_REQUEST_MS, MAX_ACME_ANSWER, MAX_ACME_NONCE_TRIES } from '../limits.ts'
import { signJws } from './jws.ts'

/** An answer that was no error. */
export interface AcmeAnswer {
  readonly text: string
  /** The URL of what was made. */
  readonly location: string | undefined
  /** How long to wait before asking again, in milliseconds. */
  readonly retryAfterMs: number | undefined
}

/** Speaks as one account. */
export interface AcmeSession {
  readonly directory: AcmeDirectory
  /** Signs and sends; without a payload it only asks. @throws ControlError 'acme-failed' */
  post(url: string, payload?: object): Promise<AcmeAnswer>
  /** From now on requests are by the account of this URL. */
  signIn(account: string): void
}

const url = z.url({ protocol: /^https?$/ })
/** Where an authority takes what. */
export interface AcmeDirectory {
  readonly newNonce: string
  readonly newAccount: string
  readonly newOrder: string
}

const directorySchema = z.object({ newNonce: url, newAccount: url, newOrder: url })

const problemSchema = z.object({
  type: z.string().optional(),
  detail: z.string().optional(),
})

/** Reads the directory of an authority. @throws ControlError 'acme-failed' */
export async function openAcmeSession(
  directoryUrl: string,
  accountKey: KeyObject,
  signal: AbortSignal,
): Promise<AcmeSession> {
  const first = await send(directoryUrl, { method: 'GET' }, signal)
  if (!first.ok) throw problemOf(directoryUrl, first)
  const directory = parseAnswer(directorySchema, first.text, directoryUrl)
  const isSecure = directoryUrl.startsWith('https:')
  let account: string | undefined
  let nonce = first.nonce

  async function post(target: string, payload: object | '' = ''): Promise<AcmeAnswer> {
    // An authority may send us anywhere, but not out of TLS.
    if (isSecure && !target.startsWith('https:')) throw failed(`${target} is not by TLS`)
    for (let tries = 1; ; tries++) {
      nonce ??= (await send(directory.newNonce, { method: 'HEAD' }, signal)).nonce
      if (nonce === undefined) throw failed('the authority gives no nonce')
      const body = signJws({ accountKey, account, nonce, url: target, payload })
      const headers = { 'content-type': 'application/jose+json' }
      const answer = await send(target, { method: 'POST', headers, body }, signal)
      nonce = answer.nonce
      if (answer.ok) return answer
      const isStale = answer.text.includes('urn:ietf:params:acme:error:badNonce')
      if (!isStale || tries === MAX_ACME_NONCE_TRIES) throw problemOf(target, answer)
    }
  }

  return {
    directory,
    post,
    signIn(location) {
      account = location
    },
  }
}

/** Parses an answer. @throws ControlError 'acme-failed' when it is not what it should be */
export function parseAnswer<T>(schema: z.ZodType<T>, text: string, what: string): T {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw failed(`${what} is no JSON`, cause)
  }
  const parsed = schema.safeParse(json)
  if (parsed.success) return parsed.data
  throw failed(`${what} has something else than expected`, parsed.error)
}

/** The error of everything here. */
export function failed(reason: string, cause?: unknown, retryAfterMs?: number): ControlError {
  return new ControlError('acme-failed', `Cannot get a certificate: ${reason}`, {
    cause,
    ...(retryAfterMs !== undefined && { retryAfterSeconds: Math.ceil(retryAfterMs / 1_000) }),
  })
}

interface RawAnswer extends AcmeAnswer {
  readonly ok: boolean
  readonly status: number
  readonly nonce: string | undefined
}

async function send(target: string, init: RequestInit, signal: AbortSignal): Promise<RawAnswer> {
  try {
    const response = await fetch(target, {
      ...init,
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(ACME_REQUEST_MS)]),
    })
    return {
      ok: response.ok,
      status: response.status,
      text: await readText(response),
      location: response.headers.get('location') ?? undefined,
      nonce: response.headers.get('replay-nonce') ?? undefined,
      retryAfterMs: retryAfterOf(response.headers.get('retry-after')),
    }
  } catch (cause) {
    if (cause instanceof ControlError) throw cause
    throw failed(`${target} does not answer: ${reasonOf(cause)}`, cause)
  }
}

async function readText({ body }: Response): Promise<string> {
  if (body === null) return ''
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > MAX_ACME_ANSWER) throw failed(`an answer exceeds ${MAX_ACME_ANSWER} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Seconds or a date. */
function retryAfterOf(header: string | null): number | undefined {
  if (header === null) return undefined
  const ms = /^\d{1,9}$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now()
  return Number.isFinite(ms) && ms > 0 ? ms : undefined
}

function problemOf(target: string, { status, text, retryAfterMs }: RawAnswer): ControlError {
  let detail = ''
  try {
    const problem = problemSchema.parse(JSON.parse(text))
    detail = [problem.type?.split(':').at(-1), problem.detail].filter(Boolean).join(': ')
  } catch {
    // Not every proxy in between knows problem documents; the status says enough.
  }
  const said = detail === '' ? '' : `: ${printable(detail)}`
  return failed(`${new URL(target).host} answers ${status}${said}`, undefined, retryAfterMs)
}

/** What somebody else wrote, for a log: one line, not too long. */
export function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]+/g, ' ').slice(0, 500)
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message : error.message
}
