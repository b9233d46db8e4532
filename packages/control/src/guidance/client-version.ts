// SPDX-License-Identifier: Apache-2.0

/**
 * Telling a client that there is a newer release, when the operator said which one is the newest.
 *
 * @module
 */

/** A release as the settings name it. */
export const RELEASE: RegExp = /^\d{1,4}\.\d{1,4}\.\d{1,4}$/

/** The ClientVersion for a client with this host information. */
export function clientVersionJson(
  hostinfo: Readonly<Record<string, unknown>>,
  latest: string,
): string | null {
  const version = hostinfo['IPNVersion']
  const running = typeof version === 'string' ? numbersOf(version) : null
  // A client that does not say what it is cannot be told what to do.
  if (running === null) return null
  return isOlder(running, numbersOf(latest) ?? [])
    ? JSON.stringify({ LatestVersion: latest, Notify: true })
    : '{"RunningLatest":true}'
}

function numbersOf(text: string): readonly number[] | null {
  const parts = /^(\d+)\.(\d+)\.(\d+)/.exec(text)
  return parts === null ? null : parts.slice(1).map(Number)
}

function isOlder(a: readonly number[], b: readonly number[]): boolean {
  for (const [index, value] of a.entries()) {
    const other = b[index] ?? 0
    if (value !== other) return value < other
  }
  return false
}
