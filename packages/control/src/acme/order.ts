// SPDX-License-Identifier: Apache-2.0

/**
 * One certificate from an authority that speaks ACME (RFC 8555, section 7): account, order, proof by HTTP
 * that the names are ours, certificate.
 *
 * @module
 */

import { generateKeyPairSync } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { z } from 'zod'
import type { Clock } from '../clock.ts'
import { ACME_POLL_MS, MAX_ACME_POLLS, MAX_ACME_WAIT_MS } from '../limits.ts'
import { parsePair } from '../http/certificate.ts'
import type { CertificatePair } from '../http/certificate.ts'
import { certificateRequest } from './csr.ts'
import { keyAuthorization } from './jws.ts'
import { failed, openAcmeSession, parseAnswer, printable } from './session.ts'
import type { AcmeAnswer, AcmeSession } from './session.ts'

/** What is asked of whom. */
export interface AcmeOrder {
  readonly directory: string
  readonly names: readonly string[]
  readonly email: string | undefined
  readonly accountKey: KeyObject
  readonly clock: Clock
  /** Puts a proof where the authority looks; undefined takes it away. */
  readonly prove: (token: string, proof: string | undefined) => void
  readonly signal: AbortSignal
}

const url = z.url({ protocol: /^https?$/ })
const orderSchema = z.object({
  status: z.string(),
  authorizations: z.array(url).max(100),
  finalize: url,
  certificate: url.optional(),
  error: z.object({ detail: z.string().optional() }).optional(),
})
const authorizationSchema = z.object({
  status: z.string(),
  identifier: z.object({ value: z.string() }),
  challenges: z
    .array(
      z.object({
        type: z.string(),
        url,
        token: z
          .string()
          .regex(/^[A-Za-z0-9_-]{1,200}$/)
          .optional(),
        error: z.object({ detail: z.string().optional() }).optional(),
      }),
    )
    .max(20),
})

/** Returns a certificate with a new key. @throws ControlError 'acme-failed' */
export async function orderCertificate(order: AcmeOrder): Promise<CertificatePair> {
  const { names, accountKey, signal } = order
  const session = await openAcmeSession(order.directory, accountKey, signal)
  await signIn(session, order.email)
  const placed = await session.post(session.directory.newOrder, {
    identifiers: names.map((value) => ({ type: 'dns', value })),
  })
  const orderUrl = placed.location
  if (orderUrl === undefined) throw failed('the order has no URL')
  const { authorizations, finalize } = parseAnswer(orderSchema, placed.text, 'the order')
  for (const authorization of authorizations) await authorize(session, authorization, order)
  await settled(session, orderUrl, order, 'ready')
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const csr = Buffer.from(certificateRequest(names, privateKey)).toString('base64url')
  await session.post(finalize, { csr })
  const certificateUrl = await settled(session, orderUrl, order, 'valid')
  if (certificateUrl === undefined) throw failed('the order has no certificate')
  const { text: chain } = await session.post(certificateUrl)
  return checkCertificate(chain, privateKey, order)
}

async function signIn(session: AcmeSession, email: string | undefined): Promise<void> {
  // An authority that knows the key answers with the account that it has.
  const { location } = await session.post(session.directory.newAccount, {
    termsOfServiceAgreed: true,
    ...(email !== undefined && { contact: [`mailto:${email}`] }),
  })
  if (location === undefined) throw failed('the account has no URL')
  session.signIn(location)
}

/** Shows that one name is ours. */
async function authorize(session: AcmeSession, target: string, order: AcmeOrder): Promise<void> {
  const read = ({ text }: AcmeAnswer) => parseAnswer(authorizationSchema, text, 'an authorization')
  const { status, identifier, challenges } = read(await session.post(target))
  if (status === 'valid') return
  const challenge = challenges.find(({ type }) => type === 'http-01')
  const token = challenge?.token
  if (challenge === undefined || token === undefined) {
    throw failed(`the authority offers no proof by HTTP for ${printable(identifier.value)}`)
  }
  order.prove(token, keyAuthorization(token, order.accountKey))
  try {
    await session.post(challenge.url, {})
    await poll(session, target, order, (answer) => {
      const now = read(answer)
      if (now.status === 'valid') return true
      if (now.status === 'pending') return undefined
      const said = now.challenges.map(({ error }) => error?.detail).find(Boolean) ?? now.status
      throw failed(`no proof for ${printable(identifier.value)}: ${printable(said)}`)
    })
  } finally {
    order.prove(token, undefined)
  }
}

/** Waits until an order has a status. */
function settled(
  session: AcmeSession,
  target: string,
  order: AcmeOrder,
  wanted: 'ready' | 'valid',
): Promise<string | undefined> {
  return poll(session, target, order, ({ text }) => {
    const { status, certificate, error } = parseAnswer(orderSchema, text, 'the order')
    if (status === wanted || status === 'valid') return certificate ?? ''
    if (status === 'pending' || status === 'processing' || status === 'ready') return undefined
    throw failed(`the order is ${printable(status)}: ${printable(error?.detail ?? 'no reason')}`)
  }).then((certificate) => (certificate === '' ? undefined : certificate))
}

/** Asks again and again, as slowly as the authority says, until there is a result. */
async function poll<T>(
  session: AcmeSession,
  target: string,
  { clock, signal }: AcmeOrder,
  resultOf: (answer: AcmeAnswer) => T | undefined,
): Promise<T> {
  for (let times = 0; times < MAX_ACME_POLLS; times++) {
    const answer = await session.post(target)
    const result = resultOf(answer)
    if (result !== undefined) return result
    const wait = Math.max(answer.retryAfterMs ?? 0, ACME_POLL_MS)
    await pause(clock, Math.min(wait, MAX_ACME_WAIT_MS), signal)
  }
  throw failed('the authority does not come to an end')
}

function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      cancel()
      reject(failed('given up'))
    }
    const cancel = clock.schedule(ms, () => {
      signal.removeEventListener('abort', stop)
      resolve()
    })
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
  })
}

/** What an authority sends is served only if it is what was ordered. */
function checkCertificate(chain: string, key: KeyObject, order: AcmeOrder): CertificatePair {
  const pair = parsePair(chain, key.export({ type: 'pkcs8', format: 'pem' }).toString())
  for (const name of order.names) {
    if (pair.leaf.checkHost(name) === undefined) throw failed(`the certificate is not for ${name}`)
  }
  if (pair.leaf.validToDate.getTime() <= order.clock.now()) {
    throw failed('the certificate has expired already')
  }
  return pair
}
