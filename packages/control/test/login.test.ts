// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import pino from 'pino'
import type { NodePublic } from '@signet/keys'
import { generateMachineKey, generateNodeKey, machinePublicOf, nodePublicOf } from '@signet/keys'
import { resignNodeKey, signNodeKey } from '@signet/tka'
import { adminReaders } from '@signet/protocol/admin-api'
import type { AdminLogin } from '@signet/protocol/admin-api'
import { adminApp } from '../src/admin/app.ts'
import { certificateStatus } from '../src/http/certificate-status.ts'
import {
  DECIDED_LOGIN_MS,
  LOGIN_MS,
  LOGINS_PER_MINUTE,
  MAX_FOLLOWUPS,
  MAX_SIGNATURE_BYTES,
  MAX_STRANGER_LOGINS,
  OFFLINE_GRACE_MS,
  REGISTRATIONS_PER_MINUTE,
  STRANGER_LOGINS_PER_MINUTE,
} from '../src/limits.ts'
import { lockTailnet } from './support/lock.ts'
import { at, DAY, openTestServer, SERVER_URL } from './support/server.ts'
import type { Machine, TestServer } from './support/server.ts'
import { noRelay } from './support/no-relay.ts'
import { openViewer } from './support/viewer.ts'

/** The administrator's side. */
function admin(server: TestServer) {
  const app = adminApp({
    tailnets: server.services.tailnets,
    runtime: server.services.runtime,
    logins: server.services.logins,
    relay: noRelay,
    certificate: () => certificateStatus(undefined),
    backUp: () => Promise.resolve([]),
    steering: server.steering,
    calls: server.services.calls,
    reload: () => server.steering.reload(),
    clock: server.clock,
    logger: pino({ level: 'silent' }),
    version: '0.0.0',
    url: () => SERVER_URL,
    publicKey: machinePublicOf(generateMachineKey()),
  })
  const call = async (method: string, path: string, body: unknown = {}): Promise<string> => {
    const init = method === 'GET' ? { method } : { method, body: JSON.stringify(body) }
    const response = await app.request(`/api/v1/logins${path}`, init)
    const text = await response.text()
    if (response.status !== 200) throw new Error(`${response.status} ${text}`)
    return text
  }
  const idOf = (url: string): string => url.slice(url.lastIndexOf('/') + 1)
  return {
    pending: async (): Promise<readonly AdminLogin[]> => adminReaders.logins(await call('GET', '')),
    approve: async (url: string, approval: object = {}): Promise<AdminLogin> =>
      adminReaders.login(await call('POST', `/${idOf(url)}/approve`, approval)),
    deny: async (url: string): Promise<AdminLogin> =>
      adminReaders.login(await call('POST', `/${idOf(url)}/deny`)),
  }
}

/** Asks, and follows up with the address it is given. */
function ask(machine: Machine, fields: Parameters<Machine['register']>[0] = {}) {
  const { AuthURL, Error } = machine.register(fields)
  assert.equal(Error, '')
  assert.match(AuthURL, new RegExp(`^${SERVER_URL}/login/[0-9a-f]{32}$`))
  const { NodeKeySignature: _stashed, ...rest } = fields
  return { url: AuthURL, fields: { ...rest, Followup: AuthURL } }
}

const never = new AbortController().signal

const isSettled = async (promise: Promise<unknown>): Promise<boolean> => {
  const nothing = new Promise((resolve) => setImmediate(() => resolve('nothing')))
  return (await Promise.race([promise, nothing])) !== 'nothing'
}

