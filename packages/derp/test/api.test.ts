// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as api from '../src/index.ts'

test('@signet/derp exports exactly this', () => {
  assert.deepEqual(Object.keys(api).toSorted(), [
    'DERP_VERSION',
    'DerpError',
    'FrameReader',
    'FrameType',
    'GreetingReader',
    'MAX_BACKLOG',
    'MAX_CLIENT_FRAME',
    'MAX_CLIENT_INFO',
    'MAX_GREETING',
    'MAX_PACKET',
    'MAX_PING',
    'MIN_RATE_BURST',
    'Outbox',
    'PeerGoneReason',
    'PeerPresentFlag',
    'QUEUE_LENGTH',
    'STUN_TRANSACTION_LENGTH',
    'ServerMessageReader',
    'createRelay',
    'encodeClientInfo',
    'encodeClosePeer',
    'encodeForwardPacket',
    'encodeFrame',
    'encodeGreeting',
    'encodeNotePreferred',
    'encodePing',
    'encodePong',
    'encodeSendPacket',
    'encodeServerInfo',
    'encodeStunRequest',
    'encodeStunResponse',
    'encodeWatchConns',
    'isStun',
    'openClientInfo',
    'openServerInfo',
    'parseGreeting',
    'parseStunRequest',
    'parseStunResponse',
    'sharedKeyOf',
    'unmapAddress',
  ])
})
