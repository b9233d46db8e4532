// SPDX-License-Identifier: Apache-2.0

/**
 * What a lying server says, with nothing at hand but what every server has: its own database, and
 * what it has seen pass. No lie here uses a stolen key.
 *
 * @module
 */

import { join } from 'node:path'
import { toBase64 } from '@signet/codec'
import { openSqliteStore, type Intercept } from '@signet/control'
import type { ControlNode, MapResponse } from '@signet/protocol'
import {
  aumHash,
  aumHashText,
  bootstrapAuthority,
  createMemoryStore,
  decodeAum,
  encodeAum,
  informAuthority,
  type Authority,
} from '@signet/tka'
import type { MapLie, Mode, TkaLie } from '../support/lying-tailnet.ts'
import { foreignGenesis, lockLies } from './authority-lies.ts'
import { showing } from './peer-lies.ts'

export type { Mode } from '../support/lying-tailnet.ts'

/** A server's tongue. */
export interface Liar extends Intercept {
  /** Begins a lie; it stands until another, or the truth. `node` is whom it is about, by name. */
  tell(lie: string, mode: Mode, node: string): void
  beHonest(): void
}

/** Creates a liar that is honest so far. */
export function createLiar(stateDir: string, rogue: ControlNode): Liar {
  let mapLie: MapLie | undefined
  let tkaLie: TkaLie | undefined
  const seen = new Map<string, ControlNode[]>()

  const tell = (name: string, mode: Mode, node: string): void => {
    mapLie = undefined
    tkaLie = undefined
    if (name === 'rogue') {
      const show = showing(rogue, mode)
      mapLie = (message) => (message.Peers || mode === 'delta' ? show(message) : message)
      return
    }
    if (name === 'replay') {
      const old = (seen.get(node) ?? [])[0]
      if (old === undefined) throw new Error(`nothing seen of ${node} yet`)
      const show = showing(old, mode)
      // Whoever the old record is about does not see itself as a peer.
      mapLie = (message, viewer) =>
        seen.get(node)?.some(({ Key }) => Key === viewer) ? message : show(message)
      return
    }
    if (name === 'another genesis') {
      const other = foreignGenesis()
      const Head = aumHashText(aumHash(other))
      const raw = toBase64(encodeAum(other))
      mapLie = (message) => ({ ...message, TKAInfo: { Head } })
      tkaLie = (path, reply) => {
        if (path.endsWith('/bootstrap')) return { GenesisAUM: raw }
        if (path.endsWith('/sync/send')) return { Head }
        return path.endsWith('/sync/offer') ? { Head, Ancestors: [], MissingAUMs: [raw] } : reply
      }
      return
    }
    const lie = lockLies.find((each) => each.name === name)
    if (lie === undefined) throw new Error(`unknown lie ${name}`)
    const { head, oldestAncestor: genesis, state } = storedAuthority(stateDir)
    const loot = { head, genesis, state, trusted: noKey }
    const info = lie.info(loot)
    mapLie = (message) => ({ ...message, ...(info && { TKAInfo: info }) })
    tkaLie = lie.tka(loot)
  }

  return {
    tell,
    beHonest() {
      mapLie = undefined
      tkaLie = undefined
    },
    mapResponse(viewer, message) {
      remember(seen, message)
      return mapLie === undefined ? message : mapLie(message, viewer.nodeKey as ControlNode['Key'])
    },
    tkaReply: (_, path, reply) =>
      tkaLie === undefined ? reply : tkaLie(path, reply as Record<string, unknown>),
  }
}

/** Keeps every record of every node that passes, oldest first: what a server can replay. */
function remember(seen: Map<string, ControlNode[]>, message: MapResponse): void {
  for (const peer of [...(message.Peers ?? []), ...(message.PeersChanged ?? [])]) {
    if (peer === null) continue
    const name = peer.Name.split('.')[0] ?? ''
    const records = seen.get(name) ?? []
    if (!records.some(({ Key }) => Key === peer.Key)) seen.set(name, [...records, peer])
  }
}

/** A server holds no lock key, so a lie that needs one cannot be told by it. */
const noKey = {
  keyId: new Uint8Array(32),
  sign(): Uint8Array {
    throw new Error('this lie needs a key that the server does not have')
  },
}

/** The authority as the database has it. */
function storedAuthority(stateDir: string): Authority {
  const database = openSqliteStore(join(stateDir, 'signet.db'))
  try {
    const [tailnet] = database.tailnets()
    const active = tailnet && database.authorities(tailnet.id).find((row) => row.retiredAt === null)
    const [first, ...rest] = active ? database.aums(active.id) : []
    if (first === undefined) throw new Error('the lock is off')
    const store = createMemoryStore({ now: Date.now })
    const authority = bootstrapAuthority(store, decodeAum(first.raw))
    return rest.length === 0
      ? authority
      : informAuthority(
          authority,
          store,
          rest.map(({ raw }) => decodeAum(raw)),
        )
  } finally {
    database.close()
  }
}
