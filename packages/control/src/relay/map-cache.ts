// SPDX-License-Identifier: Apache-2.0

/**
 * The last good maps of outside relays, in `derp-maps.json` of the state directory: a server that starts while the
 * network is down knows the relays of before. What cannot be read is nothing: it is fetched again.
 *
 * @module
 */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { replaceFile } from '../store/durable.ts'

const FILE = 'derp-maps.json'

const entries = z.record(z.string(), z.object({ text: z.string(), etag: z.string().nullable() }))

/** A map as it came. */
export interface CachedMap {
  readonly text: string
  readonly etag: string | null
}

/** Maps by their URLs. */
export interface MapCache {
  get(url: string): CachedMap | undefined
  /** Keeps a map; others than those of `urls` are forgotten. @throws Error what the disk said */
  put(url: string, map: CachedMap, urls: readonly string[]): void
}

/** Opens the cache of a state directory. */
export function openMapCache(stateDir: string): MapCache {
  const path = join(stateDir, FILE)
  let maps = new Map(Object.entries(read(path)))
  return {
    get: (url) => maps.get(url),
    put(url, map, urls) {
      maps = new Map([...maps].filter(([each]) => urls.includes(each)))
      maps.set(url, map)
      replaceFile(path, `${JSON.stringify(Object.fromEntries(maps))}\n`)
    },
  }
}

function read(path: string): z.output<typeof entries> {
  try {
    const parsed = entries.safeParse(JSON.parse(readFileSync(path, 'utf8')))
    return parsed.success ? parsed.data : {}
  } catch {
    return {}
  }
}