describe('interactive login', () => {
  it('holds the followup until somebody approves, and lets the machine in then', async () => {
    using server = openTestServer()
    const machine = server.machine('laptop')
    const { url, fields } = ask(machine, { Hostinfo: { OS: 'linux', Hostname: 'laptop' } })
    const held = machine.followUp(fields)
    assert.equal(await isSettled(held), false)
    assert.equal(server.tailnet.nodes.size, 0)
    const [waiting] = await admin(server).pending()
    assert.equal(waiting!.hostname, 'laptop')
    assert.equal(waiting!.nodeKey, nodePublicOf(machine.nodeKey))
    assert.equal(waiting!.from, '192.0.2.7')
    assert.equal(waiting!.connected, true)
    const approved = await admin(server).approve(url)
    assert.equal(approved.state, 'joined')
    assert.equal(approved.node!.name, 'laptop')
    const response = await held
    assert.equal(response!.MachineAuthorized, true)
    assert.equal(response!.AuthURL, '')
    assert.equal(response!.Login.LoginName, 'owner')
    assert.equal(machine.row().expiresAt, server.clock.now() + 180 * DAY)
  })

  it('keeps an approval for a machine whose poll was cut, and whose answer was lost', async () => {
    using server = openTestServer()
    const machine = server.machine('a')
    const { url, fields } = ask(machine)
    const leaving = new AbortController()
    const held = machine.followUp(fields, leaving.signal)
    leaving.abort()
    assert.equal(await held, null)
    assert.equal((await admin(server).approve(url)).state, 'approved')
    assert.equal(server.tailnet.nodes.size, 0)
    assert.equal((await machine.followUp(fields))!.MachineAuthorized, true)
    // Again, as if that answer had never arrived.
    assert.equal((await machine.followUp(fields))!.MachineAuthorized, true)
    assert.equal(server.tailnet.nodes.size, 1)
  })

  it('gives the approval to the next node key of the machine while its node was never seen', async () => {
    using server = openTestServer()
    const machine = server.machine('a')
    const { url } = ask(machine)
    await admin(server).approve(url)
    machine.nodeKey = generateNodeKey()
    assert.equal(machine.register().MachineAuthorized, true)
    const { id } = machine.row()
    machine.nodeKey = generateNodeKey()
    assert.equal(machine.register().MachineAuthorized, true)
    assert.equal(machine.row().id, id)
    assert.equal(server.tailnet.nodes.size, 1)
    server.runtime.presence.connect(id)
    machine.nodeKey = generateNodeKey()
    assert.notEqual(machine.register().AuthURL, '')
  })

  it('answers a denial as often as it is asked, and a new attempt with a new address', async () => {
    using server = openTestServer()
    const machine = server.machine('a')
    const { url, fields } = ask(machine)
    const held = machine.followUp(fields)
    await admin(server).deny(url)
    assert.match((await held)!.Error, /denied/)
    for (let time = 0; time < 8; time++) {
      assert.match((await machine.followUp(fields))!.Error, /denied/)
    }
    const again = ask(machine)
    assert.notEqual(again.url, url)
    // The old one is forgotten with the new attempt, and after its time.
    server.clock.advance(DECIDED_LOGIN_MS)
    assert.notEqual((await machine.followUp({ ...fields, Followup: url }))!.AuthURL, url)
  })

  it('takes an approval back until the machine has fetched it', async () => {
    using server = openTestServer()
    const machine = server.machine('a')
    const { url, fields } = ask(machine)
    await admin(server).approve(url)
    await admin(server).deny(url)
    assert.match((await machine.followUp(fields))!.Error, /denied/)
    assert.equal(server.tailnet.nodes.size, 0)
  })

  it('decides once', async () => {
    using server = openTestServer()
    const [a, b] = [server.machine('a'), server.machine('b')]
    const asked = ask(a)
    await admin(server).approve(asked.url)
    await assert.rejects(admin(server).approve(asked.url), /409.*approved already/)
    await a.followUp(asked.fields)
    await assert.rejects(admin(server).approve(asked.url), /409.*approved already/)
    await assert.rejects(admin(server).deny(asked.url), /409.*approved already/)
    const denied = ask(b)
    await admin(server).deny(denied.url)
    await assert.rejects(admin(server).approve(denied.url), /409.*denied already/)
    await assert.rejects(admin(server).approve(`${SERVER_URL}/login/${'0'.repeat(32)}`), /404/)
  })

  it('gives another address after a restart, and when nobody decided in time', async () => {
    using server = openTestServer()
    const machine = server.machine('a')
    const { url, fields } = ask(machine)
    const held = machine.followUp(fields)
    server.clock.advance(LOGIN_MS - 1)
    assert.equal(await isSettled(held), false)
    server.clock.advance(1)
    const fresh = (await held)!.AuthURL
    assert.notEqual(fresh, url)
    const after = server.restart()
    const again = await after.machine('a', machine).followUp({ Followup: fresh })
    assert.notEqual(again!.AuthURL, fresh)
    assert.notEqual(again!.AuthURL, '')
  })

  it('grants the tags that the administrator names, whatever the machine requests', async () => {
    using server = openTestServer()
    const Hostinfo = { Hostname: 'a', RequestTags: ['tag:web', 'tag:admin', '<b>', 'tag:web'] }
    const [a, b] = [server.machine('a'), server.machine('b')]
    const plain = ask(a, { Hostinfo })
    assert.deepEqual((await admin(server).pending())[0]!.requestedTags, [
      'tag:web',
      'tag:admin',
      'tag:web',
    ])
    await admin(server).approve(plain.url)
    await a.followUp(plain.fields)
    assert.deepEqual(a.row().tags, [])
    const tagged = ask(b, { Hostinfo })
    await admin(server).approve(tagged.url, { tags: ['tag:web'] })
    assert.equal((await b.followUp(tagged.fields))!.Login.LoginName, 'tagged-devices')
    assert.deepEqual(b.row().tags, ['tag:web'])
    assert.equal(b.row().expiresAt, null)
  })

  it('keeps the owner and tags of a machine that was here before, unless told otherwise', async () => {
    using server = openTestServer()
    const member = server.join('m', 'member')
    const tagged = server.join('t', 'owner', { tags: ['tag:x'] })
    server.join('boss', 'owner')
    for (const machine of [member, tagged]) {
      const before = machine.row()
      const OldNodeKey = before.nodeKey
      machine.nodeKey = generateNodeKey()
      const { url, fields } = ask(machine, { OldNodeKey })
      assert.equal((await admin(server).pending()).at(-1)!.replaces, before.name)
      await admin(server).approve(url)
      await machine.followUp(fields)
      const { id, userId, tags, ipv4 } = machine.row()
      assert.deepEqual(
        [id, userId, tags, ipv4],
        [before.id, before.userId, before.tags, before.ipv4],
      )
    }
    server.runtime.presence.connect(member.row().id)
    member.nodeKey = generateNodeKey()
    const moved = ask(member)
    await assert.rejects(admin(server).approve(moved.url, { user: 'nobody' }), /404/)
    await admin(server).approve(moved.url, { user: 'owner' })
    await member.followUp(moved.fields)
    assert.equal(server.tailnet.users.get(member.row().userId)!.name, 'owner')
  })

  it('does not guess whose node a new machine becomes when there are several users', async () => {
    using server = openTestServer()
    server.join('boss', 'owner')
    server.join('m', 'member')
    const machine = server.machine('a')
    const { url, fields } = ask(machine)
    await assert.rejects(admin(server).approve(url), /400.*whose node/)
    await admin(server).approve(url, { user: 'member' })
    await machine.followUp(fields)
    assert.equal(server.tailnet.users.get(machine.row().userId)!.name, 'member')
    const tagged = server.machine('t')
    const other = ask(tagged)
    assert.equal((await admin(server).approve(other.url, { tags: ['tag:x'] })).state, 'approved')
  })

  it('is of the node that was looked at: neither of another one of the machine, nor of nobody when it is gone', async () => {
    using server = openTestServer()
    server.join('admin')
    const renew = async (shown: Machine): Promise<{ fetch(OldNodeKey: NodePublic): string }> => {
      const OldNodeKey = nodePublicOf(shown.nodeKey)
      shown.nodeKey = generateNodeKey()
      const { url, fields } = ask(shown, { OldNodeKey })
      await admin(server).approve(url)
      return { fetch: (old) => shown.register({ ...fields, OldNodeKey: old }).Error }
    }
    // One that removes itself is not let in as somebody else, who may administer the lock.
    const short = server.join('short', 'member', { ephemeral: true })
    const before = short.nodeKey
    const renewed = await renew(short)
    const next = short.nodeKey
    short.nodeKey = before
    short.register({ Expiry: at(1_000) })
    short.nodeKey = next
    assert.equal(server.tailnet.nodes.size, 1)
    assert.match(renewed.fetch(nodePublicOf(before)), /whose node/)
    assert.equal(server.tailnet.nodes.size, 1)
    // One that names another node of the same machine does not renew that one.
    const twice = server.join('twice', 'member')
    const mine = nodePublicOf(twice.nodeKey)
    const tagged = server.machine('tagged', twice)
    tagged.nodeKey = generateNodeKey()
    tagged.register({ Auth: { AuthKey: server.authKey({ tags: ['tag:web'] }) } })
    const other = tagged.row()
    assert.equal((await renew(twice)).fetch(nodePublicOf(tagged.nodeKey)), '')
    assert.equal(server.tailnet.nodes.get(other.id)?.row, other)
    assert.equal(server.tailnet.nodeByKey(mine), undefined)
    assert.deepEqual(twice.row().tags, [])
  })

  it('lets the next key into the relay while it waits, not once it was denied or its node is gone', async () => {
    using server = openTestServer()
    const { logins } = server.services
    const renew = (name: string): { url: string; key: NodePublic; id: number } => {
      const machine = server.join(name)
      const { id, nodeKey: OldNodeKey } = machine.row()
      machine.nodeKey = generateNodeKey()
      const { url } = ask(machine, { OldNodeKey })
      return { url, key: nodePublicOf(machine.nodeKey), id }
    }
    const [denied, removed] = [renew('a'), renew('b')]
    assert.deepEqual([logins.isExpected(denied.key), logins.isExpected(removed.key)], [true, true])
    await admin(server).deny(denied.url)
    server.tailnet.write((draft) => draft.deleteNode(removed.id))
    assert.deepEqual(
      [logins.isExpected(denied.key), logins.isExpected(removed.key)],
      [false, false],
    )
  })

  it('remembers that a machine is ephemeral', async () => {
    using server = openTestServer()
    const machine = server.machine('a')
    const { url, fields } = ask(machine, { Ephemeral: true })
    await admin(server).approve(url)
    await machine.followUp(fields)
    assert.equal(machine.row().ephemeral, true)
  })
})

