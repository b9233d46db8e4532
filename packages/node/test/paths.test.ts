// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { networkInterfaces } from 'node:os'
import { describe, test } from 'node:test'
import { formatEndpoint, parseEndpoint } from '../src/paths/endpoint.ts'
import { openUdp, type Udp } from '../src/paths/udp.ts'

describe('parseEndpoint()', () => {
  test('takes both families and gives back the same text', () => {
    const texts = ['192.0.2.1:1', '127.0.0.1:65535', '[::1]:41641', '[fe80::1%eth0]:9', '[::]:7']
    for (const text of texts) {
      const endpoint = parseEndpoint(text)
      assert.ok(endpoint, text)
      assert.equal(endpoint.family, text.startsWith('[') ? 6 : 4)
      assert.equal(formatEndpoint(endpoint.address, endpoint.port), text)
    }
  })

  test('refuses what is none', () => {
    const texts = [
      '',
      ':',
      '1.2.3.4',
      '1.2.3.4:',
      '1.2.3.4:0',
      '1.2.3.4:65536',
      '1.2.3.4:080',
      '1.2.3.4: 80',
      '1.2.3:4',
      '256.1.1.1:1',
      '::1:80',
      '[::1]',
      '[::1]:',
      '[::1]:0',
      '[1.2.3.4]:80',
      '[]:80',
      'localhost:80',
      'example.com:443',
      '[example.com]:443',
      '1.2.3.4:80\n',
      ' 1.2.3.4:80',
      '[::1%]:80',
      '[::1%a b]:80',
      '1.2.3.4:1e3',
      '-1.2.3.4:80',
    ]
    for (const text of texts) assert.equal(parseEndpoint(text), null, JSON.stringify(text))
  })
})

describe('openUdp()', () => {
  test('opens nothing when it is told so, and loses what it is given', async () => {
    await using udp = await openUdp({ bind: 'none' })
    udp.send(Uint8Array.of(1), '127.0.0.1:1')
    assert.deepEqual(udp.localEndpoints(), [])
    assert.deepEqual(udp.counters(), { rxDatagrams: 0, txDatagrams: 0, dropped: 1 })
  })

  test('bound to one address names that address and the port it got', async () => {
    await using udp = await openUdp({ bind: '127.0.0.1', port: 0 })
    assert.ok(udp.port > 0)
    assert.deepEqual(udp.localEndpoints(), [`127.0.0.1:${udp.port}`])
  })

  test('bound to every address names those of the machine, loopback last', async () => {
    await using udp = await openUdp()
    const endpoints = udp.localEndpoints()
    assert.equal(endpoints.at(-1), `127.0.0.1:${udp.port}`)
    assert.ok(endpoints.length <= 8)
    const outside = Object.values(networkInterfaces())
      .flatMap((list) => list ?? [])
      .filter(({ internal, family }) => !internal && family === 'IPv4')
    for (const { address } of outside.slice(0, 1)) {
      assert.ok(endpoints.includes(`${address}:${udp.port}`), address)
    }
  })

  test('carries datagrams in both directions and says who sent them', async () => {
    await using a = await openUdp({ bind: '127.0.0.1' })
    await using b = await openUdp({ bind: '127.0.0.1' })
    const arrived = next(b)
    a.send(Uint8Array.of(1, 2, 3), `127.0.0.1:${b.port}`)
    assert.deepEqual(await arrived, ['1,2,3', `127.0.0.1:${a.port}`])
    const back = next(a)
    b.send(Uint8Array.of(4), `127.0.0.1:${a.port}`)
    assert.deepEqual(await back, ['4', `127.0.0.1:${b.port}`])
    assert.equal(a.counters().txDatagrams, 1)
    assert.equal(a.counters().rxDatagrams, 1)
  })

  test('drops what has no endpoint, the other family, or comes after close()', async () => {
    const udp = await openUdp({ bind: '127.0.0.1' })
    for (const endpoint of ['', 'nonsense', 'example.com:80', '[::1]:80']) {
      udp.send(new Uint8Array(1), endpoint)
    }
    assert.equal(udp.counters().dropped, 4)
    await udp.close()
    udp.send(new Uint8Array(1), '127.0.0.1:9')
    assert.equal(udp.counters().dropped, 5)
    assert.equal(udp.isCongested(), false)
    await udp.close()
  })

  test('survives datagrams that are too large or go nowhere', async () => {
    await using udp = await openUdp({ bind: '127.0.0.1' })
    await using other = await openUdp({ bind: '127.0.0.1' })
    udp.send(new Uint8Array(70_000), `127.0.0.1:${other.port}`)
    udp.send(new Uint8Array(10), '127.0.0.1:1')
    const arrived = next(other)
    udp.send(Uint8Array.of(9), `127.0.0.1:${other.port}`)
    assert.equal((await arrived)[0], '9')
  })

  test('refuses what is no address and a port that is taken', async () => {
    await assert.rejects(openUdp({ bind: 'localhost' }), { code: 'bad-argument' })
    await assert.rejects(openUdp({ bind: '' }), { code: 'bad-argument' })
    await using udp = await openUdp({ bind: '127.0.0.1' })
    await assert.rejects(openUdp({ bind: '127.0.0.1', port: udp.port }), { code: 'bad-argument' })
  })

  test('is not congested at rest', async () => {
    await using udp = await openUdp({ bind: '127.0.0.1' })
    assert.equal(udp.isCongested(), false)
  })
})

function next(udp: Udp): Promise<[data: string, from: string]> {
  return new Promise((resolve) => {
    udp.onDatagram((datagram, from) => resolve([datagram.join(','), from]))
  })
}
