// SPDX-License-Identifier: Apache-2.0

/**
 * Times on the wire: RFC 3339 text, read with the lenience of Go's time package.
 *
 * A time stays text, in the form in which Go writes it, because milliseconds would lose the
 * nanoseconds and the zone. `wireTimeMs` gives the number when it is needed.
 *
 * @module
 */

import { ProtocolError } from './errors.ts'

/** A time as RFC 3339 text in canonical form. */
export type WireTime = string

/** "No time": the first second of year 1. */
export const NO_TIME: WireTime = '0001-01-01T00:00:00Z'

// Canonical, and valid in every month.
const PLAIN =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{0,8}[1-9])?Z$/
// Go takes hours of one digit, a comma before the fraction and fractions of any length.
const LENIENT =
  /^(\d{4})-(\d\d)-(\d\d)T(\d\d?):(\d\d):(\d\d)(?:[.,](\d+))?(?:(Z)|([+-])(\d\d):(\d\d))$/

const NO_TIME_MS = -62_135_596_800_000

/**
 * Parses a time as Go does and returns its canonical text.
 *
 * @throws ProtocolError `value`
 */
export function parseWireTime(text: string): WireTime {
  if (PLAIN.test(text)) return text
  const match = LENIENT.exec(text)
  if (match === null) return fail(text)
  const [, year = '', month = '', day = '', hour = '', minute = '', second = ''] = match
  checkDate(text, Number(year), Number(month), Number(day))
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) fail(text)
  const fraction = (match[7] ?? '').slice(0, 9).replace(/0+$/, '')
  const zone = zoneText(text, match[9], match[10] ?? '00', match[11] ?? '00')
  return `${year}-${month}-${day}T${hour.padStart(2, '0')}:${minute}:${second}${fraction && `.${fraction}`}${zone}`
}

function zoneText(text: string, sign: string | undefined, hours: string, minutes: string): string {
  if (sign === undefined) return 'Z'
  // Go's range check lets 24 hours and 60 minutes pass.
  if (Number(hours) > 24 || Number(minutes) > 60) fail(text)
  const total = Number(hours) * 60 + Number(minutes)
  if (total === 0) return 'Z'
  return `${sign}${String(Math.floor(total / 60)).padStart(2, '0')}:${String(total % 60).padStart(2, '0')}`
}

function checkDate(text: string, year: number, month: number, day: number): void {
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) fail(text)
}

function daysIn(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

function fail(text: string): never {
  throw new ProtocolError('value', `Cannot parse time: ${JSON.stringify(text.slice(0, 64))}`)
}

/** Checks that a time can be written: Go refuses to write zones of 24 hours and more. */
export function checkWritableTime(time: WireTime): WireTime {
  const canonical = parseWireTime(time)
  if (/[+-](?:2[4-9]):\d\d$/.test(canonical)) {
    throw new ProtocolError('encode', `Cannot write time with this zone: ${canonical}`)
  }
  return canonical
}

/** Returns milliseconds since 1970, or undefined for "no time". */
export function wireTimeMs(time: WireTime): number | undefined {
  const ms = instant(time)
  return ms === NO_TIME_MS ? undefined : ms
}

/** True if the time is the first instant of year 1, in whatever zone it is written. */
export function isNoTime(time: WireTime): boolean {
  return (
    time === NO_TIME ||
    (/^000[01]-/.test(time) && instant(time) === NO_TIME_MS && !time.includes('.'))
  )
}

function instant(time: WireTime): number {
  const match = LENIENT.exec(time)
  if (match === null) return fail(time)
  const [, year, month, day, hour, minute, second] = match
  const date = new Date(0)
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day))
  date.setUTCHours(Number(hour), Number(minute), Number(second))
  const offset = (Number(match[10] ?? 0) * 60 + Number(match[11] ?? 0)) * 60_000
  const fraction = Math.floor(Number(`0.${match[7] ?? 0}`) * 1000)
  return date.getTime() + fraction - (match[9] === '-' ? -offset : offset)
}

/** Returns the wire text of a time in milliseconds, or of "no time" for undefined. */
export function wireTime(ms: number | undefined): WireTime {
  if (ms === undefined) return NO_TIME
  const date = new Date(ms)
  const year = date.getUTCFullYear()
  if (!(year >= 0 && year <= 9999)) {
    throw new ProtocolError('encode', `Cannot write time: ${ms} ms is outside the years 0 to 9999`)
  }
  return date
    .toISOString()
    .replace(/\.?0*Z$/, (tail) => (tail.startsWith('.') ? 'Z' : tail))
    .replace(/(\.\d*?)0+Z$/, '$1Z')
}
