// SPDX-License-Identifier: Apache-2.0
/**
 * Typed reading of vector files: JSON in, checked values out, every failure naming its place.
 *
 * A `Fields` remembers which members were read. A case with a member that no adapter looked at
 * is a failure of its own: a vector that is only half compared must not count as passed.
 */

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json }

/** A vector file or case that does not have the shape its README states. */
export class ShapeError extends Error {
  override readonly name = 'ShapeError'
}

/** Reads one JSON value as a T, or throws a ShapeError that names `path`. */
export type Reader<T> = (value: Json, path: string) => T

/** Members that Go's runner wrote for people; the READMEs say that they need not match. */
const INFORMATION: ReadonlySet<string> = new Set([
  'error',
  'note',
  'log',
  'authorizedError',
  'authorizingKeyIdError',
  'forgeryTries',
])

export class Fields {
  readonly path: string
  readonly #values: { [name: string]: Json }
  readonly #read: Set<string> = new Set()
  readonly #children: Fields[] = []

  constructor(values: { [name: string]: Json }, path: string) {
    this.#values = values
    this.path = path
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#values, name)
  }

  /** Reads a member that must be there. */
  get<T>(name: string, read: Reader<T>): T {
    const value = this.#values[name]
    if (value === undefined) throw new ShapeError(`${this.path}: member ${name} is missing`)
    this.#read.add(name)
    return read(value, `${this.path}.${name}`)
  }

  /** Reads a member that may be left out. */
  find<T>(name: string, read: Reader<T>): T | undefined {
    return this.has(name) ? this.get(name, read) : undefined
  }

  /** Reads a nested object and watches its members too. */
  object(name: string): Fields {
    return this.get(name, (value, path) => this.watch(record(value, path)))
  }

  /** Reads a list of objects and watches their members too. */
  objects(name: string): Fields[] {
    return this.get(name, listOf(record)).map((fields) => this.watch(fields))
  }

  /** Makes a nested `Fields` count for `unread()`. */
  watch(fields: Fields): Fields {
    this.#children.push(fields)
    return fields
  }

  /** Says that a member is left unread on purpose. */
  skip(...names: string[]): void {
    for (const name of names) this.#read.add(name)
  }

  /** Paths of the members that nobody read or skipped, information left aside. */
  unread(): string[] {
    const own = Object.keys(this.#values)
      .filter((name) => !this.#read.has(name) && !INFORMATION.has(name))
      .map((name) => `${this.path}.${name}`)
    return [...own, ...this.#children.flatMap((child) => child.unread())]
  }
}

function typeName(value: Json): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'a list' : `a ${typeof value}`
}

export const text: Reader<string> = (value, path) => {
  if (typeof value === 'string') return value
  throw new ShapeError(`${path}: expected a text, got ${typeName(value)}`)
}

export const bool: Reader<boolean> = (value, path) => {
  if (typeof value === 'boolean') return value
  throw new ShapeError(`${path}: expected true or false, got ${typeName(value)}`)
}

export const integer: Reader<number> = (value, path) => {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  throw new ShapeError(`${path}: expected an integer, got ${typeName(value)}`)
}

/** A 64-bit number, written as a decimal text. */
export const uint64: Reader<bigint> = (value, path) => {
  if (typeof value === 'string' && /^[0-9]{1,20}$/.test(value)) return BigInt(value)
  throw new ShapeError(`${path}: expected a decimal text, got ${typeName(value)}`)
}

/** A counter: a small number or a decimal text. */
export const counter: Reader<bigint> = (value, path) =>
  typeof value === 'number' ? BigInt(integer(value, path)) : uint64(value, path)

/** Bytes, written as lower-case hex. */
export const hex: Reader<Uint8Array> = (value, path) => {
  const digits = text(value, path)
  if (!/^(?:[0-9a-f]{2})*$/.test(digits)) throw new ShapeError(`${path}: expected lower-case hex`)
  return new Uint8Array(Buffer.from(digits, 'hex'))
}

export const json: Reader<Json> = (value) => value

export const record: Reader<Fields> = (value, path) => {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return new Fields(value, path)
  }
  throw new ShapeError(`${path}: expected an object, got ${typeName(value)}`)
}

export function nullable<T>(read: Reader<T>): Reader<T | null> {
  return (value, path) => (value === null ? null : read(value, path))
}

export function listOf<T>(read: Reader<T>): Reader<T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) {
      throw new ShapeError(`${path}: expected a list, got ${typeName(value)}`)
    }
    return value.map((item, index) => read(item, `${path}[${index}]`))
  }
}

/** One of a fixed set of words. */
export function oneOf<const T extends string>(...words: readonly T[]): Reader<T> {
  return (value, path) => {
    const got = text(value, path)
    const word = words.find((each) => each === got)
    if (word === undefined) throw new ShapeError(`${path}: unknown word ${JSON.stringify(got)}`)
    return word
  }
}

/** Parses a whole JSON text; the only place where `JSON.parse` is trusted with a type. */
export function parseJson(source: string, path: string): Json {
  try {
    return JSON.parse(source) as Json
  } catch (error) {
    throw new ShapeError(`${path}: not JSON`, { cause: error })
  }
}
