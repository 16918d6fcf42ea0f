import t from 'tap'
import { LIMITS } from '../../gateway/core/limits.js'
import { canonicalJson } from '../../gateway/event/canonical-json.js'
import {
  dataDigest,
  decodeEvent,
  encodeEvent,
  encodeWithDigest,
  parseEvent,
} from '../../gateway/event/event.js'
import { identityHash, identityOf } from '../../gateway/event/event-identity.js'
import { sale } from '../support/sample.js'

t.test('canonical JSON has one spelling a value (RFC 8785)', async t => {
  const cases = [
    [{ b: 1, a: [true, null, 'x'] }, '{"a":[true,null,"x"],"b":1}'],
    // RFC 8785 §3.2.3: keys are sorted by UTF-16 code units.
    [
      { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\u{1f600}': 5, '\u0080': 6, '\u00f6': 7 },
      '{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\u{1f600}":5,"\ufb33":3}',
    ],
    [[1e21, 1e-7, -0, 0.1, 333333333.3333333], '[1e+21,1e-7,0,0.1,333333333.3333333]'],
    [{ a: undefined, b: { d: 1, c: 2 } }, '{"b":{"c":2,"d":1}}'],
    ['"\\\u0007\n', '"\\"\\\\\\u0007\\n"'],
  ] as const
  for (const [value, text] of cases) t.equal(canonicalJson(value), text)
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, () => 1, undefined, 1n, [undefined]])
    t.throws(() => canonicalJson(value), TypeError)
})

t.test('nesting has an end, long before the stack has', async t => {
  const nested = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth))
  t.equal(canonicalJson(nested(LIMITS.jsonDepth)).length, 2 * LIMITS.jsonDepth)
  t.throws(() => canonicalJson(nested(LIMITS.jsonDepth + 1)), TypeError)
  t.throws(() => canonicalJson(nested(30_000)), TypeError)
})

t.test('an event survives its bytes', async t => {
  const event = sale({ number: 1 })
  const decoded = decodeEvent(encodeEvent(event))
  t.same(decoded, { ok: true, value: event })
  const both = encodeWithDigest(event)
  t.same(both, { bytes: encodeEvent(event), digest: dataDigest(event) })
  const shuffled = JSON.parse(JSON.stringify(event, Object.keys(event).reverse()))
  t.same(Object.keys(shuffled), Object.keys(event).reverse())
  t.equal(
    canonicalJson({ ...shuffled, data: event.data }),
    Buffer.from(encodeEvent(event)).toString(),
  )
})

t.test('what is no event says what is wrong with it', async t => {
  const event = sale({ number: 1 })
  if (event.type !== 'sale.completed') throw new Error('a sale')
  const { id: _, ...anonymous } = event
  const cases: readonly (readonly [unknown, RegExp])[] = [
    [null, /expected object/],
    [anonymous, /^id: /],
    [{ ...event, id: '' }, /^id: /],
    [{ ...event, extra: 1 }, /extra/],
    [{ ...event, type: 'sale.invented' }, /unknown event type sale.invented/],
    [{ ...event, type: 'toString' }, /unknown event type/],
    [{ ...event, time: '2026-11-22 18:00' }, /^time: /],
    [{ ...event, time: '2026-11-22T18:00:00' }, /^time: /],
    [{ ...event, store: 'hq' }, /^store: /],
    [{ ...event, terminal: 'till/2' }, /^terminal: /],
    [{ ...event, source: '/stores/store-002/terminals/till-1' }, /^source: /],
    [{ ...event, possiblerepeat: false }, /^possiblerepeat: /],
    [{ ...event, data: { ...event.data, currency: 'euro' } }, /^data.currency: /],
    [{ ...event, data: { ...event.data, totalMinor: 251 } }, /^data.totalMinor: the lines add up/],
    [{ ...event, data: { ...event.data, totalMinor: 2.5 } }, /^data.totalMinor: /],
    [{ ...event, data: { ...event.data, cardNumber: '4111' } }, /cardNumber/],
    [{ ...event, data: { ...event.data, lineItems: [{}] } }, /^data.lineItems.0.lineNumber: /],
  ]
  for (const [candidate, issue] of cases) {
    const parsed = parseEvent(candidate)
    t.match(parsed, { ok: false, error: issue })
  }
  t.match(decodeEvent(Buffer.from('{')), { ok: false })
  t.match(decodeEvent(Buffer.alloc(LIMITS.eventBytes + 1, ' ')), { ok: false, error: /too many/ })
})

t.test('one fact has one digest, however it was spelled', async t => {
  const event = sale({ number: 1 })
  const later = { ...event, time: '2027-01-01T00:00:00Z' }
  t.equal(dataDigest(later), dataDigest(event), 'when it was heard is not part of it')
  t.not(dataDigest(sale({ number: 1, totalMinor: 251 })), dataDigest(event))
  t.match(dataDigest(event), /^[0-9a-f]{64}$/)
  const { source, id, store } = event
  t.same(identityOf(encodeEvent(event)), {
    ok: true,
    value: { source, id, store, dataDigest: dataDigest(event) },
  })
})

t.test('identity is read of any event, also of a type from the future', async t => {
  const future = { type: 'robot.greeted', source: 's', id: 'i', store: 'x', data: [1], more: {} }
  t.match(identityOf(Buffer.from(JSON.stringify(future))), { ok: true, value: { source: 's' } })
  const deep = '['.repeat(9000) + ']'.repeat(9000)
  for (const text of ['', '[]', '{"id":"i"}', `{"source":"s","id":"i","store":"x","data":${deep}}`])
    t.match(identityOf(Buffer.from(text)), { ok: false }, text.slice(0, 40))
  const hash = (source: string, id: string) =>
    Buffer.from(identityHash({ source, id })).toString('hex')
  t.not(hash('a', 'bc'), hash('ab', 'c'))
  t.equal(hash('a', 'b').length, 64)
})
