// SPDX-License-Identifier: Apache-2.0

/**
 * A whole life of a locked tailnet, in processes that log all they can. Afterwards every secret
 * that it made is looked for in everything that anybody could have read.
 */

import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { lockPublicCliText, parseLockPublic } from '@signet/keys'
import { until } from '../support/until.ts'
import { createPrograms, serverName, up, type Programs } from './programs.ts'

const debug = ['--log-level', 'debug']

/** Something that may be in no log, by what it is. */
type Secret = { readonly name: string; readonly forms: readonly string[] }

/** The ways in which somebody might print 32 or 64 bytes. Half of a secret is one too. */
function keyForms(name: string, hex: string): Secret {
  // A lock key is a seed and its public half; the seed is the secret.
  const half = Buffer.from(hex, 'hex').subarray(0, 16)
  return {
    name,
    forms: [
      half.toString('hex'),
      // Without the last characters, which depend on what comes after.
      half.toString('base64url').slice(0, 21),
      base32(half).slice(0, 25),
      half.join(','),
      half.toString('latin1'),
    ],
  }
}

function base32(bytes: Buffer): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  const letters = bits.match(/.{5}/g) ?? []
  return letters
    .map((five) => 'abcdefghijklmnopqrstuvwxyz234567'[Number.parseInt(five, 2)])
    .join('')
}

/** All private keys in a file, however they are named in it. */
function keysIn(path: string): Secret[] {
  const found = readFileSync(path, 'utf8').matchAll(/(?:privkey|nlpriv):([0-9a-f]{64,128})/g)
  return [...found].map(([, hex = ''], at) => keyForms(`${path} #${at}`, hex))
}

/** Where in a text a secret is, '' if it is not. Case and base64 alphabet make no difference. */
function leak(text: string, { forms }: Secret): string {
  const folded = text.replaceAll('+', '-').replaceAll('/', '_')
  const lower = text.toLowerCase()
  return (
    forms.find((form) => text.includes(form) || folded.includes(form) || lower.includes(form)) ?? ''
  )
}

function* tree(dir: string): Generator<string> {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name)
    yield path
    if (entry.isDirectory()) yield* tree(path)
  }
}

/** Nothing in a state directory is open to anybody but its owner. */
function assertPrivate(dir: string): void {
  const kinds = { files: 0, directories: 0, sockets: 0 }
  for (const path of [dir, ...tree(dir)]) {
    const stat = statSync(path)
    const kind = stat.isDirectory() ? 'directories' : stat.isSocket() ? 'sockets' : 'files'
    kinds[kind]++
    const mode = (stat.mode & 0o777).toString(8)
    assert.equal(mode, kind === 'directories' ? '700' : '600', `${mode} ${path}`)
  }
  assert.ok(kinds.files > 0 && kinds.sockets === 1, JSON.stringify(kinds))
}

/** The life. Returns every secret that was made, and where each may be printed. */
async function live(programs: Programs): Promise<Secret[]> {
  const secrets: Secret[] = []
  const server = await programs.serve(debug)
  await programs.ok(serverName, ['users', 'create', 'ann'])
  const authKey = (await programs.ok(serverName, ['keys', 'create', '--reusable'])).trim()
  const authSecret = authKey.split('-').at(-1) ?? ''
  assert.match(authSecret, /^[0-9a-f]{32,}$/)
  secrets.push(keyForms('auth key', authSecret))
  for (const name of ['a', 'b']) {
    await programs.node(name, debug)
    assert.equal((await up(programs, name, server, authKey)).status, 0)
  }
  const status = async (name: string): Promise<string> => await programs.ok(name, ['lock'])
  const lockKeys = await Promise.all(
    ['a', 'b'].map(async (name) => /tlpub:[0-9a-f]{64}/.exec(await status(name))?.[0] ?? ''),
  )
  const init = ['lock', 'init', '--confirm', '--gen-disablements', '2']
  const said = await programs.ok('a', [...init, ...lockKeys])
  const ends = [...said.matchAll(/disablement-secret:([0-9A-F]{64})/g)].map(([, hex = '']) => hex)
  assert.equal(ends.length, 2)
  // The first is used, and so made known to the server and to every node. Still nobody logs it.
  for (const hex of ends) secrets.push(keyForms('disablement secret', hex.toLowerCase()))

  const wrapped = (await programs.ok('a', ['lock', 'sign', '-'], { input: authKey })).trim()
  const seed = Buffer.from(wrapped.split('-').at(-1) ?? '', 'base64')
  assert.equal(seed.length, 64)
  secrets.push(keyForms('key inside a wrapped auth key', seed.toString('hex')))
  const c = await programs.node('c', debug)
  assert.equal((await up(programs, 'c', server, wrapped)).status, 0)
  await c.lockIs('is signed', ({ NodeKeySigned }) => NodeKeySigned)
  await programs.ok('c', ['ping', 'a'])

  const d = await programs.node('d', debug)
  assert.equal((await up(programs, 'd', server, authKey)).status, 3)
  const { NodeKey, PublicKey } = await d.lock()
  const rotation = lockPublicCliText(parseLockPublic(PublicKey))
  await programs.ok('b', ['lock', 'sign', NodeKey ?? '', rotation])
  await d.lockIs('is signed', ({ NodeKeySigned }) => NodeKeySigned)

  // What goes wrong is logged too: a wrong key, a wrong secret, a call that makes no sense.
  const wrong = authKey.replace(/.{8}$/, '00000000')
  const e = await programs.node('e', debug)
  assert.equal((await up(programs, 'e', server, wrong)).status, 1)
  await e.end()
  assert.equal(
    (
      await programs.on('a', ['lock', 'disable', '-'], {
        input: `disablement-secret:${ends[0]?.replace(/.{4}$/, '0000')}`,
      })
    ).status,
    1,
  )
  await programs.on('a', ['lock', 'sign', '-'], { input: wrapped })
  await programs.on(serverName, ['doctor'])
  for (const name of ['a', 'b', 'c', 'd']) {
    await programs.ok(name, ['status', '--json'])
    await programs.ok(name, ['lock', 'status', '--json'])
    await programs.ok(name, ['lock', 'log', '--json'])
  }
  await programs.ok(serverName, ['keys', 'list', '--json'])
  await programs.ok(serverName, ['nodes', 'list', '--json'])

  await programs.ok('a', ['lock', 'disable', '-'], { input: `disablement-secret:${ends[0]}` })
  for (const node of [c, d]) await node.lockIs('is off', ({ Enabled }) => !Enabled)
  for (const name of ['a', 'b', 'c', 'd', 'e']) {
    secrets.push(...keysIn(join(programs.stateDir(name), 'node.json')))
  }
  const noise = keysIn(join(programs.stateDir(serverName), 'noise.key'))
  assert.equal(noise.length, 1)
  return [...secrets, ...noise]
}

