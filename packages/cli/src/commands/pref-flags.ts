// SPDX-License-Identifier: Apache-2.0

/**
 * From the flags of `up`, `login` and `set` to preferences.
 *
 * @module
 */

import type { Prefs } from '@signet/protocol/local-api'
import { isIP } from 'node:net'
import type { Command, FlagValues } from '../command.ts'
import { CliError } from '../errors.ts'

/** Returns the preferences that the command line mentions. @throws CliError usage */
export function prefsFromFlags(command: Command, flags: FlagValues): Partial<Prefs> {
  const mentions = (name: string): boolean =>
    command.flags.some((flag) => flag.name === name) && flags.given(name)
  return {
    ...(mentions('hostname') && { Hostname: hostname(flags.text('hostname')) }),
    ...(mentions('accept-routes') && { RouteAll: flags.switch('accept-routes') }),
    ...(mentions('accept-dns') && { CorpDNS: flags.switch('accept-dns') }),
    ...(mentions('shields-up') && { ShieldsUp: flags.switch('shields-up') }),
    ...(mentions('operator') && { OperatorUser: flags.text('operator') }),
    ...(mentions('advertise-routes') && {
      AdvertiseRoutes: routes(flags.text('advertise-routes')),
    }),
    ...(mentions('advertise-tags') && { AdvertiseTags: tags(flags.text('advertise-tags')) }),
    ...(mentions('login-server') && { ControlURL: serverUrl(flags.text('login-server')) }),
  }
}

function hostname(name: string): string {
  if (name === '' || /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i.test(name)) return name
  throw new CliError('usage', `--hostname: "${name}" is not a host name`, {
    hint: 'Letters, digits and dashes, at most 63, no dash at either end.',
  })
}

function routes(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => {
      const [address = '', bits = '', ...more] = part.split('/')
      const family = isIP(address)
      const most = family === 4 ? 32 : 128
      if (family !== 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= most && more.length === 0)
        return part
      throw new CliError(
        'usage',
        `--advertise-routes: "${part}" is not a prefix such as 10.0.0.0/8`,
      )
    })
}

function tags(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => (part.includes(':') ? part : `tag:${part}`))
    .map((part) => {
      if (/^tag:[a-z][a-z0-9-]*$/i.test(part)) return part
      throw new CliError('usage', `--advertise-tags: "${part}" is not a tag`)
    })
}

function serverUrl(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text
  throw new CliError('usage', `--login-server: "${text}" is not an http or https address`)
}
