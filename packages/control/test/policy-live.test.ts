// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { DEFAULT_DNS } from '../src/guidance/dns.ts'
import { parseRelaxedJson } from '../src/policy/relaxed-json.ts'
import { connectMachine, startRealServer } from './support/real-client.ts'

describe('a policy on a running server', () => {
  it('is checked without being used, set, shown, pushed, and there after a restart', async () => {
    await using server = await startRealServer()
    const machine = await connectMachine(server, 'a')
    await machine.register(await server.authKey())
    const stream = await machine.stream()
    await stream.next()
    const policy = '// nobody\n{"acls": []}\n'
    const none = await server.admin('GET', '/policy')
    assert.equal(none.json.policy, null)
    assert.match(none.json.summary, /no policy: every node may reach every other/)
    const checked = await server.admin('POST', '/policy/check', { policy })
    assert.match(checked.json.summary, /no node may reach any other/)
    assert.equal((await server.admin('GET', '/policy')).json.policy, null)

    assert.equal((await server.admin('PUT', '/policy', { policy })).status, 200)
    const message = await stream.next(({ PacketFilters }) => PacketFilters !== undefined)
    assert.deepEqual(message.PacketFilters?.['base'], [])
    const bad = await server.admin('PUT', '/policy', { policy: '{"acls": [1]}' })
    assert.equal(bad.status, 422)
    assert.equal(bad.json.error.code, 'bad-policy')
    assert.match(bad.json.error.message, /line 1: acls\[0\]/)
    machine.close()
    await server.restart()
    assert.equal((await server.admin('GET', '/policy')).json.policy, policy)
    assert.equal((await server.admin('POST', '/reload', {})).status, 200)
  })

  it('and settings are read again, and nothing of them when something is wrong', async () => {
    let dns = DEFAULT_DNS
    let policyFile: string | undefined
    await using server = await startRealServer({ readAgain: () => ({ dns, policyFile }) })
    const machine = await connectMachine(server, 'a')
    await machine.register(await server.authKey())
    const stream = await machine.stream()
    await stream.next()
    dns = { ...DEFAULT_DNS, searchDomains: ['corp.example'] }
    policyFile = '/nonexistent/policy'
    const refused = await server.admin('POST', '/reload', {})
    assert.equal(refused.status, 422)
    policyFile = undefined
    server.control.reload()
    const message = await stream.next()
    assert.deepEqual(Object.keys(message), ['DNSConfig'])
    assert.deepEqual(message.DNSConfig?.Domains, ['default.signet.internal', 'corp.example'])
    machine.close()
  })
})

describe('parseRelaxedJson()', () => {
  it('reads what JSON reads, whatever stands between', () => {
    const between = fc.constantFrom('', ' ', '\n', '// c\n', '/* } */', '\t')
    fc.assert(
      fc.property(fc.json(), between, between, (text, before, after) => {
        const { value } = parseRelaxedJson(`${before}${text}${after}`)
        assert.deepEqual(JSON.parse(JSON.stringify(value)), JSON.parse(text))
      }),
    )
  })

  it('refuses everything else with a code', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom(...'{ } [ ] " , : / * \\ \n 0 a - t e .'.split(' '), ' '),
        }),
        (text) => {
          try {
            parseRelaxedJson(text)
          } catch (error) {
            assert.equal((error as { code?: unknown }).code, 'bad-policy')
          }
        },
      ),
      { numRuns: 2_000 },
    )
  })

  it('takes a time in proportion to the text', () => {
    const rows = Array.from({ length: 20_000 }, (_, index) => `"${index}": [${index}, // x\n]`)
    const start = performance.now()
    parseRelaxedJson(`{${rows.join(',\n')}}`)
    assert.ok(performance.now() - start < 2_000)
  })
})
