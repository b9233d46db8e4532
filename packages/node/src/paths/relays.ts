// SPDX-License-Identifier: Apache-2.0

/**
 * The relays of the map: a lasting connection to the home region, and others while packets go there.
 *
 * @module
 */

import type { NodePrivate, NodePublic } from '@signet/keys'
import type { DERPMap, DERPRegion } from '@signet/protocol'
import type { Clock } from '../clock.ts'
import type { NodeLog } from '../log.ts'
import { homeCandidates, measureHome, usableRegions } from './home-region.ts'
import { relayTargets, type RelayDialer } from './relay-dial.ts'
import { openRelayLine, type RelayLine } from './relay-line.ts'
import { HOME_FAILURES, IDLE_MS, MAX_LINES } from './relay-limits.ts'

/** A region's code as people are shown it: the server writes nothing else to their terminals. */
const CODE = /^[A-Za-z0-9._-]{1,32}$/

/** What they are made from. */
export interface RelaysOptions {
  readonly dialer: RelayDialer
  readonly clock: Clock
  readonly random: () => number
  readonly log: NodeLog
  /** Called when there is another home. */
  readonly onHome: () => void
}

/** See the module comment. */
export interface Relays {
  /** Makes this the key that relays know this node by; null for no connections at all. */
  setKey(key: NodePrivate | null): void
  /** Makes these the relays. The same object again changes nothing. */
  setMap(map: DERPMap | undefined): void
  /** The region where others find this node; 0 while there is none. */
  home(): number
  /** What a region is called. */
  codeOf(region: number): string
  /** Whether packets can be sent to a region. */
  has(region: number): boolean
  send(region: number, destination: NodePublic, packet: Uint8Array): void
  /** Sets who takes packets; their bytes are the callee's. */
  onPacket(handler: (packet: Uint8Array, source: NodePublic, region: number) => void): void
}

/** Creates them, without a map and without a key. */
export function createRelays(options: RelaysOptions): Relays {
  const { dialer, clock, random, log, onHome } = options
  const lines = new Map<number, RelayLine>()
  let key: NodePrivate | null = null
  let map: DERPMap | undefined
  let usable: ReadonlyMap<number, DERPRegion> = new Map()
  let home = 0
  /** The home that was told to others. */
  let told = 0
  let handler: (packet: Uint8Array, source: NodePublic, region: number) => void = () => {}
  let stopMeasuring: (() => void) | undefined
  let cancelSweep: (() => void) | undefined

  const closeLine = (region: number): void => {
    lines.get(region)?.close()
    lines.delete(region)
  }

  const lineTo = (region: number): RelayLine | undefined => {
    const known = lines.get(region)
    if (known !== undefined) return known
    const described = usable.get(region)
    if (key === null || described === undefined) return undefined
    if (lines.size >= MAX_LINES && region !== home) return undefined
    const line = openRelayLine({
      targets: relayTargets(described),
      key,
      dialer,
      clock,
      random,
      onPacket: (packet, source) => handler(packet, source, region),
      onChange({ isReady, reason }) {
        if (isReady) log.info({ region }, 'Connected to a relay')
        else log.debug({ region, reason }, 'No connection to a relay')
        if (region === home && (lines.get(region)?.failures ?? 0) >= HOME_FAILURES) findHome()
      },
    })
    lines.set(region, line)
    sweepSoon()
    return line
  }

  /** Closes what is not used any more. */
  const sweepSoon = (): void => {
    cancelSweep ??= clock.schedule(IDLE_MS / 2, () => {
      cancelSweep = undefined
      for (const [region, line] of lines) {
        if (region !== home && clock.now() - line.lastUsed >= IDLE_MS) closeLine(region)
      }
      if (lines.size > 1 || (lines.size === 1 && !lines.has(home))) sweepSoon()
    })
  }

  const settle = (region: number): void => {
    const before = home
    home = region
    if (before !== home) lines.get(before)?.setPreferred(false)
    lineTo(home)?.setPreferred(true)
    if (lines.size > 1) sweepSoon()
    if (told === home) return
    told = home
    log.info({ region: home }, 'Relay region')
    onHome()
  }

  const findHome = (): void => {
    if (key === null || stopMeasuring !== undefined) return
    const candidates = homeCandidates(usable)
    const [only] = candidates
    if (only === undefined || candidates.length === 1) {
      settle(only?.RegionID ?? 0)
      return
    }
    const scores = map?.HomeParams?.RegionScore ?? {}
    stopMeasuring = measureHome(candidates, scores, { dialer, clock }, (region) => {
      stopMeasuring = undefined
      // Where nobody answers, this node may be without a network: nothing to move for.
      settle(region || (usable.has(home) ? home : only.RegionID))
    })
  }

  const closeAll = (): void => {
    stopMeasuring?.()
    stopMeasuring = undefined
    cancelSweep?.()
    cancelSweep = undefined
    for (const region of lines.keys()) closeLine(region)
  }

  return {
    setKey(next) {
      if (next === key) return
      closeAll()
      key = next
      if (home === 0) findHome()
      else settle(home)
    },
    setMap(next) {
      if (next === map) return
      map = next
      const before = usable
      usable = usableRegions(next)
      for (const region of lines.keys()) {
        if (!isSame(before.get(region), usable.get(region))) closeLine(region)
      }
      // Another region may be nearer than what was there before; without a new one the home stays.
      const hasNew = [...usable.keys()].some((region) => !before.has(region))
      if (usable.has(home)) settle(home)
      else home = 0
      if (home !== 0 && !hasNew) return
      stopMeasuring?.()
      stopMeasuring = undefined
      findHome()
    },
    home: () => home,
    codeOf(region) {
      const code = usable.get(region)?.RegionCode ?? ''
      return CODE.test(code) ? code : `region-${region}`
    },
    has: (region) => usable.has(region),
    send(region, destination, packet) {
      lineTo(region)?.send(destination, packet)
    },
    onPacket(next) {
      handler = next
    },
  }
}

function isSame(a: DERPRegion | undefined, b: DERPRegion | undefined): boolean {
  return a === b || JSON.stringify(a?.Nodes) === JSON.stringify(b?.Nodes)
}
