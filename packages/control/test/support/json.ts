// SPDX-License-Identifier: Apache-2.0

/**
 * Answers as tests look at them: any member may be asked for, and the assertion says whether it was there.
 *
 * @module
 */

// oxlint-disable-next-line typescript/no-explicit-any
export type LooseJson = any
