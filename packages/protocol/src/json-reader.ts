// SPDX-License-Identifier: Apache-2.0

/**
 * A cursor over JSON text, reading exactly what Go's encoding/json reads.
 *
 * `JSON.parse` cannot serve here: it forgets the order of repeated names, the difference between
 * `5` and `5.0`, every integer beyond 2^53 and the raw text of capability arguments, and it builds
 * objects whose keys the sender chose. Reading straight into the fields of a message is as fast.
 *
 * @module
 */

import { ProtocolError, type ProtocolErrorCode } from './errors.ts'
import { MAX_JSON_DEPTH } from './limits.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_LIST = 0x5b
const CLOSE_LIST = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const MINUS = 0x2d
const ZERO = 0x30

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const HEX4 = /^[0-9a-fA-F]{4}$/

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ['\\', '\\'],
  ['/', '/'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
])

/** A cursor over one JSON text. Every failure is a {@link ProtocolError}. */
export class JsonReader {
  readonly #text: string
  #at = 0
  #depth = 0

  constructor(text: string) {
    this.#text = text
  }

  /** Throws a typed error that names the place in the text. */
  fail(code: ProtocolErrorCode, what: string): never {
    throw new ProtocolError(code, `Cannot read JSON at offset ${this.#at}: ${what}`)
  }

