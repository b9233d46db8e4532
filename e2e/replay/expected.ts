// SPDX-License-Identifier: Apache-2.0

/**
 * Scenarios that do not pass yet, and why. One that begins to pass fails the replay, so that it is taken off.
 *
 * @module
 */

/** The reason, by the name of the scenario. */
export const expectedFailures: ReadonlyMap<string, string> = new Map()
