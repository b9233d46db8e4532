// SPDX-License-Identifier: Apache-2.0

/**
 * Messages as tables: one line per field, with its kind and the rule by which Go leaves it out.
 *
 * A table is checked against the TypeScript interface of the message, so that the two cannot drift
 * apart. Decoding follows Go: names match in any case, unknown names are passed over, a repeated
 * name overwrites values and merges objects, and `null` keeps a plain value but clears a pointer,
 * list or map.
 *
 * @module
 */

import { decodeUtf8 } from '@signet/codec'
import { ProtocolError } from './errors.ts'
import { JsonReader } from './json-reader.ts'
import { compareUtf8, decodeUtf8Leniently, encodeText } from './json-text.ts'

/** How one kind of value is read from and written to JSON. */
export interface Codec<T> {
  /** The value of a field that was not on the wire. */
  readonly zero: T
  /** What `null` does: leave the value alone, set it to `zero`, or go to `decode`. */
  readonly nulls: 'keep' | 'reset' | 'value'
  /** Reads a value; `previous` is set when the name was seen before, and objects merge into it. */
  readonly decode: (reader: JsonReader, previous?: T) => T
  readonly encode: (value: T) => string
  /** Go's omitempty rule. */
  readonly isEmpty: (value: T) => boolean
  /** Go's omitzero rule. */
  readonly isZero: (value: T) => boolean
}

/** A field that is always written. */
export interface RequiredField<T> {
  readonly codec: Codec<T>
  readonly omit: 'never'
}

/** A field that is left out by Go's omitempty or omitzero rule. */
export interface OptionalField<T> {
  readonly codec: Codec<T>
  readonly omit: 'empty' | 'zero'
}

/** One line per member of `T`: optional members have an omit rule, the others are always written. */
export type FieldTable<T> = {
  readonly [K in keyof T]-?: object extends Pick<T, K>
    ? OptionalField<Exclude<T[K], undefined>> | OptionalField<Exclude<T[K], undefined> | null>
    : RequiredField<T[K]>
}

/** A field that is always on the wire. */
export function always<T>(codec: Codec<T>): RequiredField<T> {
  return { codec, omit: 'never' }
}

/** A field that is left out when false, 0, "", null or without elements. */
export function omitEmpty<T>(codec: Codec<T>): OptionalField<T> {
  return { codec, omit: 'empty' }
}

/** A field that is left out only when it is exactly the zero value. */
export function omitZero<T>(codec: Codec<T>): OptionalField<T> {
  return { codec, omit: 'zero' }
}

interface AnyField {
  readonly name: string
  readonly prefix: string
  readonly codec: Codec<unknown>
  readonly omit: 'never' | 'empty' | 'zero'
}

/** The codec of a struct, which can also write members whose JSON text is given. */
export interface StructCodec<T> extends Codec<T> {
  /** Writes `value`, taking the members named in `raw` as ready JSON text. */
  readonly encodeWith: (value: T, raw: Readonly<Partial<Record<keyof T, string>>>) => string
}

/** Makes the codec of a struct from its table. Members are written in the order of the table. */
export function struct<T extends object>(table: FieldTable<T>): StructCodec<T> {
  const fields: AnyField[] = Object.entries<RequiredField<unknown> | OptionalField<unknown>>(
    // The table's type ties each line to its member; from here on lines are handled alike.
    table as Record<string, RequiredField<unknown> | OptionalField<unknown>>,
  ).map(([name, field]) => ({ name, prefix: `${encodeText(name)}:`, ...field }))
  const byName = new Map(fields.map((field) => [field.name, field]))
  const byFoldedName = new Map(fields.toReversed().map((field) => [foldName(field.name), field]))
  const blank: Record<string, unknown> = {}
  for (const { name, codec, omit } of fields) if (omit === 'never') blank[name] = codec.zero
  // Holds exactly the always-written members, each with the zero value of its codec.
  const zero = Object.freeze({ ...blank }) as T

  const decode = (reader: JsonReader, previous?: T): T => {
    // A copy, so that members can be set one by one.
    const out = { ...(previous ?? blank) } as Record<string, unknown>
    if (reader.openObject()) {
      do {
        const name = reader.readName()
        const field = byName.get(name) ?? byFoldedName.get(foldName(name))
        if (field === undefined) reader.skipValue()
        else decodeField(reader, field, out)
      } while (reader.moreMembers())
    }
    // Built from the table of T alone.
    return out as T
  }

  const encodeWith = (value: T, raw: Readonly<Partial<Record<string, string>>>): string => {
    const members: string[] = []
    for (const field of fields) {
      const given = raw[field.name]
      if (given !== undefined) {
        members.push(field.prefix + given)
        continue
      }
      // Reads a member by its name from the table of T.
      const member = (value as Record<string, unknown>)[field.name]
      if (isOmitted(field, member)) continue
      members.push(
        field.prefix + field.codec.encode(member === undefined ? field.codec.zero : member),
      )
    }
    // Joined, not added up: long chains of concatenation are slow to collect.
    return `{${members.join(',')}}`
  }

  return {
    zero,
    nulls: 'keep',
    decode,
    encode: (value) => encodeWith(value, {}),
    encodeWith,
    isEmpty: () => false,
    isZero: (value) =>
      fields.every(({ name, codec }) => {
        const member = (value as Record<string, unknown>)[name]
        return member === undefined || codec.isZero(member)
      }),
  }
}

