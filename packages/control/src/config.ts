// SPDX-License-Identifier: Apache-2.0

/**
 * The server's settings: from a YAML file, then the environment, then the command line, each
 * winning over the one before. Unknown settings are refused, so that a typing error is not a
 * setting that silently does not count.
 *
 * @module
 */

import { readFileSync } from 'node:fs'
import { parse as parseYaml } from 'yaml'
import { z } from 'zod'
import { ControlError } from './errors.ts'
import type { DoorOptions } from './http/door-options.ts'
import { readDoorSettings } from './http/door-settings.ts'
import { MAX_ACME_DOMAINS } from './limits.ts'
import { RELEASE } from './guidance/client-version.ts'
import { dnsSettings } from './guidance/dns-settings.ts'
import type { ReloadableOptions } from './options.ts'
import { checkAttribute } from './policy/attributes.ts'
import { relaySettings, relayShape } from './relay/settings.ts'
import type { RelaySettings, StunPort } from './relay/settings.ts'

/** What can be set. Every key is described in docs/reference/config.md. */
export interface ServerConfig extends DoorOptions, ReloadableOptions {
  readonly stateDir?: string | undefined
  readonly listen: { readonly host: string; readonly port: number }
  readonly url?: string | undefined
  readonly domain?: string | undefined
  readonly stunPort?: StunPort | undefined
  readonly stunHosts?: readonly string[] | undefined
  readonly relay: RelaySettings
  readonly keyLifetimeDays?: number | null | undefined
  readonly ephemeralGraceSeconds?: number | undefined
  readonly logFormat?: 'json' | 'pretty' | undefined
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error'
}

const address = z.string().transform((text, context) => {
  const parts = /^(?:\[(?<six>[0-9a-fA-F:.]+)\]|(?<four>[^:\s]*)):(?<port>\d{1,5})$/.exec(
    text,
  )?.groups
  const port = Number(parts?.['port'])
  if (!parts || port > 65_535) {
    context.addIssue({ code: 'custom', message: 'expected HOST:PORT, as in 127.0.0.1:8080' })
    return z.NEVER
  }
  const host = parts['six'] ?? parts['four'] ?? ''
  return { host: host === '' ? '0.0.0.0' : host, port }
})

const dnsName = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, 'expected a DNS name without a dot at the end')

/** In a file a list, elsewhere text with commas between. */
const list = z.preprocess(
  (value) => (typeof value === 'string' ? value.split(',').map((part) => part.trim()) : value),
  z.array(z.string().min(1)),
)

const yesNo = z.preprocess(
  (value) => (value === 'true' ? true : value === 'false' ? false : value),
  z.boolean('expected true or false'),
)
function checkAttributes(names: readonly string[], context: z.RefinementCtx): void {
  try {
    for (const name of names) checkAttribute(name)
  } catch (error) {
    if (!(error instanceof ControlError)) throw error
    context.addIssue({ code: 'custom', message: error.message })
  }
}

const schema = z.strictObject({
  state_dir: z.string().min(1).optional(),
  listen: address.prefault('127.0.0.1:8080'),
  url: z
    .url({ protocol: /^https?$/, error: 'expected a URL that begins with http:// or https://' })
    .transform((url) => url.replace(/\/+$/, ''))
    .optional(),
  tls_cert: z.string().min(1).optional(),
  tls_key: z.string().min(1).optional(),
  acme_domains: list
    .pipe(
      z
        .array(dnsName.refine((name) => name.includes('.')))
        .min(1)
        .max(MAX_ACME_DOMAINS),
    )
    .optional(),
  acme_email: z.email().optional(),
  acme_directory: z
    .url({ protocol: /^https$/, error: 'expected a URL that begins with https://' })
    .optional(),
  acme_agree_tos: yesNo.optional(),
  http_listen: address.optional(),
  trusted_proxies: list.optional(),
  bootstrap_dns: yesNo.optional(),
  domain: dnsName.optional(),
  stun_port: z.coerce.number().int().min(0).max(65_535).optional(),
  key_lifetime_days: z.coerce.number().int().min(0).max(3_650).optional(),
  dns: dnsSettings.optional(),
  policy_file: z.string().min(1).optional(),
  node_attributes: list.superRefine(checkAttributes).optional(),
  latest_client: z.string().regex(RELEASE, 'expected a release, as in 1.102.3').optional(),
  ...relayShape,
  // Less would remove nodes that only move from one network to another.
  ephemeral_grace_seconds: z.coerce.number().int().min(10).max(2_592_000).optional(),
  log_format: z.enum(['json', 'pretty']).optional(),
  log_level: z.enum(['debug', 'info', 'warn', 'error']).prefault('info'),
})

/** The settings by the names that they have in the file: `state_dir`, `listen`, ... */
export const serverSettings: readonly string[] = Object.keys(schema.shape)

/** Where settings come from; a later one wins over an earlier one. */
export interface ConfigSources {
  /** A YAML file. */
  readonly file?: string | undefined
  /** `SIGNET_STATE_DIR` and so on count. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** By the names of the file. */
  readonly flags: Readonly<Record<string, string | undefined>>
}

/**
 * Returns the settings that are in force.
 *
 * @throws ControlError `bad-config`, naming the setting, what was found and what was expected
 */
export function loadServerConfig({ file, env, flags }: ConfigSources): ServerConfig {
  const merged: Record<string, unknown> = { ...(file === undefined ? {} : readConfig(file)) }
  for (const name of serverSettings) {
    const variable = env[`SIGNET_${name.toUpperCase()}`]
    if (variable !== undefined && variable !== '') merged[name] = variable
    if (flags[name] !== undefined) merged[name] = flags[name]
  }
  const parsed = schema.safeParse(merged)
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => {
      const name = path.join('.')
      return name === '' ? message : `${name}: ${message}`
    })
    const where = file === undefined ? '' : ` (with ${file})`
    throw new ControlError('bad-config', `Cannot use configuration${where}: ${problems.join('; ')}`)
  }
  const { state_dir, listen, url, domain, stun_port, log_format, log_level } = parsed.data
  const { key_lifetime_days, ephemeral_grace_seconds } = parsed.data
  return {
    stateDir: state_dir,
    listen,
    url,
    domain,
    ...readDoorSettings(parsed.data),
    stunPort: stun_port === 0 ? undefined : (stun_port ?? 'auto'),
    stunHosts: parsed.data.stun_host,
    relay: relaySettings(parsed.data),
    keyLifetimeDays: key_lifetime_days === 0 ? null : key_lifetime_days,
    dns: parsed.data.dns,
    policyFile: parsed.data.policy_file,
    nodeAttributes: parsed.data.node_attributes,
    latestClient: parsed.data.latest_client,
    ephemeralGraceSeconds: ephemeral_grace_seconds,
    logFormat: log_format,
    logLevel: log_level,
  }
}

/** The settings that count again when they are read again. */
export function reloadableOf(config: ServerConfig): ReloadableOptions {
  const { dns, policyFile, nodeAttributes, latestClient } = config
  return { dns, policyFile, nodeAttributes, latestClient }
}

function readConfig(file: string): Record<string, unknown> {
  let content: unknown
  try {
    // No aliases: a small file could otherwise stand for a very large one.
    content = parseYaml(readFileSync(file, 'utf8'), { maxAliasCount: 0 }) ?? {}
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new ControlError('bad-config', `Cannot read configuration ${file}: ${reason}`, {
      cause: error,
    })
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw new ControlError('bad-config', `Cannot read configuration ${file}: expected a mapping`)
  }
  return { ...content }
}
