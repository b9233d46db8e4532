// SPDX-License-Identifier: Apache-2.0
/** Adapter for vectors/wire/control-json.json. */

import { ProtocolError } from '@signet/protocol'
import { messageTypes } from '../../packages/protocol/test/message-types.ts'
import type { MessageType } from '../../packages/protocol/test/message-types.ts'
import { bool, hex, nullable, oneOf, ShapeError, text } from './fields.ts'
import type { Fields } from './fields.ts'
import { byKind, eachCase } from './format.ts'
import type { Format } from './format.ts'
import { checkJson } from './json-text.ts'

function typeOf(fields: Fields): MessageType {
  const name = fields.get('type', text)
  const type = messageTypes.get(name)
  if (!type) throw new ShapeError(`${fields.path}: unknown type ${name}`)
  return type
}

export const controlJson: Format = eachCase(
  byKind('kind', {
    encode(fields, checks) {
      const type = typeOf(fields)
      const source = fields.get('json', text)
      // What Go writes after reading its own text back; left out when that is the same.
      const expected = fields.find('reencoded', text) ?? source
      checkJson(checks, 'json', expected, type.reencode(source))
      if (fields.get('value', text) === 'zero')
        checkJson(checks, 'zero', source, type.encodeEmpty())
    },
    decode(fields, checks) {
      const type = typeOf(fields)
      const source = fields.has('json_hex') ? fields.get('json_hex', hex) : fields.get('json', text)
      const ok = fields.get('verdict', oneOf('accept', 'reject')) === 'accept'
      if (fields.find('reencode_fails', bool) === true) {
        fields.skip('reencoded')
        try {
          checks.fail('reencode_fails', 'an error when writing', type.reencode(source))
        } catch (error) {
          const code = error instanceof ProtocolError ? error.code : String(error)
          checks.equal('reencode_fails', 'encode', code)
        }
        return
      }
      const got = checks.verdict('verdict', ok, () => type.reencode(source))
      const expected = fields.find('reencoded', nullable(text))
      if (!ok || got === undefined) return
      if (typeof expected === 'string') checkJson(checks, 'reencoded', expected, got)
      else throw new ShapeError(`${fields.path}: accepted, but nothing to compare with`)
    },
  }),
)
