// SPDX-License-Identifier: Apache-2.0

/**
 * From the settings of the front door as they are written to what they mean together.
 *
 * @module
 */

import { ControlError } from '../errors.ts'
import type { DoorOptions } from './door-options.ts'
import type { Address } from './http-server.ts'

/** The settings, each by itself in order. */
export interface DoorSettings {
  readonly tls_cert?: string | undefined
  readonly tls_key?: string | undefined
  readonly http_listen?: Address | undefined
  readonly trusted_proxies?: readonly string[] | undefined
  readonly bootstrap_dns?: boolean | undefined
}

/** Returns what they mean. @throws ControlError 'bad-config' when they do not go together */
export function readDoorSettings(settings: DoorSettings): DoorOptions {
  const { tls_cert: certFile, tls_key: keyFile } = settings
  if ((certFile === undefined) !== (keyFile === undefined)) {
    throw new ControlError('bad-config', 'tls_cert and tls_key go together: both or none')
  }
  return {
    tls: certFile === undefined || keyFile === undefined ? undefined : { certFile, keyFile },
    httpListen: settings.http_listen,
    trustedProxies: settings.trusted_proxies,
    bootstrapDns: settings.bootstrap_dns,
  }
}
