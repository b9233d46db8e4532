// SPDX-License-Identifier: Apache-2.0

/**
 * What a process uses, as the kernel counts it: measured from outside, so that nothing that the process does
 * to itself can hide or add to it. Linux only.
 *
 * @module
 */

import { readdirSync, readFileSync } from 'node:fs'

/** What a process has used so far, and holds now. */
export interface Usage {
  /** Of all its threads. */
  readonly cpuMs: number
  readonly rssBytes: number
  /** Open files and sockets. */
  readonly files: number
}

/** Reads the usage of a process that runs. */
export function usageOf(pid: number): Usage {
  const folder = `/proc/${pid}`
  const nanoseconds = readdirSync(`${folder}/task`)
    .map((task) => Number(readFileSync(`${folder}/task/${task}/schedstat`, 'utf8').split(' ')[0]))
    .reduce((sum, each) => sum + each, 0)
  const rss = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`${folder}/status`, 'utf8'))
  return {
    cpuMs: nanoseconds / 1e6,
    rssBytes: Number(rss?.[1]) * 1024,
    files: readdirSync(`${folder}/fd`).length,
  }
}
