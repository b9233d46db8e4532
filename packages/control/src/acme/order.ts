// SPDX-License-Identifier: Apache-2.0

/**
 * One certificate from an authority that speaks ACME (RFC 8555, section 7): account, order, proof by HTTP
 * that the names are ours, certificate. The library asks; what comes back is looked at here, and it is
 * waited here, since the library neither can be stopped nor heeds how long to wait.
 *
 * @module
 */

import type { KeyObject } from 'node:crypto'
import type { Client } from 'acme-client'
import { z } from 'zod'
import type { Clock } from '../clock.ts'
import { ACME_POLL_MS, MAX_ACME_DOMAINS, MAX_ACME_POLLS, MAX_ACME_WAIT_MS } from '../limits.ts'
import { parsePair } from '../http/certificate.ts'
import type { CertificatePair } from '../http/certificate.ts'
import { failed, printable, withAcmeLibrary } from './library.ts'
import type { AcmeAttempt } from './library.ts'

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

type Order = Awaited<ReturnType<Client['createOrder']>>

const reason = z.object({ detail: z.string().optional() }).optional()
const orderSchema = z.object({
  status: z.string(),
  authorizations: z.array(z.string()).max(MAX_ACME_DOMAINS),
  error: reason,
})
const authorizationSchema = z.object({
  status: z.string(),
  identifier: z.object({ value: z.string() }),
  challenges: z.array(z.object({ type: z.string(), error: reason })).max(20),
})
const tokenSchema = z.string().regex(/^[A-Za-z0-9_-]{1,200}$/)

/** Returns a certificate with a new key. @throws ControlError 'acme-failed' */
export function orderCertificate(order: AcmeOrder): Promise<CertificatePair> {
  const { directory, names, email, signal, clock } = order
  const attempt: AcmeAttempt = {
    directory,
    signal,
    clock,
    answered: undefined,
    retryAfterMs: undefined,
  }
  return withAcmeLibrary(attempt, async ({ Client, crypto }) => {
    const accountKey = pemOf(order.accountKey)
    const client = new Client({ directoryUrl: directory, accountKey })
    const wait = (): Promise<void> => {
      const ms = Math.max(attempt.retryAfterMs ?? 0, ACME_POLL_MS)
      return pause(clock, Math.min(ms, MAX_ACME_WAIT_MS), signal)
    }
    // An authority that knows the key answers with the account that it has.
    await client.createAccount({
      termsOfServiceAgreed: true,
      ...(email !== undefined && { contact: [`mailto:${email}`] }),
    })
    const identifiers = names.map((value) => ({ type: 'dns', value }))
    const placed = await client.createOrder({ identifiers })
    for (const url of parse(orderSchema, placed, 'the order').authorizations) {
      await authorize(client, { ...placed, authorizations: [url] }, order.prove, wait)
    }
    await settled(client, placed, 'ready', wait)
    const key = await crypto.createPrivateEcdsaKey('P-256')
    const [, csr] = await crypto.createCsr({ altNames: [...names] }, key)
    await client.finalizeOrder(placed, csr)
    const done = await settled(client, placed, 'valid', wait)
    const chain = parse(z.string(), await client.getCertificate(done), 'the certificate')
    return checkCertificate(chain, key.toString(), order)
  })
}

/** Shows that one name is ours: that of the one authorization in this part of an order. */
async function authorize(
  client: Client,
  part: Order,
  prove: AcmeOrder['prove'],
  wait: () => Promise<void>,
): Promise<void> {
  const read = async () => {
    const [found] = await client.getAuthorizations(part)
    return { found, now: parse(authorizationSchema, found, 'an authorization') }
  }
  const { found, now } = await read()
  if (now.status === 'valid') return
  const name = printable(now.identifier.value)
  const challenge = found?.challenges.find(({ type }) => type === 'http-01')
  if (challenge === undefined) throw failed(`the authority offers no proof by HTTP for ${name}`)
  const token = parse(tokenSchema, challenge.token, 'a token')
  prove(token, await client.getChallengeKeyAuthorization(challenge))
  try {
    await client.completeChallenge(challenge)
    await poll(wait, async () => {
      const { status, challenges } = (await read()).now
      if (status === 'valid') return true
      if (status === 'pending') return undefined
      const said = challenges.map(({ error }) => error?.detail).find(Boolean) ?? status
      throw failed(`no proof for ${name}: ${printable(said)}`)
    })
  } finally {
    prove(token, undefined)
  }
}

/** Waits until an order has a status. */
function settled(
  client: Client,
  placed: Order,
  wanted: 'ready' | 'valid',
  wait: () => Promise<void>,
): Promise<Order> {
  return poll(wait, async () => {
    const found = await client.getOrder(placed)
    const { status, error } = parse(orderSchema, found, 'the order')
    if (status === wanted || status === 'valid') return found
    if (status === 'pending' || status === 'processing' || status === 'ready') return undefined
    throw failed(`the order is ${printable(status)}: ${printable(error?.detail ?? 'no reason')}`)
  })
}

/** Asks again and again until there is a result. */
async function poll<T>(wait: () => Promise<void>, ask: () => Promise<T | undefined>): Promise<T> {
  for (let times = 0; times < MAX_ACME_POLLS; times++) {
    const result = await ask()
    if (result !== undefined) return result
    await wait()
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

/** The types of the library are what it expects, not what it has seen. */
function parse<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw failed(`${what} has something else than expected`, parsed.error)
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** What an authority sends is served only if it is what was ordered. */
function checkCertificate(chain: string, key: string, order: AcmeOrder): CertificatePair {
  const pair = parsePair(chain, key)
  for (const name of order.names) {
    if (pair.leaf.checkHost(name) === undefined) throw failed(`the certificate is not for ${name}`)
  }
  if (pair.leaf.validToDate.getTime() <= order.clock.now()) {
    throw failed('the certificate has expired already')
  }
  return pair
}
