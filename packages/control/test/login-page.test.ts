// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LOGINS_PER_MINUTE } from '../src/limits.ts'
import { loginPage } from '../src/http/login-page.ts'
import { openTestServer } from './support/server.ts'
import { startRealServer, connectMachine } from './support/real-client.ts'

describe('loginPage()', () => {
  it('says who asks, what to type, and how it went', () => {
    using server = openTestServer()
    const machine = server.machine('laptop')
    const { AuthURL } = machine.register()
    const path = new URL(AuthURL).pathname
    const { logins } = server.services
    const page = (): string => loginPage(logins, path).html
    assert.match(page(), /A machine asks to join/)
    assert.ok(page().includes(`signet admin nodes approve ${AuthURL}</code>`))
    assert.match(page(), /laptop/)
    const login = logins.byUrl(AuthURL)!
    const approval = { tailnet: server.tailnet, user: null, tags: null, ephemeral: false }
    logins.decide(login, { kind: 'approved', approval })
    assert.match(page(), /Approved.*joins as soon as/)
    machine.register()
    assert.match(page(), /Approved.*has joined/)
    logins.decide(login, { kind: 'denied' })
    assert.match(page(), /Denied/)
    const gone = loginPage(logins, '/login/0')
    assert.equal(gone.status, 404)
    assert.match(gone.html, /no longer valid/)
  })

  const hostile: readonly [name: string, hostname: string][] = [
    ['markup', '<script>alert(1)</script><img src=x onerror=alert(1)>'],
    ['an entity and quotes', `&lt;"'><b>`],
    ['the end of the page', '</code></td></tr></table></body></html>'],
    ['turned text and controls', 'a\u202Eb\u0000c\u001B[2Jd\u2028e\u200Bf'],
    ['half a character', 'x\uD800y'],
  ]
  for (const [name, Hostname] of hostile) {
    it(`shows ${name} in a hostname as text`, () => {
      using server = openTestServer()
      const { AuthURL } = server.machine('x').register({ Hostinfo: { Hostname, OS: Hostname } })
      const { html } = loginPage(server.services.logins, new URL(AuthURL).pathname)
      const [, cells = ''] = html.split('<table>')
      const tags = (cells.split('</table>')[0] ?? '').match(/<[^>]*>/g) ?? []
      assert.deepEqual([...new Set(tags)].sort(), [
        '</code>',
        '</td>',
        '</th>',
        '</tr>',
        '<code>',
        '<td>',
        '<th>',
        '<tr>',
      ])
      assert.equal(/\p{Cc}|\p{Cf}|\p{Zl}|["']alert/u.test(cells), false)
    })
  }

  it('carries no script, no form, and headers that forbid them', async () => {
    await using server = await startRealServer()
    const machine = await connectMachine(server, 'a')
    const { json } = await machine.register(null)
    assert.ok(json.AuthURL.startsWith(`${server.control.url}/login/`))
    const response = await fetch(json.AuthURL)
    assert.equal(response.status, 200)
    const policy = response.headers.get('content-security-policy')!
    assert.match(policy, /^default-src 'none'; style-src 'sha256-/)
    assert.equal(policy.includes('unsafe'), false)
    assert.equal(response.headers.get('cache-control'), 'no-store')
    assert.equal(response.headers.get('referrer-policy'), 'no-referrer')
    assert.equal(response.headers.get('x-frame-options'), 'DENY')
    assert.equal(/<script|<form|<a |javascript:/i.test(await response.text()), false)
    assert.equal((await fetch(json.AuthURL, { method: 'POST' })).status, 405)
    machine.close()
  })

  it('a machine that asks too often is answered 429, in plain text, with the time to wait', async () => {
    await using server = await startRealServer()
    const machine = await connectMachine(server, 'a')
    for (let time = 0; time < LOGINS_PER_MINUTE; time++) {
      assert.equal((await machine.register(null)).status, 200)
    }
    const response = await machine.connection.request({
      method: 'POST',
      path: '/machine/register',
      body: JSON.stringify({ Version: 145, NodeKey: machine.nodePublic }),
    })
    assert.equal(response.status, 429)
    assert.equal(response.headers['retry-after'], '2')
    assert.match(String(response.headers['content-type']), /^text\/plain/)
    machine.close()
  })

  it('a followup on a real connection is held, cut, and found again', async () => {
    await using server = await startRealServer()
    const machine = await connectMachine(server, 'a')
    const { json } = await machine.register(null)
    const Followup = json.AuthURL
    const listedAs = async (connected: boolean): Promise<void> => {
      for (;;) {
        const { json: listed } = await server.admin('GET', '/logins')
        if (listed.logins[0].connected === connected) return
      }
    }
    const cut = machine.register(null, { Followup }).catch(() => 'cut')
    await listedAs(true)
    machine.connection.close()
    assert.equal(await cut, 'cut')
    await listedAs(false)
    const id = Followup.slice(-32)
    assert.equal((await server.admin('POST', `/logins/${id}/approve`)).json.state, 'approved')
    await machine.redial()
    assert.equal((await machine.register(null, { Followup })).json.MachineAuthorized, true)
    machine.close()
  })
})
