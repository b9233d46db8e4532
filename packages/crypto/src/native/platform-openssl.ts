// SPDX-License-Identifier: Apache-2.0

/**
 * The native build as it is where libsodium is not installed: condition `openssl`, for tests.
 *
 * @module
 */

import type { Platform } from '../platform.ts'
import { createNativePlatform } from './create-platform.ts'

/** Primitives of the Node runtime. */
export const platform: Platform = createNativePlatform(() => null)
