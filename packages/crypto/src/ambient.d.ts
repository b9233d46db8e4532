// SPDX-License-Identifier: Apache-2.0

/** The whole of the platform that the portable build may touch: giving way to others. */

declare function setTimeout(callback: () => void, milliseconds: number): unknown
