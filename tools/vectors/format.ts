// SPDX-License-Identifier: Apache-2.0
/** What the runner knows about a file format: how to turn a file into comparisons to run. */

import type { Checks } from './checks.ts'
import { json, listOf, record, ShapeError, text } from './fields.ts'
import type { Fields, Json } from './fields.ts'

/** One comparison, named within its file. */
export interface Work {
  readonly name: string
  readonly run: (checks: Checks) => void | Promise<void>
}

/** Turns a whole document into its comparisons, or throws a ShapeError. */
export type Format = (document: Fields) => readonly Work[]

/** Compares one case with what our code does. */
export type Adapter = (fields: Fields, checks: Checks) => void | Promise<void>

/** All cases of a file, unread, for formats whose cases refer to each other. */
export type CaseList = ReadonlyMap<string, Json>

/**
 * A file of the form `{"format","source","cases"}`. `open` is called once for each file, so that
 * an adapter may carry something from one case to the next.
 */
export function caseFile(open: (cases: CaseList) => Adapter): Format {
  return (document) => {
    document.get('source', text)
    const cases = readCases(document)
    const adapter = open(cases)
    return [...cases].map(([name, value]) => ({
      name,
      run: async (checks) => {
        const fields = record(value, name)
        fields.skip('name')
        await adapter(fields, checks)
        // A case that failed early has members that nobody came to read.
        if (checks.mismatches.length > 0) return
        const unread = fields.unread()
        if (unread.length > 0) checks.fail('members compared', 'all', `not ${unread.join(', ')}`)
      },
    }))
  }
}

/** A case file whose cases stand alone. */
export function eachCase(adapter: Adapter): Format {
  return caseFile(() => adapter)
}

/** Reads and checks the `cases` member: not empty, every case an object with a name of its own. */
export function readCases(document: Fields): CaseList {
  const cases = new Map<string, Json>()
  for (const value of document.get('cases', listOf(json))) {
    const name = record(value, `${document.path}: case ${cases.size + 1}`).get('name', text)
    if (cases.has(name)) throw new ShapeError(`${document.path}: two cases named ${name}`)
    cases.set(name, value)
  }
  if (cases.size === 0) throw new ShapeError(`${document.path}: no cases`)
  return cases
}

/** The adapter of a format with several kinds of case, told apart by `member`. */
export function byKind(
  member: 'kind' | 'op',
  adapters: Readonly<Record<string, Adapter>>,
): Adapter {
  return (fields, checks) => {
    const kind = fields.get(member, text)
    const adapter = Object.hasOwn(adapters, kind) ? adapters[kind] : undefined
    if (adapter === undefined) throw new ShapeError(`${fields.path}: unknown ${member} ${kind}`)
    return adapter(fields, checks)
  }
}
