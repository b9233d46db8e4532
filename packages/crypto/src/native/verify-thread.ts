// SPDX-License-Identifier: Apache-2.0

/**
 * What the helper thread runs: packed signatures in, one byte for each out, 1 for libsodium's yes.
 *
 * @module
 */

import { parentPort } from 'node:worker_threads'
import { unpackSignatures } from './signature-pack.ts'
import { findSodium } from './sodium.ts'

const sodium = findSodium()

parentPort?.on('message', (packed: Uint8Array) => {
  const answers = Uint8Array.from(unpackSignatures(packed), ({ publicKey, message, signature }) =>
    sodium?.crypto_sign_verify_detached(signature, message, publicKey) ? 1 : 0,
  )
  parentPort?.postMessage(answers, [answers.buffer])
})
