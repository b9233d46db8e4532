// SPDX-License-Identifier: Apache-2.0

/**
 * A certificate in two files that somebody else renews. The files are looked at now and then; a new pair
 * replaces the old one only as a whole, and a broken one leaves the old one in force.
 *
 * @module
 */

import { readFileSync, statSync } from 'node:fs'
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import { ControlError } from '../errors.ts'
import { CERTIFICATE_POLL_MS, CERTIFICATE_WARN_AGAIN_MS, CERTIFICATE_WARN_MS } from '../limits.ts'
import { expiryOf, parsePair } from './certificate.ts'
import type { CertificatePair, CertificateSource } from './certificate.ts'

/** Others must not read a key. A group may: there it is a way to hand it to a service. */
const READABLE_BY_ALL = 0o004

/** The files, and what watching them takes. */
export interface CertificateFilesOptions {
  readonly certFile: string
  readonly keyFile: string
  readonly clock: Clock
  readonly logger: Logger
}

/** Loads the pair and watches it. @throws ControlError 'bad-config' when there is none to begin with */
export function watchCertificateFiles(options: CertificateFilesOptions): CertificateSource {
  const { certFile, keyFile, clock, logger } = options
  const listeners: ((pair: CertificatePair) => void)[] = []
  // What the files looked like before they were read: a change while reading is seen the next time.
  let seen = looksOf(certFile, keyFile)
  let current = loadPair(certFile, keyFile)
  let silentUntil = 0
  let problem: string | undefined
  warnOfAge(current)

  function warnOfAge({ leaf }: CertificatePair): void {
    const left = expiryOf(leaf) - clock.now()
    if (left > CERTIFICATE_WARN_MS || clock.now() < silentUntil) return
    silentUntil = clock.now() + CERTIFICATE_WARN_AGAIN_MS
    const message = left > 0 ? 'the certificate expires soon' : 'the certificate has expired'
    logger.warn({ certFile, until: leaf.validTo }, message)
  }

  function look(): void {
    try {
      const looks = looksOf(certFile, keyFile)
      if (looks === seen) return
      seen = looks
      const pair = loadPair(certFile, keyFile)
      problem = undefined
      if (pair.cert === current.cert && pair.key === current.key) return
      current = pair
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error)
      logger.error({ certFile, keyFile, reason: problem }, 'kept the old certificate')
      return
    }
    logger.info({ certFile, until: current.leaf.validTo }, 'serving a new certificate')
    silentUntil = 0
    for (const listener of listeners) listener(current)
  }

  let cancel = clock.schedule(CERTIFICATE_POLL_MS, lookAgain)
  function lookAgain(): void {
    look()
    warnOfAge(current)
    cancel = clock.schedule(CERTIFICATE_POLL_MS, lookAgain)
  }

  return {
    get current() {
      return current
    },
    get problem() {
      return problem
    },
    nextTry: undefined,
    onChange: (listener) => void listeners.push(listener),
    reload() {
      // Whoever asks wants to hear what is wrong, also if it was said before.
      seen = ''
      look()
    },
    [Symbol.dispose]: () => cancel(),
  }
}

function loadPair(certFile: string, keyFile: string): CertificatePair {
  const cert = readText('tls_cert', certFile)
  const key = readText('tls_key', keyFile)
  if ((statSync(keyFile).mode & READABLE_BY_ALL) !== 0) {
    throw new ControlError(
      'bad-config',
      `tls_key: everybody can read ${keyFile}; take that away with "chmod 600 ${keyFile}"`,
    )
  }
  try {
    return parsePair(cert, key)
  } catch (error) {
    if (!(error instanceof ControlError)) throw error
    const files = `(tls_cert ${certFile}, tls_key ${keyFile})`
    throw new ControlError(error.code, `${error.message} ${files}`, { cause: error })
  }
}

function readText(setting: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new ControlError('bad-config', `${setting}: cannot read ${file}: ${reason}`, { cause })
  }
}

function looksOf(...files: readonly string[]): string {
  return files
    .map((file) => {
      const stat = statSync(file, { throwIfNoEntry: false })
      // A file that is away for a moment is a change, too.
      return stat === undefined ? 'none' : `${stat.ino}:${stat.size}:${stat.mtimeMs}:${stat.mode}`
    })
    .join(' ')
}
