// SPDX-License-Identifier: Apache-2.0

/**
 * The server of the demo: first the real `signet serve`, then a liar on the same directory and port.
 *
 * @module
 */

import { join } from 'node:path'
import { Surprise } from './claims.ts'
import type { Machine } from './machine.ts'
import * as screen from './screen.ts'
import type { Stage } from './stage.ts'

/** The honest server. */
export interface HonestServer {
  readonly url: string
  readonly port: string
  readonly stop: () => Promise<void>
}

/** Starts `signet serve` on an empty directory, with a user and a pre-auth key in the file `key`. */
export async function createHonestServer(stage: Stage): Promise<HonestServer> {
  screen.step(1, 'A server, three nodes')
  const words = ['serve', '--state-dir', 'server', '--listen', '127.0.0.1:0']
  screen.typed('server', `signet ${words.join(' ')} &`)
  const program = stage.serve(words)
  const first = await program.line()
  screen.answered(first)
  const url = /^Signet server at (http:\/\/127\.0\.0\.1:(\d+))$/.exec(first)
  if (url === null) throw new Surprise('signet serve', 'its address', first)
  await program.line()
  await admin(stage, 'admin users create ann --state-dir server')
  const key = await admin(
    stage,
    'admin keys create --user ann --reusable --state-dir server',
    'key',
  )
  stage.write('key', key)
  return { url: url[1] ?? '', port: url[2] ?? '', stop: () => program.stop() }
}

async function admin(stage: Stage, command: string, file = ''): Promise<string> {
  screen.typed('server', `signet ${command}${file === '' ? '' : ` > ${file}`}`)
  const { code, out, err } = await stage.signet('server', command.split(' '))
  screen.answered(file === '' ? out : err)
  if (code !== 0) throw new Surprise(`signet ${command}`, 'exit code 0', err)
  return out
}

/** The server in the hands of an attacker. */
export interface LyingServer {
  /** The node key of the server's own node. */
  readonly rogueKey: string
  tell(lie: string, mode?: 'full' | 'delta', node?: string): Promise<void>
  beHonest(): Promise<void>
  /** Has the rogue shake hands with a machine; `alive` is the last thing it could have answered before. */
  knock(machine: Machine, alive: () => Promise<void>): Promise<number>
}

/** Takes the server over: same directory, same port, same keys. The nodes notice a reconnect. */
export async function takeOver(stage: Stage, port: string): Promise<LyingServer> {
  screen.step(3, 'The server turns hostile')
  screen.narrate(
    'Somebody owns the machine of the server: its database, its keys, every word it says.',
  )
  const program = stage.node('e2e/hostile/lying-server.ts', [join(stage.dir, 'server'), port])
  const rogueKey = String((await answer())['rogue'])

  async function answer(): Promise<Readonly<Record<string, unknown>>> {
    const parsed = JSON.parse(await program.line()) as Readonly<Record<string, unknown>>
    if (typeof parsed['error'] === 'string') throw new Error(`lying server: ${parsed['error']}`)
    return parsed
  }
  const order = (what: object): ReturnType<typeof answer> => {
    program.send(JSON.stringify(what))
    return answer()
  }
  return {
    rogueKey,
    async tell(lie, mode = 'full', node = '') {
      await order({ do: 'tell', lie, mode, node })
    },
    async beHonest() {
      await order({ do: 'honest' })
    },
    async knock(machine, alive) {
      const { Self } = await machine.status()
      const udp = Self?.Addrs?.[0] ?? ''
      const ip = Self?.TailscaleIPs?.[0] ?? ''
      await order({ do: 'knock', udp, ip, nodeKey: Self?.PublicKey })
      await alive()
      return Number((await order({ do: 'count' }))['answers'])
    },
  }
}
