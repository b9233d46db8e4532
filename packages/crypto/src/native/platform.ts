// SPDX-License-Identifier: Apache-2.0

/**
 * The native build: node:crypto (OpenSSL), and libsodium where it is installed.
 *
 * @module
 */

import type { Platform } from '../platform.ts'
import { createNativePlatform } from './create-platform.ts'
import { findSodium } from './sodium.ts'

/** Primitives of the Node runtime, the faster ones of libsodium. */
export const platform: Platform = createNativePlatform(findSodium)
