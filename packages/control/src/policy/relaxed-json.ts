// SPDX-License-Identifier: Apache-2.0

/**
 * JSON as people write policies: with comments and trailing commas. Every value knows its line, so that an
 * error can name it; a name that stands twice in one object is refused, because one of the two would silently
 * not count.
 *
 * @module
 */

import { ControlError } from '../errors.ts'

/** Deeper nesting than any policy has; keeps the reader's own stack small. */
const MAX_DEPTH = 32

/** A parsed text. */
export interface RelaxedJson {
  readonly value: unknown
  /** The line (from 1) of the value at a path such as `acls[0].dst[1]`; of its nearest parent if there is none. */
  readonly lineOf: (path: readonly PropertyKey[]) => number
}

/** Parses a text. @throws ControlError 'bad-policy' with line and column */
export function parseRelaxedJson(text: string): RelaxedJson {
  const reader = new Reader(text)
  const value = reader.document()
  return {
    value,
    lineOf(path) {
      for (let length = path.length; length > 0; length--) {
        const line = reader.lines.get(pathText(path.slice(0, length)))
        if (line !== undefined) return line
      }
      return 1
    },
  }
}

/** A path for people: `acls[0].dst[1]`. */
export function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`
    return text === '' ? String(step) : `${text}.${String(step)}`
  }, '')
}

class Reader {
  readonly lines = new Map<string, number>()
  readonly #text: string
  #at = 0
  #counted = { at: 0, line: 1 }

  constructor(text: string) {
    this.#text = text.replace(/^\uFEFF/, '')
  }

  document(): unknown {
    const value = this.#value([])
    this.#skip()
    if (this.#at < this.#text.length) this.#fail('expected the end of the text')
    return value
  }

  #value(path: readonly PropertyKey[]): unknown {
    this.#skip()
    if (path.length > MAX_DEPTH) this.#fail('nested too deeply')
    this.lines.set(pathText(path), this.#line())
    const char = this.#text[this.#at]
    if (char === '{') return this.#object(path)
    if (char === '[') return this.#array(path)
    if (char === '"') return this.#string()
    return this.#scalar()
  }

  #object(path: readonly PropertyKey[]): unknown {
    // No prototype: `__proto__` is a name like any other.
    const object: Record<string, unknown> = Object.create(null)
    this.#items('}', () => {
      if (this.#text[this.#at] !== '"') this.#fail('expected a name in quotes')
      const start = this.#at
      const name = this.#string()
      if (name in object) {
        this.#at = start
        this.#fail(`${JSON.stringify(name)} stands twice in one object`)
      }
      this.#skip()
      this.#expect(':')
      object[name] = this.#value([...path, name])
    })
    return object
  }

  #array(path: readonly PropertyKey[]): unknown {
    const array: unknown[] = []
    this.#items(']', () => array.push(this.#value([...path, array.length])))
    return array
  }

  /** Items between the bracket here and `end`, with a comma after each but the last, or after all. */
  #items(end: '}' | ']', item: () => void): void {
    this.#at++
    for (;;) {
      this.#skip()
      if (this.#text[this.#at] === end) break
      item()
      this.#skip()
      if (this.#text[this.#at] === end) break
      this.#expect(',')
    }
    this.#at++
  }

  #string(): string {
    const match = this.#match(/"(?:[^"\\\n]|\\.)*"/y)
    if (match === null) return this.#fail('this string does not end on its line')
    return String(this.#native(match))
  }

  #scalar(): unknown {
    const match = this.#match(/true|false|null|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/y)
    if (match === null) return this.#fail('expected a value')
    return this.#native(match)
  }

  /** One token as JSON itself reads it. */
  #native(token: string): unknown {
    try {
      return JSON.parse(token)
    } catch {
      this.#at -= token.length
      return this.#fail(`${token.slice(0, 40)} is not JSON`)
    }
  }

  #expect(char: string): void {
    if (this.#text[this.#at] !== char) this.#fail(`expected ${char}`)
    this.#at++
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at
    const match = pattern.exec(this.#text)?.[0] ?? null
    if (match !== null) this.#at += match.length
    return match
  }

  #skip(): void {
    this.#match(/(?:\s+|\/\/[^\n]*|\/\*[^]*?\*\/)+/y)
  }

  /** Counts on from where it last was: a whole text costs one pass. */
  #line(): number {
    if (this.#at < this.#counted.at) this.#counted = { at: 0, line: 1 }
    let { at, line } = this.#counted
    for (let next = this.#text.indexOf('\n', at); next >= 0 && next < this.#at; line++) {
      at = next + 1
      next = this.#text.indexOf('\n', at)
    }
    this.#counted = { at, line }
    return line
  }

  #fail(problem: string): never {
    const column = this.#at - this.#text.lastIndexOf('\n', this.#at - 1)
    throw new ControlError('bad-policy', `line ${this.#line()}, column ${column}: ${problem}`)
  }
}
