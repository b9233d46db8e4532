// SPDX-License-Identifier: Apache-2.0

/**
 * A certificate that the server gets and renews by itself. While there is none, TLS handshakes fail; a
 * renewal that fails leaves the old one in force and is tried again, ever more slowly.
 *
 * @module
 */

import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import { ControlError } from '../errors.ts'
import { ACME_ATTEMPT_MS, ACME_CHECK_MS, ACME_RETRY_MAX_MS, ACME_RETRY_MIN_MS } from '../limits.ts'
import { expiryOf } from '../http/certificate.ts'
import type { CertificatePair, CertificateSource } from '../http/certificate.ts'
import { orderCertificate } from './order.ts'
import { openAcmeStore } from './store.ts'

/** What certificates are asked for, and of whom. */
export interface AcmeSettings {
  readonly domains: readonly string[]
  readonly email: string | undefined
  /** The URL of the authority's directory. */
  readonly directory: string
}

/** What it takes. */
export interface AcmeSourceOptions extends AcmeSettings {
  readonly stateDir: string
  readonly clock: Clock
  readonly logger: Logger
  /** From 0 to 1. */
  readonly random?: () => number
}

/** A certificate that renews itself. */
export interface AcmeSource extends CertificateSource {
  /** Begins, once challenges are answered. */
  start(): void
  /** The proof for a token, for whoever asks at `/.well-known/acme-challenge/`. */
  challenge(token: string): string | undefined
}

/** Opens what was kept. Nothing is asked for before `start()`. @throws ControlError 'state-dir' */
export function createAcmeSource(options: AcmeSourceOptions): AcmeSource {
  const { domains, email, directory, clock, logger, random = Math.random } = options
  const store = openAcmeStore(options.stateDir)
  const accountKey = store.accountKey(directory)
  const proofs = new Map<string, string>()
  const listeners: ((pair: CertificatePair) => void)[] = []
  const stop = new AbortController()
  let current = ownPair(store.load(), domains)
  // Where many servers have begun on one day, they shall not all come back on one.
  const share = 2 / 3 - random() / 20
  let failures = 0
  let notBefore = 0
  let problem: string | undefined
  let isUnderWay = false
  let cancel: (() => void) | undefined

  const dueAt = (): number => (current === undefined ? 0 : renewalOf(current, share))

  const nextTry = (): number => Math.max(dueAt(), notBefore)

  async function renew(): Promise<void> {
    const late = new AbortController()
    const cancelDeadline = clock.schedule(ACME_ATTEMPT_MS, () => late.abort())
    try {
      const pair = await orderCertificate({
        directory,
        names: domains,
        email,
        accountKey,
        clock,
        prove: (token, proof) =>
          proof === undefined ? void proofs.delete(token) : void proofs.set(token, proof),
        signal: AbortSignal.any([stop.signal, late.signal]),
      })
      // Kept before it is served: a restart must not ask for another.
      store.save(pair)
      failures = 0
      problem = undefined
      // An authority that gives what is due at once must not be asked at once.
      notBefore = clock.now() + ACME_RETRY_MIN_MS
      current = pair
      logger.info({ domains, until: pair.leaf.validTo }, 'serving a new certificate')
      for (const listener of listeners) listener(pair)
    } catch (error) {
      if (!stop.signal.aborted) retryLater(error)
    } finally {
      cancelDeadline()
    }
  }

  function retryLater(error: unknown): void {
    const backoff = Math.min(ACME_RETRY_MIN_MS * 2 ** failures, ACME_RETRY_MAX_MS)
    failures += 1
    const asked = error instanceof ControlError ? (error.retryAfterSeconds ?? 0) * 1_000 : 0
    const wait = Math.max(backoff * (1 + random() / 4), asked)
    notBefore = clock.now() + wait
    problem = error instanceof Error ? error.message : String(error)
    const line = {
      domains,
      reason: problem,
      nextTry: new Date(notBefore).toISOString(),
      ...(current !== undefined && { until: current.leaf.validTo }),
    }
    logger.error(line, current === undefined ? 'no certificate yet' : 'kept the old certificate')
  }

  function look(): void {
    cancel?.()
    const wait = nextTry() - clock.now()
    // Then it is looked again when that has come to its end.
    if (isUnderWay) return
    if (wait > 0) {
      // Timers do not reach as far as certificates live.
      cancel = clock.schedule(Math.min(wait, ACME_CHECK_MS), look)
      return
    }
    isUnderWay = true
    void renew().finally(() => {
      isUnderWay = false
      if (!stop.signal.aborted) look()
    })
  }

  return {
    get current() {
      return current
    },
    get problem() {
      return problem
    },
    get nextTry() {
      // Due at once is now, and so is what is under way.
      return Math.max(nextTry(), clock.now())
    },
    onChange: (listener) => void listeners.push(listener),
    start: look,
    reload() {
      // Whoever asks has mended something.
      notBefore = 0
      look()
    },
    challenge: (token) => proofs.get(token),
    [Symbol.dispose]() {
      stop.abort()
      cancel?.()
    },
  }
}

/** A certificate for other names is of no use. */
function ownPair(
  pair: CertificatePair | undefined,
  domains: readonly string[],
): CertificatePair | undefined {
  return domains.every((name) => pair?.leaf.checkHost(name) !== undefined) ? pair : undefined
}

function renewalOf({ leaf }: CertificatePair, share: number): number {
  const from = leaf.validFromDate.getTime()
  return from + (expiryOf(leaf) - from) * share
}
