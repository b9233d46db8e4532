// SPDX-License-Identifier: Apache-2.0

/**
 * What ACME leaves in the state directory: the key of the account with each authority, and the certificate
 * with its key in one file, so that a crash leaves no half of a pair.
 *
 * @module
 */

import { createHash, createPrivateKey, generateKeyPairSync } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ControlError } from '../errors.ts'
import { parsePair } from '../http/certificate.ts'
import type { CertificatePair } from '../http/certificate.ts'
import { replaceFile } from '../store/durable.ts'

/** Files of ACME in a state directory. */
export interface AcmeStore {
  /** The key of the account with an authority; made when there is none. */
  accountKey(directory: string): KeyObject
  /** The certificate that was kept, if there is one that can be served. */
  load(): CertificatePair | undefined
  save(pair: CertificatePair): void
}

/** Opens the files. @throws ControlError 'state-dir' */
export function openAcmeStore(stateDir: string): AcmeStore {
  const dir = join(stateDir, 'acme')
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const certificateFile = join(dir, 'certificate.pem')
  return {
    accountKey(directory) {
      // An account is with one authority: with another the same key would tell that it is the same server.
      const name = createHash('sha256').update(directory).digest('hex').slice(0, 16)
      const path = join(dir, `account-${name}.pem`)
      const text = readIfThere(path)
      if (text === undefined) {
        const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
        replaceFile(path, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
        return privateKey
      }
      try {
        return createPrivateKey(text)
      } catch {
        throw new ControlError('state-dir', `Cannot use ${path}: expected a private key in PEM`)
      }
    },
    load() {
      const text = readIfThere(certificateFile)
      const start = text?.indexOf('-----BEGIN CERTIFICATE-----') ?? -1
      if (text === undefined || start === -1) return undefined
      try {
        return parsePair(text.slice(start), text.slice(0, start))
      } catch (error) {
        // Another can be had.
        if (error instanceof ControlError) return undefined
        throw error
      }
    },
    save: ({ cert, key }) => replaceFile(certificateFile, `${key.trimEnd()}\n${cert}`),
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw new ControlError('state-dir', `Cannot read ${path}`, { cause: error })
  }
}
