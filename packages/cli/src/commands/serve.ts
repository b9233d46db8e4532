// SPDX-License-Identifier: Apache-2.0

/**
 * `signet serve`: the one command that loads the server.
 *
 * @module
 */

import type { CommandContext } from '../command.ts'
import { CliError, reasonOf } from '../errors.ts'
import { parseLogFormat, prettyLine } from '../log-lines.ts'
import { adminSocket, defaultServerDir } from '../paths.ts'
import { untilAborted } from '../until-aborted.ts'

/** The flags that are settings of the server, by the names that they have in a file. */
const settings: Readonly<Record<string, string>> = {
  state_dir: 'state-dir',
  listen: 'listen',
  url: 'url',
  tls_cert: 'tls-cert',
  tls_key: 'tls-key',
  acme_domains: 'acme-domains',
  acme_email: 'acme-email',
  acme_directory: 'acme-directory',
  acme_agree_tos: 'acme-agree-tos',
  http_listen: 'http-listen',
  trusted_proxies: 'trusted-proxies',
  bootstrap_dns: 'bootstrap-dns',
  domain: 'domain',
  stun_port: 'stun-port',
  key_lifetime_days: 'key-lifetime-days',
  ephemeral_grace_seconds: 'ephemeral-grace-seconds',
  log_format: 'log-format',
  log_level: 'log-level',
  policy_file: 'policy-file',
}

/** Runs the server until a signal. */
export async function run({ io, flags, args }: CommandContext): Promise<void> {
  if (args.length > 0) throw new CliError('usage', 'signet serve: unexpected argument')
  const { ControlError, createLogger, loadServerConfig, reloadableOf, startControl } =
    await import('@signet/control')
  try {
    const given = Object.entries(settings).filter(([, flag]) => flags.given(flag))
    const readConfig = () =>
      loadServerConfig({
        ...(flags.given('config') && { file: flags.text('config') }),
        env: io.env,
        flags: Object.fromEntries(given.map(([name, flag]) => [name, flags.text(flag)])),
      })
    const config = readConfig()
    const stateDir = config.stateDir ?? defaultServerDir(io.env)
    const pretty = parseLogFormat(config.logFormat ?? '', io.interactive) === 'pretty'
    const control = await startControl({
      ...config,
      readAgain: () => reloadableOf(readConfig()),
      stateDir,
      logger: createLogger(config.logLevel, (line) => io.err(pretty ? prettyLine(line) : line)),
    })
    io.out(`Signet server at ${control.url}\n`)
    io.out(`Admin socket ${adminSocket(stateDir)}\n`)
    // On a terminal and without a certificate to look for, closing the terminal ends the server as it ends others.
    const cancelHangup =
      (config.tls !== undefined || config.acme !== undefined || !io.interactive) &&
      io.onHangup(() => {
        try {
          control.reload()
        } catch (error) {
          // It was logged, and the old settings stay in force.
          if (!(error instanceof ControlError)) throw error
        }
      })
    await untilAborted(io.signal)
    if (cancelHangup !== false) cancelHangup()
    await control.close()
  } catch (error) {
    if (!(error instanceof ControlError)) throw error
    const code = error.code === 'bad-config' ? 'usage' : 'failed'
    throw new CliError(code, `Cannot run the server: ${reasonOf(error)}`, { cause: error })
  }
}
