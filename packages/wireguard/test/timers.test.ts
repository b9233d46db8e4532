// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PeerTimers } from '../src/timers.ts'

const NEVER = Number.POSITIVE_INFINITY

test('next() is infinity when nothing is set', () => {
  const timers = new PeerTimers(() => 0)
  assert.equal(timers.next(), NEVER)
  assert.equal(timers.takeDue(1e15), null)
})

test('takeDue() returns each timer once', () => {
  const timers = new PeerTimers(() => 0)
  timers.initiationSent(0)
  timers.dataReceived(0)
  timers.dataSent(0)
  timers.sessionMade(0)
  assert.equal(timers.next(), 5_000)
  assert.equal(timers.takeDue(4_999), null)
  assert.equal(timers.takeDue(5_000), 'retransmit')
  assert.equal(timers.takeDue(5_000), null)
  assert.equal(timers.takeDue(10_000), 'keepalive')
  assert.equal(timers.takeDue(15_000), 'silence')
  assert.equal(timers.takeDue(540_000), 'wipe')
  assert.equal(timers.next(), NEVER)
})

test('jitter delays retransmission and the silence timer by up to 334 ms', () => {
  const timers = new PeerTimers(() => 1)
  timers.initiationSent(0)
  assert.equal(timers.next(), 5_334)
  timers.clear()
  timers.dataSent(0)
  assert.equal(timers.next(), 15_334)
})

test('dataSent() does not move a deadline that is set: silence counts from the first packet', () => {
  const timers = new PeerTimers(() => 0)
  timers.dataSent(0)
  timers.dataSent(9_000)
  assert.equal(timers.next(), 15_000)
  timers.anythingReceived()
  assert.equal(timers.next(), NEVER)
})

test('keepaliveSent() plans another one only when data came after the first was planned', () => {
  const timers = new PeerTimers(() => 0)
  timers.dataReceived(0)
  assert.equal(timers.takeDue(10_000), 'keepalive')
  timers.keepaliveSent(10_000)
  assert.equal(timers.next(), NEVER)
  timers.dataReceived(20_000)
  timers.dataReceived(25_000)
  assert.equal(timers.takeDue(30_000), 'keepalive')
  timers.keepaliveSent(30_000)
  assert.equal(timers.next(), 40_000)
})

test('handshakeGivenUp() plans the wipe unless it is planned', () => {
  const timers = new PeerTimers(() => 0)
  timers.sessionMade(0)
  timers.handshakeGivenUp(100_000)
  assert.equal(timers.next(), 540_000)
  timers.clear()
  timers.handshakeGivenUp(100_000)
  assert.equal(timers.next(), 640_000)
})

test('initiationPutOff() does not move a retransmission that is set', () => {
  const timers = new PeerTimers(() => 0)
  timers.initiationPutOff(3_000)
  timers.initiationPutOff(4_000)
  assert.equal(timers.next(), 3_000)
  timers.handshakeDone()
  assert.equal(timers.next(), NEVER)
})
