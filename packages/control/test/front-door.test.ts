// SPDX-License-Identifier: Apache-2.0

/**
 * The front door, where anybody can knock: no bytes of a stranger end the server or stay with it.
 */

import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import { startRealServer, type RealServer } from './support/real-client.ts'

/** Sends bytes on a raw socket; what came back until the server closed it. */
function knock(server: RealServer, text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port: server.control.port, host: '127.0.0.1' })
    let answer = ''
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => {
      answer += chunk
    })
    // A reset is an answer, too.
    socket.on('error', () => {})
    socket.on('close', () => resolve(answer))
    socket.write(text)
  })
}

describe('listen()', () => {
  it('answers targets that are no URL', async () => {
    await using server = await startRealServer()
    for (const target of ['//', '//a:b', '//[', '/%', '*', 'http://[', 'http://x/key']) {
      const answer = await knock(
        server,
        `GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
      )
      assert.match(answer, /^HTTP\/1\.1 40[04]|^$/, target)
    }
    const key = await fetch(`${server.control.url}/key?v=145`)
    assert.equal(key.status, 200)
  })
})

describe('refuseMalformed()', () => {
  const header = (bytes: number): string =>
    `GET /key HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(bytes)}\r\n`

  it('says what is wrong with what is no request', async () => {
    await using server = await startRealServer()
    for (const [text, status] of [
      ['nonsense\r\n\r\n', 400],
      ['GET /key HTTP/9\r\nHost: x\r\n\r\n', 400],
      ['GET /key HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n', 400],
      [`${header(64 << 10)}\r\n`, 431],
    ] as const) {
      const [head = '', reason = ''] = (await knock(server, text)).split('\r\n\r\n')
      assert.match(head, new RegExp(`^HTTP/1\\.1 ${status} `), text.slice(0, 60))
      assert.match(reason, /^[A-Z][^\n]+[^.\n]$/)
    }
    assert.equal((await fetch(`${server.control.url}/key?v=145`)).status, 200)
  })

  it('adds nothing to an answer that has begun', async () => {
    await using server = await startRealServer()
    const answer = await knock(server, 'GET /key HTTP/1.1\r\nHost: x\r\n\r\nnonsense\r\n\r\n')
    assert.equal(answer.split('HTTP/1.1').length, 2, answer)
  })
})

describe('acceptConnections()', () => {
  it('does not leave the socket to a client that asks for another upgrade and never closes', async () => {
    await using server = await startRealServer()
    const socket = connect({
      port: server.control.port,
      host: '127.0.0.1',
      allowHalfOpen: true,
    })
    let answer = ''
    socket.on('data', (chunk) => (answer += String(chunk)))
    socket.on('error', () => {})
    socket.write(
      'GET /other HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n',
    )
    const probe = setInterval(() => socket.write('x'), 100)
    await new Promise((resolve) => socket.once('close', resolve))
    clearInterval(probe)
    assert.match(answer, /^HTTP\/1\.1 404/)
  })
})