  #peek(): number {
    const text = this.#text
    let at = this.#at
    let char = text.charCodeAt(at)
    while (char === 0x20 || char === 0x0a || char === 0x0d || char === 0x09) {
      char = text.charCodeAt(++at)
    }
    this.#at = at
    return char
  }

  /** Refuses anything but white space after the value. */
  end(): void {
    this.#peek()
    if (this.#at < this.#text.length) this.fail('syntax', 'data after the message')
  }

  #literal(word: string): boolean {
    if (!this.#text.startsWith(word, this.#at)) return false
    this.#at += word.length
    return true
  }

  /** Reads `null` if it comes next; says whether it did. */
  tryNull(): boolean {
    if (this.#peek() !== 0x6e) return false
    if (!this.#literal('null')) this.fail('syntax', 'expected null')
    return true
  }

  /** Reads `true` or `false`. */
  readBool(): boolean {
    const char = this.#peek()
    if (char === 0x74 && this.#literal('true')) return true
    if (char === 0x66 && this.#literal('false')) return false
    return this.#wrongType('true or false')
  }

  /** Reads a text, replacing lone surrogates by U+FFFD as Go does. */
  readString(): string {
    if (this.#peek() !== QUOTE) return this.#wrongType('a text')
    const text = this.#text
    const start = this.#at + 1
    let at = start
    for (;;) {
      const char = text.charCodeAt(at)
      if (char === QUOTE) {
        this.#at = at + 1
        return text.slice(start, at)
      }
      if (char === BACKSLASH) return this.#readEscaped(start, at)
      if (!(char >= 0x20)) {
        this.#at = at
        this.fail('syntax', 'control character or end of data inside a text')
      }
      at += 1
    }
  }

  #readEscaped(start: number, firstEscape: number): string {
    const text = this.#text
    let out = text.slice(start, firstEscape)
    let at = firstEscape
    for (;;) {
      const char = text.charCodeAt(at)
      if (char === QUOTE) break
      if (char === BACKSLASH) {
        const next = text.charAt(at + 1)
        if (next === 'u') {
          const hex = text.slice(at + 2, at + 6)
          if (!HEX4.test(hex)) {
            this.#at = at
            this.fail('syntax', 'bad \\u escape')
          }
          out += String.fromCharCode(Number.parseInt(hex, 16))
          at += 6
          continue
        }
        const plain = ESCAPES.get(next)
        if (plain === undefined) {
          this.#at = at
          this.fail('syntax', 'unknown escape')
        }
        out += plain
        at += 2
        continue
      }
      if (!(char >= 0x20)) {
        this.#at = at
        this.fail('syntax', 'control character or end of data inside a text')
      }
      let plainEnd = at + 1
      for (;;) {
        const code = text.charCodeAt(plainEnd)
        if (code === QUOTE || code === BACKSLASH || !(code >= 0x20)) break
        plainEnd += 1
      }
      out += text.slice(at, plainEnd)
      at = plainEnd
    }
    this.#at = at + 1
    return out.toWellFormed()
  }

  /** Reads a number as a double; refuses those beyond its range. */
  readNumber(): number {
    const value = Number(this.#numberText())
    if (!Number.isFinite(value)) this.fail('value', 'number out of range')
    return value
  }

  #numberText(): string {
    const char = this.#peek()
    if (char !== MINUS && !(char >= ZERO && char <= 0x39)) return this.#wrongType('a number')
    NUMBER.lastIndex = this.#at
    const match = NUMBER.exec(this.#text)?.[0]
    if (match === undefined) return this.fail('syntax', 'malformed number')
    this.#at += match.length
    return match
  }

  /** Reads an integer exactly; `5.0` and `5e0` are refused as Go does. */
  readInteger(): number | bigint {
    const char = this.#peek()
    const text = this.#text
    const start = this.#at
    let at = char === MINUS ? start + 1 : start
    const first = at
    let value = 0
    let digit = text.charCodeAt(at) - ZERO
    if (!(digit >= 0 && digit <= 9)) return this.#wrongType('an integer')
    while (digit >= 0 && digit <= 9) {
      value = value * 10 + digit
      digit = text.charCodeAt(++at) - ZERO
    }
    if (at - first > 1 && text.charCodeAt(first) === ZERO) this.fail('syntax', 'leading zero')
    const next = text.charCodeAt(at)
    if (next === 0x2e || next === 0x65 || next === 0x45) {
      this.#numberText()
      return this.fail('type', 'expected an integer without fraction or exponent')
    }
    this.#at = at
    if (value > Number.MAX_SAFE_INTEGER) {
      if (at - start > 40) this.fail('value', 'integer out of range')
      return BigInt(text.slice(start, at))
    }
    return char === MINUS && value !== 0 ? -value : value
  }

  #open(open: number, close: number, what: string): boolean {
    if (this.#peek() !== open) return this.#wrongType(what)
    this.#at += 1
    if (this.#peek() === close) {
      this.#at += 1
      return false
    }
    if (this.#depth >= MAX_JSON_DEPTH) this.fail('too-deep', `nested deeper than ${MAX_JSON_DEPTH}`)
    this.#depth += 1
    return true
  }

  #more(close: number, what: string): boolean {
    const char = this.#peek()
    if (char !== COMMA && char !== close)
      this.fail('syntax', `expected a comma or the end of ${what}`)
    this.#at += 1
    if (char === COMMA) return true
    this.#depth -= 1
    return false
  }

  /** Enters a list; false if it is empty (and then already left). */
  openList(): boolean {
    return this.#open(OPEN_LIST, CLOSE_LIST, 'a list')
  }

  /** After an element: true if another follows, false if the list is over. */
  moreElements(): boolean {
    return this.#more(CLOSE_LIST, 'the list')
  }

  /** Enters an object; false if it is empty (and then already left). */
  openObject(): boolean {
    return this.#open(OPEN_OBJECT, CLOSE_OBJECT, 'an object')
  }

  /** After a member's value: true if another member follows, false if the object is over. */
  moreMembers(): boolean {
    return this.#more(CLOSE_OBJECT, 'the object')
  }

  /** Reads a member's name and the colon. */
  readName(): string {
    if (this.#peek() !== QUOTE) this.fail('syntax', 'expected a member name')
    const name = this.readString()
    if (this.#peek() !== COLON) this.fail('syntax', 'expected a colon')
    this.#at += 1
    return name
  }

  /** Passes over one value of any kind, checking its syntax. */
  skipValue(): void {
    const char = this.#peek()
    if (char === OPEN_OBJECT) {
      if (!this.openObject()) return
      do {
        this.readName()
        this.skipValue()
      } while (this.moreMembers())
    } else if (char === OPEN_LIST) {
      if (!this.openList()) return
      do this.skipValue()
      while (this.moreElements())
    } else if (char === QUOTE) {
      this.readString()
    } else if (char === 0x74 || char === 0x66) {
      this.readBool()
    } else if (!this.tryNull()) {
      this.#numberText()
    }
  }

  /** Reads one value of any kind and gives its text as it stands. */
  readRaw(): string {
    this.#peek()
    const start = this.#at
    this.skipValue()
    return this.#text.slice(start, this.#at)
  }

  /** Says what kind of value comes next. */
  nextKind(): 'object' | 'list' | 'text' | 'bool' | 'null' | 'number' {
    const char = this.#peek()
    if (char === OPEN_OBJECT) return 'object'
    if (char === OPEN_LIST) return 'list'
    if (char === QUOTE) return 'text'
    if (char === 0x74 || char === 0x66) return 'bool'
    return char === 0x6e ? 'null' : 'number'
  }

  /** True if a list comes next. */
  atList(): boolean {
    return this.#peek() === OPEN_LIST
  }

  #wrongType(expected: string): never {
    const char = this.#peek()
    if (Number.isNaN(char)) return this.fail('syntax', `expected ${expected}, got end of data`)
    const known =
      char === QUOTE ||
      char === OPEN_LIST ||
      char === OPEN_OBJECT ||
      char === MINUS ||
      (char >= ZERO && char <= 0x39) ||
      char === 0x74 ||
      char === 0x66 ||
      char === 0x6e
    return this.fail(known ? 'type' : 'syntax', `expected ${expected}`)
  }
}