describe('interactive login, hostile', () => {
  it('tells another machine nothing, whatever address it names', async () => {
    using server = openTestServer()
    const [victim, thief] = [server.machine('victim'), server.machine('thief')]
    const { url } = ask(victim)
    await admin(server).approve(url)
    const response = await thief.followUp({ Followup: url })
    assert.equal(response!.MachineAuthorized, false)
    assert.notEqual(response!.AuthURL, url)
    assert.equal(server.tailnet.nodes.size, 0)
    // Nor with the victim's node key, which the thief may have seen on the page.
    thief.nodeKey = victim.nodeKey
    assert.notEqual((await thief.followUp({ Followup: url }))!.MachineAuthorized, true)
  })

  it('refuses a followup with another node key, and takes an address to the letter', async () => {
    using server = openTestServer()
    const machine = server.machine('a')
    const { url } = ask(machine)
    const id = url.slice(-32)
    await assert.doesNotReject(admin(server).approve(url))
    for (const Followup of [id, `/login/${id}`, `http://other/login/${id}`, `${url}?`, `${url}/`]) {
      // Named no login of its own, it is a machine that asks again, and fetches what was approved.
      assert.equal(server.services.logins.byUrl(Followup), undefined)
    }
    machine.nodeKey = generateNodeKey()
    assert.match((await machine.followUp({ Followup: url }))!.Error, /another node key/)
    assert.equal(server.tailnet.nodes.size, 0)
  })

  it('has one login for each machine, each time under another address', async () => {
    using server = openTestServer()
    const machine = server.machine('a')
    const first = ask(machine)
    const held = machine.followUp(first.fields)
    machine.nodeKey = generateNodeKey()
    const second = ask(machine)
    assert.notEqual(second.url, first.url)
    // The followup of the first, whose client is gone, does not ask again in its turn.
    await assert.rejects(held, { code: 'rate-limited' })
    const [only, ...others] = await admin(server).pending()
    assert.equal(others.length, 0)
    assert.equal(only!.nodeKey, nodePublicOf(machine.nodeKey))
    await assert.rejects(admin(server).approve(first.url), /404/)
  })

  it('slows down a machine that asks too often, with 429 and when to come again', async () => {
    using server = openTestServer()
    const machine = server.machine('a')
    for (let time = 0; time < LOGINS_PER_MINUTE; time++) ask(machine)
    assert.throws(() => machine.register(), { code: 'rate-limited', retryAfterSeconds: 2 })
    server.clock.advance(2_000)
    ask(machine)
    const known = server.join('known')
    for (let time = 0; time < REGISTRATIONS_PER_MINUTE; time++) await known.followUp()
    await assert.rejects(known.followUp(), { code: 'rate-limited', retryAfterSeconds: 1 })
    server.clock.advance(1_000)
    assert.equal((await known.followUp())!.MachineAuthorized, true)
  })

  it('bounds what machines without a node can ask for from one place, and lets others ask', async () => {
    using server = openTestServer()
    const from = (source: string): Machine => {
      const machine = server.machine('x')
      machine.source = source
      return machine
    }
    for (let time = 0; time < STRANGER_LOGINS_PER_MINUTE; time++) ask(from(`2001:db8::${time}`))
    assert.throws(() => from('2001:db8::ffff').register(), { code: 'rate-limited' })
    ask(from('2001:db8:0:1::1'))
    // A machine that has a node is counted by itself, and a proxy on this machine stands for everybody.
    const known = server.join('known')
    known.nodeKey = generateNodeKey()
    known.source = '2001:db8::1'
    ask(known)
    for (let time = 0; time < 2 * STRANGER_LOGINS_PER_MINUTE; time++) ask(from('127.0.0.1'))
  })

  it('lets a flood drive out its own, and leaves room to those that have a node', async () => {
    using server = openTestServer()
    const known = server.join('known')
    known.nodeKey = generateNodeKey()
    const own = ask(known)
    const patient = server.machine('patient')
    const held = patient.followUp(ask(patient).fields)
    const flood = (count: number): Machine[] =>
      Array.from({ length: count }, () => {
        const machine = server.machine('x')
        machine.source = '127.0.0.1'
        ask(machine)
        return machine
      })
    const { logins } = server.services
    const [oldest] = flood(MAX_STRANGER_LOGINS - 1)
    assert.equal(logins.all().length, MAX_STRANGER_LOGINS + 1)
    const machineKey = machinePublicOf(oldest!.machineKey)
    assert.ok(logins.ofMachine(machineKey))
    flood(1)
    assert.equal(logins.all().length, MAX_STRANGER_LOGINS + 1)
    assert.equal(logins.ofMachine(machineKey), undefined)
    flood(100)
    // Also when everybody waits on an open connection, one goes, and does not drive out the next.
    const waiting = logins.all().map(async (login) => logins.changed(login, never))
    flood(1)
    assert.equal((await Promise.all(waiting.map(isSettled))).filter(Boolean).length, 1)
    assert.ok(logins.byUrl(own.url))
    assert.equal(await isSettled(held), false)
  })

  it('holds two followups of a login: the oldest makes room, and is told to wait', async () => {
    using server = openTestServer()
    const machine = server.machine('a')
    const { url, fields } = ask(machine)
    const held = Array.from({ length: MAX_FOLLOWUPS }, () => machine.followUp(fields))
    assert.deepEqual(await Promise.all(held.map(isSettled)), [false, false])
    const last = machine.followUp(fields)
    await assert.rejects(held[0]!, { code: 'rate-limited', retryAfterSeconds: 30 })
    assert.equal(await isSettled(held[1]!), false)
    await admin(server).approve(url)
    for (const each of [held[1]!, last]) assert.equal((await each)!.MachineAuthorized, true)
    assert.equal(server.tailnet.nodes.size, 1)
  })

  it('shortens what it keeps, and refuses a signature beyond its limit', async () => {
    using server = openTestServer()
    const machine = server.machine('a')
    const Hostname = 'x'.repeat(1_000)
    ask(machine, { Hostinfo: { Hostname }, NodeKeySignature: new Uint8Array(MAX_SIGNATURE_BYTES) })
    assert.equal((await admin(server).pending())[0]!.hostname.length, 255)
    const NodeKeySignature = new Uint8Array(MAX_SIGNATURE_BYTES + 1)
    assert.match(machine.register({ NodeKeySignature }).Error, /at most/)
  })
})

