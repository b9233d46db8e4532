// SPDX-License-Identifier: Apache-2.0

/**
 * Where maps of outside relays come from: URLs that are fetched again and again, and files that are read again
 * when they change. What fails or is refused changes nothing: the last good map stays.
 *
 * @module
 */

import { readFileSync, statSync } from 'node:fs'
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import { ControlError } from '../errors.ts'
import { fetchText } from './fetch-text.ts'
import { MAP_FETCH_DEADLINE_MS, MAP_FILE_POLL_MS, MAP_RETRY_MS, MAX_MAP_BYTES } from './limits.ts'
import { openMapCache } from './map-cache.ts'
import type { MapCache } from './map-cache.ts'
import { parseRelayMap, RelayMapError } from './parse-relay-map.ts'
import type { RelayMap } from './parse-relay-map.ts'

/** How a source stands. */
export interface MapSourceStatus {
  /** URL or path. */
  readonly source: string
  readonly regions: number
  /** When the map in use was last seen to be current; null for one that was kept from before. */
  readonly goodAt: number | null
  /** Why the last attempt failed; null if it did not. */
  readonly problem: string | null
}

/** The sources. */
export interface MapSources extends Disposable {
  /** The maps in use, URLs before files. */
  maps(): readonly RelayMap[]
  status(): readonly MapSourceStatus[]
}

/** What they need. */
export interface MapSourcesOptions {
  readonly urls: readonly string[]
  readonly files: readonly string[]
  readonly refreshMs: number
  readonly stateDir: string
  readonly clock: Clock
  readonly logger: Logger
  /** Called when one of the maps has changed. */
  readonly onChange: () => void
  /** Between 0 and 1. */
  readonly random?: (() => number) | undefined
}

/** Reads the files, and begins to fetch. @throws ControlError 'bad-config' for a file that cannot be used */
export function openMapSources(options: MapSourcesOptions): MapSources {
  const cache = openMapCache(options.stateDir)
  const sources = [
    ...options.urls.map((url) => followUrl(options, cache, url)),
    ...options.files.map((path) => followFile(options, path)),
  ]
  return {
    maps: () => sources.flatMap((source) => source.map() ?? []),
    status: () => sources.map((source) => source.status()),
    [Symbol.dispose]() {
      for (const source of sources) source[Symbol.dispose]()
    },
  }
}

interface Source extends Disposable {
  map(): RelayMap | undefined
  status(): MapSourceStatus
}

/** What is known of a source. */
class Known {
  readonly #source: string
  map: RelayMap | undefined
  text: string | undefined
  goodAt: number | null = null
  problem: string | null = null

  constructor(source: string) {
    this.#source = source
  }

  status(): MapSourceStatus {
    const { goodAt, problem } = this
    return { source: this.#source, regions: this.map?.regions.size ?? 0, goodAt, problem }
  }
}

function followUrl(options: MapSourcesOptions, cache: MapCache, url: string): Source {
  const { clock, logger, refreshMs, onChange, random = Math.random } = options
  const known = new Known(url)
  const abort = new AbortController()
  let etag: string | null = null
  let failures = 0
  let cancel = (): void => {}

  const kept = cache.get(url)
  if (kept !== undefined) useKept(kept.text, kept.etag)

  function useKept(text: string, keptEtag: string | null): void {
    try {
      known.map = parseRelayMap(text)
      known.text = text
      etag = keptEtag
    } catch (error) {
      // Kept by a version that was less strict: it is fetched again.
      logger.warn({ err: error, url }, 'the kept relay map is not used')
    }
  }

  async function refresh(): Promise<void> {
    try {
      const found = await fetchText(url, {
        clock,
        deadlineMs: MAP_FETCH_DEADLINE_MS,
        maxBytes: MAX_MAP_BYTES,
        etag,
        signal: abort.signal,
      })
      if (found !== null) take(found.text, found.etag)
      known.goodAt = clock.now()
      known.problem = null
      failures = 0
    } catch (error) {
      if (abort.signal.aborted) return
      failures++
      known.problem = reasonOf(error)
      logger.warn({ url, reason: known.problem }, 'the relay map was not refreshed')
    }
    if (!abort.signal.aborted) cancel = clock.schedule(nextDelay(), () => void refresh())
  }

  function take(text: string, newEtag: string | null): void {
    if (text !== known.text) {
      known.map = parseRelayMap(text)
      known.text = text
      onChange()
    }
    etag = newEtag
    try {
      cache.put(url, { text, etag }, options.urls)
    } catch (error) {
      logger.error({ err: error, url }, 'the relay map could not be kept')
    }
  }

  /** Spread, so that servers that started together do not ask together. */
  function nextDelay(): number {
    const retry = MAP_RETRY_MS * 2 ** Math.min(failures - 1, 10)
    const delay = failures === 0 ? refreshMs : Math.min(refreshMs, retry)
    return delay * (1 - random() / 10)
  }

  void refresh()
  return {
    map: () => known.map,
    status: () => known.status(),
    [Symbol.dispose]() {
      abort.abort()
      cancel()
    },
  }
}

function followFile(options: MapSourcesOptions, path: string): Source {
  const { clock, logger, onChange } = options
  const known = new Known(path)
  let seen = ''

  /** Reads the file if it is another than before. @throws RelayMapError and errors of the disk */
  function read(): boolean {
    const { mtimeMs, size, ino } = statSync(path)
    const now = `${mtimeMs} ${size} ${ino}`
    if (now === seen) return false
    seen = now
    if (size > MAX_MAP_BYTES) throw new RelayMapError(`it exceeds ${MAX_MAP_BYTES} bytes`)
    known.map = parseRelayMap(readFileSync(path, 'utf8'))
    known.goodAt = clock.now()
    known.problem = null
    return true
  }

  try {
    read()
  } catch (cause) {
    const reason = `Cannot use ${path} (derp_map_files): ${reasonOf(cause)}`
    throw new ControlError('bad-config', reason, { cause })
  }
  let cancel = clock.schedule(MAP_FILE_POLL_MS, look)
  function look(): void {
    cancel = clock.schedule(MAP_FILE_POLL_MS, look)
    try {
      if (read()) onChange()
    } catch (error) {
      const reason = reasonOf(error)
      if (known.problem !== reason)
        logger.warn({ path, reason }, 'the relay map was not read again')
      known.problem = reason
    }
  }

  return {
    map: () => known.map,
    status: () => known.status(),
    [Symbol.dispose]: () => cancel(),
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { cause } = error
  // What fetch says by itself is only that it failed.
  const detail =
    cause instanceof Error && !(error instanceof RelayMapError) ? `: ${cause.message}` : ''
  return `${error.message}${detail}`
}
