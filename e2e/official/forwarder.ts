// SPDX-License-Identifier: Apache-2.0

/**
 * A wire between client and server that can be cut at a chosen moment: a TCP forwarder on loopback.
 * What goes through is encrypted, so moments are told by direction and size, not by content.
 *
 * @module
 */

import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

/** Called for every piece before it is passed on; true lets it pass, false throws it away. */
export type Watch = (piece: Piece) => boolean

/** Some bytes on their way. */
export interface Piece {
  /** Which connection, from 1 on. */
  readonly connection: number
  readonly to: 'server' | 'client'
  readonly bytes: number
}

/** A forwarder. */
export interface Forwarder extends AsyncDisposable {
  /** What clients dial. */
  readonly url: string
  /** Sees every piece from now on; undefined lets all pass. */
  watch(watch: Watch | undefined): void
  /** From now on every piece in this direction is this late. Set it back only after a cut: it would overtake. */
  delay(to: Piece['to'], ms: number): void
  /** Ends every connection now. New ones are taken. */
  cut(): void
}

/** Listens on loopback and passes everything on to `target`, a URL. */
export async function createForwarder(target: string): Promise<Forwarder> {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  let watcher: Watch | undefined
  let connections = 0
  const late = { server: 0, client: 0 }

  const pass = (from: Socket, into: Socket, connection: number, to: Piece['to']): void => {
    from.on('data', (data: Buffer) => {
      if (!(watcher?.({ connection, to, bytes: data.length }) ?? true)) return
      if (late[to] === 0) into.write(data)
      else setTimeout(() => into.writable && into.write(data), late[to])
    })
    from.on('end', () => into.end())
    from.on('error', () => into.destroy())
    from.on('close', () => {
      sockets.delete(from)
      into.destroy()
    })
  }
  const server: Server = createServer((client) => {
    const upstream = connect(Number(port), hostname)
    connections += 1
    sockets.add(client).add(upstream)
    pass(client, upstream, connections, 'server')
    pass(upstream, client, connections, 'client')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port: own } = server.address() as AddressInfo
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    url: `http://127.0.0.1:${own}`,
    watch(watch) {
      watcher = watch
    },
    delay(to, ms) {
      late[to] = ms
    },
    cut,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      cut()
      await closed
    },
  }
}