describe('interactive login of a node that is here', () => {
  it('serves the old key until the new one is approved, then changes both in one message', async () => {
    using server = openTestServer()
    const [a, b] = [server.join('a'), server.join('b')]
    const viewer = openViewer(server, b)
    const own = openViewer(server, a)
    server.runtime.sessions.flush()
    viewer.take()
    const OldNodeKey = nodePublicOf(a.nodeKey)
    // The client ends its stream at once and holds only the followup.
    own.close()
    a.nodeKey = generateNodeKey()
    const { url, fields } = ask(a, { OldNodeKey })
    const held = a.followUp(fields)
    server.clock.advance(10 * OFFLINE_GRACE_MS)
    server.runtime.sessions.flush()
    assert.deepEqual(
      viewer.take().filter((message) => message.KeepAlive !== true),
      [],
    )
    assert.equal(server.tailnet.nodeByKey(OldNodeKey)?.online, true)
    assert.equal(server.services.logins.isExpected(nodePublicOf(a.nodeKey)), true)
    await admin(server).approve(url)
    assert.equal((await held)!.MachineAuthorized, true)
    server.runtime.sessions.flush()
    const [message, ...more] = viewer.take()
    assert.deepEqual(more, [])
    const [patch] = message!.PeersChangedPatch!
    assert.equal(patch!.Key, nodePublicOf(a.nodeKey))
    assert.ok(patch!.KeyExpiry)
    assert.equal(patch!.Online, undefined)
    assert.equal(server.tailnet.nodeByKey(OldNodeKey), undefined)
  })

  it('shows it offline after the grace when nobody holds a followup', async () => {
    using server = openTestServer()
    const a = server.join('a')
    openViewer(server, a).close()
    const OldNodeKey = nodePublicOf(a.nodeKey)
    a.nodeKey = generateNodeKey()
    const leaving = new AbortController()
    const held = a.followUp(ask(a, { OldNodeKey }).fields, leaving.signal)
    leaving.abort()
    await held
    server.clock.advance(OFFLINE_GRACE_MS)
    assert.equal(server.tailnet.nodeByKey(OldNodeKey)?.online, false)
  })

  it('under lock: asks for a rotation once, stashes it, and commits it with the key', async () => {
    using server = openTestServer()
    const a = server.join('a')
    await lockTailnet(server, [a])
    const OldNodeKey = nodePublicOf(a.nodeKey)
    const old = a.row().signature!
    a.nodeKey = generateNodeKey()
    assert.deepEqual(Buffer.from(a.register({ OldNodeKey }).NodeKeySignature!), Buffer.from(old))
    a.nodeKey = generateNodeKey()
    const nodeKey = nodePublicOf(a.nodeKey)
    const NodeKeySignature = resignNodeKey({ nodeKey, old, signer: a.signer })
    const { url, fields } = ask(a, { OldNodeKey, NodeKeySignature })
    const held = a.followUp(fields)
    assert.equal(await isSettled(held), false)
    assert.deepEqual(server.tailnet.nodeByKey(OldNodeKey)?.row.signature, old)
    const approved = await admin(server).approve(url)
    assert.equal(approved.node!.lock.signature, 'valid')
    assert.deepEqual(a.row().signature, NodeKeySignature)
    await held
  })

  it('under lock, expired: hands out signature and expiry together, and not again', async () => {
    using server = openTestServer()
    const a = server.join('a')
    await lockTailnet(server, [a])
    server.clock.advance(181 * DAY)
    const OldNodeKey = nodePublicOf(a.nodeKey)
    const first = a.register()
    assert.equal(first.NodeKeyExpired, true)
    assert.ok(first.NodeKeySignature)
    a.nodeKey = generateNodeKey()
    // A client that cannot sign comes without: asked again it would believe that it is in.
    assert.equal(a.register({ OldNodeKey }).NodeKeySignature, null)
  })

  it('looks at the stashed signature again when it commits', async () => {
    using server = openTestServer()
    const [a, b] = [server.join('a'), server.join('b')]
    await lockTailnet(server, [a])
    const stranger = server.machine('s')
    const nodeKey = nodePublicOf(stranger.nodeKey)
    const forged = signNodeKey({ nodeKey, signer: a.signer })
    forged[forged.length - 3]! ^= 1
    const { url, fields } = ask(stranger, { NodeKeySignature: forged })
    const held = stranger.followUp(fields)
    await assert.rejects(admin(server).approve(url), /409.*could not come in/)
    assert.match((await held)!.Error, /cannot register/)
    assert.equal(server.tailnet.nodes.size, 2)
    assert.ok(b.row())
  })

  it('approved after the lock was switched on meanwhile: the machine is asked to sign first', async () => {
    using server = openTestServer()
    const a = server.join('a')
    const OldNodeKey = nodePublicOf(a.nodeKey)
    const oldKey = a.nodeKey
    a.nodeKey = generateNodeKey()
    const newKey = a.nodeKey
    const { url, fields } = ask(a, { OldNodeKey })
    const held = a.followUp(fields)
    a.nodeKey = oldKey
    await lockTailnet(server, [a])
    const old = a.row().signature!
    a.nodeKey = newKey
    assert.equal((await admin(server).approve(url)).state, 'approved')
    assert.deepEqual(Buffer.from((await held)!.NodeKeySignature!), Buffer.from(old))
    assert.ok(server.tailnet.nodeByKey(OldNodeKey))
    // With a followup the client keeps its key.
    const nodeKey = nodePublicOf(a.nodeKey)
    const NodeKeySignature = resignNodeKey({ nodeKey, old, signer: a.signer })
    const response = await a.followUp({ ...fields, NodeKeySignature })
    assert.equal(response!.MachineAuthorized, true)
    assert.deepEqual(a.row().signature, NodeKeySignature)
  })

  it('asks a deleted node to log in', () => {
    using server = openTestServer()
    const a = server.join('a')
    server.tailnet.write((draft) => draft.deleteNode(a.row().id))
    assert.notEqual(a.register().AuthURL, '')
  })
})