function decodeField(reader: JsonReader, field: AnyField, out: Record<string, unknown>): void {
  const { name, codec } = field
  if (codec.nulls !== 'value' && reader.tryNull()) {
    if (codec.nulls === 'keep') return
    if (field.omit === 'never') out[name] = codec.zero
    else if (out[name] !== undefined) out[name] = undefined
    return
  }
  out[name] = codec.decode(reader, out[name])
}

function isOmitted(field: AnyField, member: unknown): boolean {
  if (field.omit === 'never') return false
  if (member === undefined) return true
  if (member === null && field.codec.nulls === 'reset') return true
  return field.omit === 'empty' ? field.codec.isEmpty(member) : field.codec.isZero(member)
}

/**
 * Maps a name to the form under which Go compares names: upper case for ASCII letters, and the two
 * other letters that fold to ASCII ones, the Kelvin sign and the long s.
 */
export function foldName(name: string): string {
  return name.replace(/[a-z\u017f\u212a]/g, (char) =>
    char === '\u017f' ? 'S' : char === '\u212a' ? 'K' : char.toUpperCase(),
  )
}

/** A pointer: `null` when absent. */
export function pointer<T>(target: Codec<T>): Codec<T | null> {
  return {
    zero: null,
    nulls: 'reset',
    decode: (reader, previous) => target.decode(reader, previous ?? undefined),
    encode: (value) => (value === null ? 'null' : target.encode(value)),
    isEmpty: (value) => value === null,
    isZero: (value) => value === null,
  }
}

/** A list: `null` when absent. A `null` element is the zero value of the element. */
export function list<T>(item: Codec<T>): Codec<readonly T[] | null> {
  return {
    zero: null,
    nulls: 'reset',
    decode: (reader) => {
      const out: T[] = []
      if (!reader.openList()) return out
      do {
        out.push(item.nulls !== 'value' && reader.tryNull() ? item.zero : item.decode(reader))
      } while (reader.moreElements())
      return out
    },
    encode: (value) =>
      value === null ? 'null' : `[${value.map((element) => item.encode(element)).join(',')}]`,
    isEmpty: (value) => value === null || value.length === 0,
    isZero: (value) => value === null,
  }
}

/** An object with keys of the sender's choice. It has no prototype, so no key has a meaning. */
export type TextMap<T> = Readonly<Record<string, T>>

/** A map whose keys are decimal integers. */
export type IntMap<T> = Readonly<Record<number, T>>

/** A map from text: `null` when absent. Keys are written in the order of their bytes. */
export function textMap<T>(item: Codec<T>): Codec<TextMap<T> | null> {
  return mapOf(item, (key) => key)
}

/** A map from integers, whose keys may carry a plus sign or leading zeros on the wire. */
export function intMap<T>(item: Codec<T>): Codec<IntMap<T> | null> {
  return mapOf(item, (key, reader) => {
    if (!/^[+-]?[0-9]+$/.test(key)) reader.fail('type', 'expected an integer as map key')
    const value = Number(key)
    if (!Number.isSafeInteger(value)) reader.fail('value', 'map key out of range')
    return String(value === 0 ? 0 : value)
  })
}

function mapOf<T>(
  item: Codec<T>,
  canonicalKey: (key: string, reader: JsonReader) => string,
): Codec<TextMap<T> | null> {
  return {
    zero: null,
    nulls: 'reset',
    decode: (reader, previous) => {
      // Without a prototype `__proto__` is a key like any other.
      const out: Record<string, T> = Object.assign(Object.create(null), previous)
      if (!reader.openObject()) return out
      do {
        const key = canonicalKey(reader.readName(), reader)
        out[key] = item.nulls !== 'value' && reader.tryNull() ? item.zero : item.decode(reader)
      } while (reader.moreMembers())
      return out
    },
    encode: (value) => {
      if (value === null) return 'null'
      const members = Object.entries(value).toSorted(([a], [b]) => compareUtf8(a, b))
      return `{${members.map(([key, member]) => `${encodeText(key)}:${item.encode(member)}`).join(',')}}`
    },
    isEmpty: (value) => value === null || Object.keys(value).length === 0,
    isZero: (value) => value === null,
  }
}

/** A codec that is looked up when first used, for types that contain themselves. */
export function lazy<T>(zero: T, nulls: Codec<T>['nulls'], target: () => Codec<T>): Codec<T> {
  return {
    zero,
    nulls,
    decode: (reader, previous) => target().decode(reader, previous),
    encode: (value) => target().encode(value),
    isEmpty: (value) => target().isEmpty(value),
    isZero: (value) => target().isZero(value),
  }
}

/** What parsers take: UTF-8 bytes as received, or text. */
export type JsonInput = Uint8Array | string

/**
 * Parses one message. `null` gives the zero value, as in Go.
 *
 * @throws ProtocolError `syntax`, `type`, `value` or `too-deep`
 */
export function parseJson<T>(codec: Codec<T>, input: JsonInput): T {
  const reader = new JsonReader(typeof input === 'string' ? input : toText(input))
  const value = codec.nulls !== 'value' && reader.tryNull() ? codec.zero : codec.decode(reader)
  reader.end()
  return value
}

/**
 * Returns the JSON text of a value, as Go writes it.
 *
 * @throws ProtocolError `encode` if the value has no text form
 */
export function encodeJson<T>(codec: Codec<T>, value: T): string {
  return codec.encode(value)
}

function toText(bytes: Uint8Array): string {
  try {
    return decodeUtf8(bytes)
  } catch (error) {
    if (error instanceof ProtocolError) throw error
    return decodeUtf8Leniently(bytes)
  }
}
