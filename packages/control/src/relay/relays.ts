// SPDX-License-Identifier: Apache-2.0

/**
 * Everything about relays, as one part of the server: the embedded one, its links to others, STUN, the maps of outside
 * relays, and the one map that nodes are given.
 *
 * @module
 */

import type { Logger } from 'pino'
import type { AdminRelay } from '@signet/protocol/admin-api'
import type { Clock } from '../clock.ts'
import { ControlError } from '../errors.ts'
import { loadRelayKey } from '../store/server-key.ts'
import type { Tailnets } from '../tailnet/tailnets.ts'
import { createAdmission } from './admission.ts'
import type { ExpectsKey } from './admission.ts'
import { isLoopback } from './loopback.ts'
import { openMapSources } from './map-sources.ts'
import { loadMeshKey } from './mesh-key.ts'
import { startMesh } from './mesh.ts'
import type { Mesh } from './mesh.ts'
import { embeddedRelay, mergedMapJson } from './relay-map.ts'
import type { EmbeddedRelay } from './relay-map.ts'
import { startRelay } from './relay-server.ts'
import type { RelayServer } from './relay-server.ts'
import { DEFAULT_RELAY } from './settings.ts'
import type { RelaySettings, StunPort } from './settings.ts'
import { relayStatus } from './status.ts'
import { startStun } from './stun-server.ts'
import type { StunServer } from './stun-server.ts'
import { createVerifier } from './verify.ts'
import type { Verifier } from './verify.ts'

/** The part. */
export interface Relays extends AsyncDisposable {
  /** Undefined when it is switched off. */
  readonly server: RelayServer | undefined
  /** Answers `/verify`; undefined when that is switched off. */
  readonly verifier: Verifier | undefined
  /** The map that nodes are given now, as JSON. */
  json(): string
  /** Says what the server calls itself, and has STUN answer. @throws ControlError 'bad-config' */
  open(server: RelayAddress): Promise<void>
  /** Clients know the server's certificate by another name from now on. */
  renamed(certName: string | undefined): void
  readonly stunPort: number | undefined
  status(): AdminRelay
}

/** Where the server is reached. */
export interface RelayAddress {
  readonly url: string
  readonly host: string
  /** None without. */
  readonly stunPort: StunPort | undefined
  readonly stunHosts?: readonly string[] | undefined
  readonly certName?: string | undefined
}

/** What it needs. */
export interface RelaysOptions {
  readonly settings: Partial<RelaySettings> | undefined
  readonly stateDir: string
  readonly tailnets: Tailnets
  readonly clock: Clock
  readonly logger: Logger
  readonly expectsKey?: ExpectsKey | undefined
  /** Called when nodes are to be given another map. */
  readonly onChange: () => void
}

/** The port where clients look for STUN. */
const STUN_PORT = 3478

/** Starts all but STUN. @throws ControlError 'bad-config', 'state-dir' */
export function startRelays(options: RelaysOptions): Relays {
  const { stateDir, tailnets, clock, logger, expectsKey, onChange } = options
  const settings = { ...DEFAULT_RELAY, ...options.settings }
  using stack = new DisposableStack()
  let embedded: EmbeddedRelay | undefined
  let url: string | undefined
  let stun: StunServer | undefined

  const server = settings.embedded ? stack.use(startEmbedded()) : undefined
  const mesh = server === undefined ? undefined : stack.use(startLinks(server))
  const sources = stack.use(
    openMapSources({
      urls: settings.mapUrls,
      files: settings.mapFiles,
      refreshMs: settings.mapRefreshMs,
      stateDir,
      clock,
      logger,
      onChange: () => update(),
    }),
  )
  // Nobody was given another one yet.
  let json = mergedMapJson(undefined, sources.maps())
  const admission = server?.admission ?? createAdmission({ tailnets, clock, expectsKey })

  function startEmbedded(): RelayServer {
    const { meshKeyFile, rate } = settings
    return startRelay({
      serverKey: loadRelayKey(stateDir),
      tailnets,
      clock,
      logger,
      rate,
      expectsKey,
      meshKey: meshKeyFile === undefined ? undefined : loadMeshKey(meshKeyFile),
    })
  }

  function startLinks({ relay }: RelayServer): Mesh {
    const { meshWith: urls, meshKeyFile } = settings
    if (urls.length > 0 && meshKeyFile === undefined) {
      throw new ControlError('bad-config', 'Cannot use mesh_with without mesh_key_file')
    }
    return startMesh({ relay, urls, clock, logger })
  }

  function update(): void {
    const next = mergedMapJson(embedded, sources.maps())
    if (next === json) return
    json = next
    onChange()
  }

  async function openStun({ url, host, stunPort, stunHosts }: RelayAddress): Promise<void> {
    if (server === undefined || stunPort === undefined) return
    const { protocol, hostname } = new URL(url)
    const isPublic = protocol === 'https:' && !isLoopback(hostname)
    if (stunPort === 'auto' && !isPublic) return
    // A proxy hands over TCP only, so STUN cannot stay on this machine with the rest.
    const where = stunHosts ?? (isPublic && isLoopback(host) ? '0.0.0.0' : host)
    try {
      stun = await startStun({ host: where, port: stunPort === 'auto' ? STUN_PORT : stunPort })
    } catch (error) {
      if (stunPort !== 'auto' || !(error instanceof ControlError)) throw error
      logger.warn(
        { err: error },
        'no STUN: nodes learn their addresses elsewhere, or use the relay',
      )
    }
  }

  function embed(certName: string | undefined): void {
    if (server === undefined || url === undefined) return
    const { region } = settings
    embedded = embeddedRelay({ url, certName, region, stunPort: stun?.port })
    update()
  }

  const parts = stack.move()
  return {
    server,
    verifier: settings.verify ? createVerifier(admission, clock) : undefined,
    json: () => json,
    async open(address) {
      await openStun(address)
      url = address.url
      embed(address.certName)
      if (server !== undefined && embedded === undefined) {
        logger.warn({ url }, 'nodes are not told of this relay: they want https:// towards it')
      }
    },
    renamed: embed,
    get stunPort() {
      return stun?.port
    },
    status: () =>
      relayStatus({
        server,
        stun,
        region: embedded?.region.id ?? null,
        mesh: mesh?.status() ?? [],
        maps: sources.status(),
      }),
    async [Symbol.asyncDispose]() {
      parts.dispose()
      await stun?.[Symbol.asyncDispose]()
    },
  }
}
