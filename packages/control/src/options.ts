// SPDX-License-Identifier: Apache-2.0

/**
 * What a server is started with, and what starting it gives.
 *
 * @module
 */

import type { Logger } from 'pino'
import type { MachinePublic } from '@signet/keys'
import type { MapResponse, RegisterRequest, RegisterResponse } from '@signet/protocol'
import type { Clock } from './clock.ts'
import type { DoorOptions } from './http/door-options.ts'
import type { DnsSettings } from './guidance/dns.ts'
import type { FrameCounters } from './map/frame-encoder.ts'
import type { RelaySettings, StunPort } from './relay/settings.ts'
import type { Store } from './store/store.ts'

/**
 * Edits what the server says, so that tests can have it lie. Part of the library interface only: no
 * configuration and no command line reaches it.
 */
export interface Intercept {
  /** Edits one map message to one viewer; null sends nothing. */
  readonly mapResponse?: (
    viewer: { readonly id: number; readonly nodeKey: string },
    message: MapResponse,
  ) => MapResponse | null
  /** Edits the answer to a lock call: `reply` is the parsed JSON. */
  readonly tkaReply?: (
    caller: { readonly id: number; readonly nodeKey: string },
    path: string,
    reply: unknown,
  ) => unknown
  /** Edits the answer to a registration. */
  readonly register?: (
    machineKey: MachinePublic,
    request: RegisterRequest,
    response: RegisterResponse,
  ) => RegisterResponse
}

/** What may change while the server runs. */
export interface ReloadableOptions {
  /** How nodes resolve names. */
  readonly dns?: DnsSettings | undefined
  /** A file with the policy, instead of the one in the state directory. */
  readonly policyFile?: string | undefined
  /** Attributes that every node is given. */
  readonly nodeAttributes?: readonly string[] | undefined
  /** The newest release of the client; older ones are told. */
  readonly latestClient?: string | undefined
}

/** What a server is started with. */
export interface ControlOptions extends DoorOptions, ReloadableOptions {
  /** Reads again what may change; called by {@link Control.reload}. @throws ControlError */
  readonly readAgain?: (() => ReloadableOptions) | undefined
  /** Holds `signet.db`, `noise.key`, `derp.key` and the admin socket. Created if needed. */
  readonly stateDir: string
  readonly listen: { readonly host: string; readonly port: number }
  /** What nodes dial; by default the address that was listened on. */
  readonly url?: string | undefined
  /** Where the admin API listens; false for nowhere. Default: `admin.sock` in the state directory. */
  readonly adminSocket?: string | false | undefined
  readonly logger: Logger
  /** The UDP port where STUN answers; 0 picks a free one, `auto` is for `StunPort`. Default: none. */
  readonly stunPort?: StunPort | undefined
  /** Where STUN answers, if not on the host that is listened on: addresses. */
  readonly stunHosts?: readonly string[] | undefined
  readonly relay?: Partial<RelaySettings> | undefined
  /** The suffix of the names of the first tailnet. */
  readonly domain?: string | undefined
  /** How long a node key is good, in days; null for ever. Nodes with tags never expire. */
  readonly keyLifetimeDays?: number | null | undefined
  /** How long an ephemeral node that has left is kept, in seconds. Default: 300. */
  readonly ephemeralGraceSeconds?: number | undefined
  readonly clock?: Clock | undefined
  /** Wraps the store: for tests that break it. */
  readonly wrapStore?: ((store: Store) => Store) | undefined
  readonly intercept?: Intercept | undefined
}

/** A running server. */
export interface Control extends AsyncDisposable {
  readonly url: string
  readonly port: number
  /** Where the plain port beside TLS is, if there is one. */
  readonly httpPort: number | undefined
  /** Where STUN answers, if it does. */
  readonly stunPort: number | undefined
  readonly publicKey: MachinePublic
  /** What map frames have cost so far. */
  readonly counters: Readonly<FrameCounters>
  /** Has every session send everything again, or look for changes again. */
  wake(mode?: 'full' | 'delta'): void
  /**
   * Looks for a new certificate, reads settings and policy again, and tells the nodes.
   *
   * @throws ControlError; the old settings stay in force then
   */
  reload(): void
  /** Streams that are open now. */
  connectedNodes(): number
  close(): Promise<void>
}
