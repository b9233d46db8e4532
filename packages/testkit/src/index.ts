// SPDX-License-Identifier: Apache-2.0

/**
 * Chain and network builders, fake clock, contract suites; for tests only.
 *
 * @module
 */

// Time
export { createFakeClock, type FakeClock } from './fake-clock.ts'

// Network
export {
  createMemoryNetwork,
  type Flight,
  type FlightRule,
  type MemoryNetwork,
  type MemorySocket,
} from './memory-network.ts'
