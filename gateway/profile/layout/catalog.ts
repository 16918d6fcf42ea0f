import { compilePattern } from '../../codec/safe-pattern.js'
import { LIMITS } from '../../core/limits.js'
import { ok, type Result } from '../../core/result.js'
import type { Layout } from '../layout-schema.js'
import { joinColumns, splitColumns } from './columns.js'
import { joinDelimited, splitDelimited } from './delimited.js'
import { type FieldIssue, issue, type Split, type WireFields } from './fields.js'
import { joinPattern, splitPattern } from './pattern.js'
import { joinTlv, splitTlv } from './tlv.js'

/** How a message's bytes are taken apart into fields, and put together from them. Pure. */
export interface LayoutCodec {
  split(bytes: Uint8Array): Split
  join(fields: WireFields): Result<Uint8Array, FieldIssue>
}

/** @throws RangeError for a pattern that `compilePattern` refuses; the loader has checked it. */
export function createLayout(layout: Layout): LayoutCodec {
  switch (layout.type) {
    case 'delimited':
      return {
        split: bytes => splitDelimited(layout, latin1(bytes)),
        join: fields => asBytes(joinDelimited(layout, fields)),
      }
    case 'columns':
      return {
        split: bytes => splitColumns(layout, bytes),
        join: fields => joinColumns(layout, fields),
      }
    case 'tlv':
      return { split: bytes => splitTlv(layout, bytes), join: fields => joinTlv(layout, fields) }
    case 'pattern': {
      const pattern = compilePattern(layout.pattern)
      if (!pattern.ok) throw new RangeError(pattern.error)
      return {
        split: bytes =>
          bytes.length > LIMITS.patternBytes
            ? issue('message', `at most ${LIMITS.patternBytes} bytes`)
            : splitPattern(pattern.value, latin1(bytes)),
        join: fields =>
          asBytes(joinPattern({ template: layout.template, pattern: pattern.value }, fields)),
      }
    }
  }
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}

function asBytes(text: Result<string, string>): Result<Uint8Array, FieldIssue> {
  return text.ok ? ok(Buffer.from(text.value, 'latin1')) : issue('message', text.error)
}
