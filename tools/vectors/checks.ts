// SPDX-License-Identifier: Apache-2.0
/**
 * What an adapter says about one case: which fields matched, which did not, and which written
 * rule of vectors/DIFFERENCES.md let us do better than the recorded behaviour.
 */

export interface Mismatch {
  readonly what: string
  readonly expected: string
  readonly got: string
}

/** Shows any value the way vectors write it, members sorted, so that equal values show equal. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value instanceof Uint8Array) return `"${Buffer.from(value).toString('hex')}"`
  if (typeof value === 'bigint') return `"${value}"`
  if (value instanceof Map) return show([...value].sort(([a], [b]) => (show(a) < show(b) ? -1 : 1)))
  if (value instanceof Set) return show([...value].map(show).sort((a, b) => (a < b ? -1 : 1)))
  if (Array.isArray(value)) return `[${value.map(show).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
    return `{${members.map(([name, each]) => `${JSON.stringify(name)}:${show(each)}`).join(',')}}`
  }
  return JSON.stringify(value)
}

/** An error's class, code and message in one line. */
export function showError(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error && typeof error.code === 'string' ? ` ${error.code}` : ''
  return `${error.name}${code}: ${error.message}`
}

const SHOWN = 120

/** Cuts two long texts to the place where they begin to differ. */
function around(expected: string, got: string): [string, string] {
  let at = 0
  while (at < expected.length && expected[at] === got[at]) at++
  const start = Math.max(0, at - 40)
  const cut = (full: string): string =>
    (start > 0 ? '…' : '') +
    full.slice(start, start + SHOWN) +
    (full.length > start + SHOWN ? '…' : '')
  return [cut(expected), cut(got)]
}

export class Checks {
  readonly mismatches: Mismatch[] = []
  /** Rules of vectors/DIFFERENCES.md that this case was judged by. */
  readonly rules: Set<string> = new Set()

  /** Notes a mismatch unless both values show the same. Bytes may be given as hex text. */
  equal(what: string, expected: unknown, got: unknown): boolean {
    const [want, have] = [show(expected), show(got)]
    if (want === have) return true
    const [cutWant, cutHave] = around(want, have)
    this.mismatches.push({ what, expected: cutWant, got: cutHave })
    return false
  }

  fail(what: string, expected: string, got: string): void {
    this.mismatches.push({ what, expected, got })
  }

  /** Runs `work`; its success must match `ok`. Returns what it made, if it made something. */
  verdict<T>(what: string, ok: boolean, work: () => T): T | undefined {
    try {
      const made = work()
      if (!ok) this.fail(what, 'a refusal', 'accepted')
      return made
    } catch (error) {
      if (ok) this.fail(what, 'accepted', showError(error))
      return undefined
    }
  }

  /**
   * Says that this case belongs to a class where ours differs on purpose. The adapter has checked
   * the class on the case's own marks; the runner checks that the rule is written down.
   */
  judgeBy(rule: string): void {
    this.rules.add(rule)
  }
}
