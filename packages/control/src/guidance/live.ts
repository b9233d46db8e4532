// SPDX-License-Identifier: Apache-2.0

/**
 * The settings that may change while the server runs, from their sources: what the server was started with, what
 * its configuration says when it is read again, and the policy.
 *
 * Whatever is wrong with the new ones, the old ones stay in force: all of them.
 *
 * @module
 */

import type { Logger } from 'pino'
import { ControlError } from '../errors.ts'
import type { ReloadableOptions } from '../options.ts'
import { readPolicy } from '../policy/policy.ts'
import type { Policy } from '../policy/policy.ts'
import { loadPolicy, policyFile, storePolicy } from '../policy/policy-file.ts'
import { DEFAULT_DNS } from './dns.ts'
import { createLiveSettings } from './settings.ts'
import type { GuidanceSettings, LiveSettings } from './settings.ts'

/** The live settings, and how they change. */
export interface Steering {
  readonly settings: LiveSettings
  /** Reads everything again. @throws ControlError; the old settings stay in force then */
  reload(): void
  /** The policy's text; null without one. */
  policyText(): string | null
  /** Where the policy is kept. */
  policyPath(): string
  /** Checks, stores and applies a policy. @throws ControlError 'bad-policy', 'conflict', 'store-failed' */
  setPolicy(text: string): Policy
}

/** What without a policy is said at the start. */
export const NO_POLICY = 'no policy: every node may reach every other'

/** Reads the settings for the first time. @throws ControlError 'bad-policy', 'bad-config' */
export function startSteering(
  stateDir: string,
  first: ReloadableOptions,
  readAgain: (() => ReloadableOptions) | undefined,
  logger: Logger,
): Steering {
  let options = first
  const file = (): ReturnType<typeof policyFile> => policyFile(stateDir, options.policyFile)
  const live = createLiveSettings(settingsOf(first, loadPolicy(file())))
  const announce = ({ policy }: GuidanceSettings): void => {
    if (policy === null) logger.info(NO_POLICY)
    else logger.info({ path: file().path, ...policy.counts }, 'policy in force')
  }
  announce(live.current())
  return {
    settings: live,
    reload() {
      try {
        const next = readAgain?.() ?? options
        const policy = loadPolicy(policyFile(stateDir, next.policyFile))
        options = next
        live.replace(settingsOf(next, policy))
      } catch (error) {
        if (!(error instanceof ControlError)) throw error
        logger.error({ reason: error.message }, 'reload refused; the old settings stay in force')
        throw error
      }
      announce(live.current())
    },
    policyText: () => live.current().policy?.text ?? null,
    policyPath: () => file().path,
    setPolicy(text) {
      const policy = readPolicy(text)
      storePolicy(file(), policy)
      live.replace({ ...live.current(), policy })
      announce(live.current())
      return policy
    },
  }
}

function settingsOf(options: ReloadableOptions, policy: Policy | null): GuidanceSettings {
  return {
    dns: options.dns ?? DEFAULT_DNS,
    policy,
    nodeAttributes: options.nodeAttributes ?? [],
    latestClient: options.latestClient ?? null,
  }
}
