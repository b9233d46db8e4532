// SPDX-License-Identifier: Apache-2.0

/**
 * Where the policy is kept: in a file that the operator names and edits, or in `policy.json` of the state
 * directory, where `signet admin policy set` puts it.
 *
 * @module
 */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ControlError } from '../errors.ts'
import { replaceFile } from '../store/durable.ts'
import { readPolicy } from './policy.ts'
import type { Policy } from './policy.ts'

/** A place for a policy. */
export interface PolicyFile {
  readonly path: string
  /** Whether `admin policy set` may write it. */
  readonly isOurs: boolean
}

/** The file that counts. */
export function policyFile(stateDir: string, named: string | undefined): PolicyFile {
  return named === undefined
    ? { path: join(stateDir, 'policy.json'), isOurs: true }
    : { path: named, isOurs: false }
}

/**
 * Reads the policy. Null when none was ever set; a file that was named must be there.
 *
 * @throws ControlError 'bad-policy'
 */
export function loadPolicy({ path, isOurs }: PolicyFile): Policy | null {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    if (isOurs && code === 'ENOENT') return null
    throw new ControlError(
      'bad-policy',
      `Cannot read the policy ${path}: ${String(code ?? cause)}`,
      {
        cause,
      },
    )
  }
  try {
    return readPolicy(text)
  } catch (cause) {
    if (!(cause instanceof ControlError)) throw cause
    throw new ControlError('bad-policy', `Cannot use the policy ${path}:\n${cause.message}`, {
      cause,
    })
  }
}

/** Stores a policy that was checked: all of it or nothing. @throws ControlError 'store-failed', 'conflict' */
export function storePolicy({ path, isOurs }: PolicyFile, policy: Policy): void {
  if (!isOurs) {
    throw new ControlError(
      'conflict',
      `The policy is the file ${path} (setting policy_file): edit it, and run "signet admin reload"`,
    )
  }
  try {
    replaceFile(path, policy.text)
  } catch (cause) {
    throw new ControlError('store-failed', `Cannot write the policy ${path}`, { cause })
  }
}