test('no secret of a whole run is where others could read it', async (t) => {
  await using programs = createPrograms()
  const secrets = await live(programs)
  // Machine, node and lock key of four nodes, at least.
  assert.ok(secrets.length >= 4 * 3 + 5, String(secrets.length))

  await t.test('the search finds what it looks for', () => {
    for (const secret of secrets) {
      const [hex = ''] = secret.forms
      const bytes = Buffer.from(hex, 'hex')
      for (const shown of [
        hex,
        hex.toUpperCase(),
        bytes.toString('base64'),
        bytes.toString('base64url'),
        JSON.stringify([...bytes]),
        base32(bytes).toUpperCase(),
      ]) {
        assert.notEqual(leak(`x ${shown} y`, secret), '')
      }
    }
  })

  await t.test('not in command lines', () => {
    assert.ok(programs.accounts.length > 30)
    for (const { cmdline } of programs.accounts) {
      assert.match(cmdline, /main\.ts/)
      for (const secret of secrets)
        assert.equal(leak(cmdline, secret), '', `${secret.name}: ${cmdline}`)
    }
  })

  await t.test('not in logs and outputs, but where a command is for printing it', () => {
    const logged = programs.accounts.map(({ stderr }) => stderr).join('')
    for (const level of [30, 40]) assert.match(logged, new RegExp(`"level":${level}`))
    for (const { cmdline, stdout, stderr } of programs.accounts) {
      const purpose = [
        [/ keys create /, 'auth key'],
        [/ lock init /, 'disablement secret'],
        [/ lock sign - /, 'auth key'],
        [/ lock sign - /, 'key inside a wrapped auth key'],
      ] as const
      for (const secret of secrets) {
        assert.equal(leak(stderr, secret), '', `${secret.name} in what ${cmdline} logs`)
        const isMeant = purpose.some(
          ([command, name]) => command.test(cmdline) && name === secret.name,
        )
        if (!isMeant)
          assert.equal(leak(stdout, secret), '', `${secret.name} in what ${cmdline} says`)
      }
    }
  })

  await t.test('not in the files of the server, but for its own key and the spent secret', () => {
    const dir = programs.stateDir(serverName)
    const spent = secrets.find(({ name }) => name === 'disablement secret')
    const files = [...tree(dir)].filter((path) => statSync(path).isFile())
    assert.ok(files.some((path) => path.endsWith('signet.db')))
    for (const path of files.filter((name) => !name.endsWith('noise.key'))) {
      const bytes = readFileSync(path).toString('latin1')
      for (const secret of secrets) {
        // Sleeping nodes have to be shown what ended the lock.
        if (secret === spent) continue
        assert.equal(leak(bytes, secret), '', `${secret.name} in ${path}`)
      }
    }
  })

  await t.test('not in the files of a node, but its own', () => {
    for (const name of ['a', 'b', 'c', 'd']) {
      const dir = programs.stateDir(name)
      const own = new Set(keysIn(join(dir, 'node.json')).map(({ forms }) => forms[0]))
      for (const path of [...tree(dir)].filter((file) => statSync(file).isFile())) {
        const bytes = readFileSync(path).toString('latin1')
        for (const secret of secrets) {
          if (own.has(secret.forms[0])) continue
          assert.equal(leak(bytes, secret), '', `${secret.name} in ${path}`)
        }
      }
    }
  })

  await t.test('files 0600, directories 0700, sockets 0600', () => {
    for (const name of [serverName, 'a', 'b', 'c', 'd']) assertPrivate(programs.stateDir(name))
  })
})

test('a directory that is there already keeps its mode, and what is put into it is private', async () => {
  await using programs = createPrograms()
  for (const name of [serverName, 'a']) {
    mkdirSync(programs.stateDir(name))
    chmodSync(programs.stateDir(name), 0o755)
  }
  await programs.serve()
  await programs.node('a')
  for (const name of [serverName, 'a']) {
    await until('its files are there', () => readdirSync(programs.stateDir(name)).length > 1)
    for (const path of tree(programs.stateDir(name))) {
      const stat = statSync(path)
      assert.equal(stat.mode & 0o077, 0, path)
    }
  }
})
