// SPDX-License-Identifier: Apache-2.0

/**
 * The settings of the relay: what may be written in the file, and what the parts are given.
 *
 * @module
 */

import { z } from 'zod'
import type { ZodType } from 'zod'
import type { RelayRate } from '@signet/derp'
import { isLoopback } from './loopback.ts'

/** How the embedded relay appears in the map. */
export interface RelayRegion {
  readonly id: number
  readonly code: string
  readonly name: string
}

/** What the parts are given. */
export interface RelaySettings {
  /** Whether this server is a relay itself. */
  readonly embedded: boolean
  readonly region: RelayRegion
  /** A file with the key that the relays of the region share. */
  readonly meshKeyFile?: string | undefined
  /** The other relays of the region: URLs. */
  readonly meshWith: readonly string[]
  readonly rate?: RelayRate | undefined
  /** Whether outside relays may ask who is a node of this server. */
  readonly verify: boolean
  /** Maps of outside relays. */
  readonly mapUrls: readonly string[]
  readonly mapFiles: readonly string[]
  readonly mapRefreshMs: number
}

/** A UDP port; or `auto`: 3478 if nodes reach this server over a network, and if it is free. */
export type StunPort = number | 'auto'

const MINUTE_MS = 60_000

/** A server that is a relay of its own, and knows no others. */
export const DEFAULT_RELAY: RelaySettings = {
  embedded: true,
  region: { id: 900, code: 'signet', name: 'Signet' },
  meshWith: [],
  verify: false,
  mapUrls: [],
  mapFiles: [],
  mapRefreshMs: 180 * MINUTE_MS,
}

/** From the environment, everything is a text. */
const flag = z.union([
  z.boolean(),
  z.enum(['true', 'false'], 'expected true or false').transform((text) => text === 'true'),
])

/** A list, or a text with commas. */
const list = z.preprocess(
  (value) =>
    typeof value === 'string'
      ? value
          .split(',')
          .map((part) => part.trim())
          .filter((part) => part !== '')
      : value,
  z.array(z.string()).max(32),
)

/**
 * Who speaks plain HTTP cannot tell who answers. To this machine alone it does no harm.
 */
const secureUrl = z.string().refine((text) => {
  const url = URL.parse(text)
  if (url === null) return false
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))
}, 'expected a URL that begins with https://')

/** The region's number becomes a port number in clients. */
const regionId = z.coerce.number().int().min(1).max(65_535)

/** The settings as they are given, by their names in the file. */
export interface GivenRelaySettings {
  readonly stun_host: readonly string[] | undefined
  readonly relay: boolean | undefined
  readonly relay_region_id: number | undefined
  readonly relay_region_code: string | undefined
  readonly relay_region_name: string | undefined
  /** Bytes a second, 0 for no limit; and at once. */
  readonly relay_client_rate: number | undefined
  readonly relay_client_burst: number | undefined
  readonly relay_advertise_rate: boolean | undefined
  readonly relay_verify: boolean | undefined
  readonly mesh_key_file: string | undefined
  readonly mesh_with: readonly string[] | undefined
  readonly derp_map_urls: readonly string[] | undefined
  readonly derp_map_files: readonly string[] | undefined
  readonly derp_map_refresh_minutes: number | undefined
}

/** What each may be. */
export const relayShape: {
  readonly [Name in keyof GivenRelaySettings]: ZodType<GivenRelaySettings[Name]>
} = {
  stun_host: list.pipe(z.array(z.union([z.ipv4(), z.ipv6()])).min(1)).optional(),
  relay: flag.optional(),
  relay_region_id: regionId.optional(),
  relay_region_code: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,32}$/, 'expected up to 32 letters, digits, - and _')
    .optional(),
  relay_region_name: z.string().min(1).max(64).optional(),
  relay_client_rate: z.coerce.number().int().min(0).optional(),
  relay_client_burst: z.coerce.number().int().min(0).optional(),
  relay_advertise_rate: flag.optional(),
  relay_verify: flag.optional(),
  mesh_key_file: z.string().min(1).optional(),
  mesh_with: list.pipe(z.array(secureUrl)).optional(),
  derp_map_urls: list.pipe(z.array(secureUrl)).optional(),
  derp_map_files: list.optional(),
  derp_map_refresh_minutes: z.coerce.number().int().min(1).max(10_080).optional(),
}

/** Returns the settings with defaults in place. */
export function relaySettings(given: GivenRelaySettings): RelaySettings {
  const { region, mapRefreshMs } = DEFAULT_RELAY
  const minutes = given.derp_map_refresh_minutes
  const bytesPerSecond = given.relay_client_rate ?? 0
  return {
    embedded: given.relay ?? true,
    region: {
      id: given.relay_region_id ?? region.id,
      code: given.relay_region_code ?? region.code,
      name: given.relay_region_name ?? region.name,
    },
    meshKeyFile: given.mesh_key_file,
    meshWith: given.mesh_with ?? [],
    rate:
      bytesPerSecond === 0
        ? undefined
        : {
            bytesPerSecond,
            burst: given.relay_client_burst ?? 0,
            advertise: given.relay_advertise_rate ?? false,
          },
    verify: given.relay_verify ?? false,
    mapUrls: given.derp_map_urls ?? [],
    mapFiles: given.derp_map_files ?? [],
    mapRefreshMs: minutes === undefined ? mapRefreshMs : minutes * MINUTE_MS,
  }
}
