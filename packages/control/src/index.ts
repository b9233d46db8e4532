// SPDX-License-Identifier: Apache-2.0

/**
 * The coordination server.
 *
 * @module
 */

// Starting a server
export { startControl } from './main.ts'
export type { Control, ControlOptions, Intercept, ReloadableOptions } from './options.ts'
export { systemClock, type Clock } from './clock.ts'
export type { FrameCounters } from './map/frame-encoder.ts'

// Configuration
export {
  loadServerConfig,
  reloadableOf,
  serverSettings,
  type ConfigSources,
  type ServerConfig,
} from './config.ts'

// Logging
export { createLogger } from './logger.ts'

// Storage
export { openSqliteStore } from './store/sqlite.ts'
export type { LastIds, Store, Write } from './store/store.ts'

// Errors
export { ControlError, httpStatus, type ControlErrorCode } from './errors.ts'
