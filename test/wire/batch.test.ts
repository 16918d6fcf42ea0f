import { gzipSync } from 'node:zlib'
import t from 'tap'
import { LIMITS } from '../../gateway/core/limits.js'
import { seededRandom } from '../../gateway/core/random.js'
import { canonicalJson } from '../../gateway/event/canonical-json.js'
import { type Batch, decodeBatch, encodeBatch, makeBatch } from '../../gateway/wire/batch.js'
import { encodeRecordLine, type JournalRecord } from '../../gateway/wire/record.js'
import { batchOf, makeEpoch } from '../support/chain.js'
import { STORE, sale } from '../support/sample.js'

const random = seededRandom(1)
const epoch = makeEpoch({ random, events: [1, 2, 3, 4].map(number => sale({ number })) })

/** What a batch says, for comparison: bytes as text. */
function said(batch: Batch) {
  const records = batch.records.map(({ header, hash, body }) => ({
    header,
    hash,
    body: body.type === 'event' ? Buffer.from(body.bytes).toString() : body.digest,
  }))
  return { header: batch.header, records }
}

/** A message as a store with a defect might make it. */
function message(header: object, lines: readonly Uint8Array[]): Uint8Array {
  const all = [Buffer.from(canonicalJson(header)), ...lines]
  return gzipSync(Buffer.concat(all.flatMap(line => [line, Buffer.from('\n')])))
}

t.test('a batch survives the wire, evicted records too', async t => {
  const evicted = epoch.records.map((record): JournalRecord => {
    const body = { type: 'evicted', digest: 'ab'.repeat(32) } as const
    return record.header.seq === 5 ? { ...record, body } : record
  })
  t.not(evicted[4]?.body.type, 'event')
  for (const historical of [true, false]) {
    const batch = batchOf(epoch, { first: 2, last: 4, historical })
    const decoded = await decodeBatch(await encodeBatch(batch))
    t.ok(decoded.ok && said(decoded.value))
    if (decoded.ok) t.same(said(decoded.value), said(batch))
  }
  const whole = batchOf(epoch, { first: 1, last: 5 })
  const decoded = await decodeBatch(message(whole.header, evicted.map(encodeRecordLine)))
  t.match(decoded, { ok: false, error: /chain/ }, 'another digest is another record')
})

t.test('no single byte can change without being noticed', async t => {
  const batch = batchOf(epoch, { first: 1, last: 5 })
  const bytes = await encodeBatch(batch)
  const expected = JSON.stringify(said(batch))
  let refused = 0
  for (let at = 0; at < bytes.length; at += 1)
    for (const mask of [0x01, 0x80, 0xff]) {
      const damaged = bytes.map((byte, index) => (index === at ? byte ^ mask : byte))
      const decoded = await decodeBatch(damaged)
      if (!decoded.ok) refused += 1
      // Some bits mean nothing (RFC 1952 §2.3 time and system; padding; which of two equal
      // strings a match points at): then exactly the same batch comes out.
      else if (JSON.stringify(said(decoded.value)) !== expected) t.fail(`byte ${at} ^ ${mask}`)
    }
  t.ok(refused >= 3 * (bytes.length - 12), `${refused} refused of ${3 * bytes.length}`)
  for (let length = 0; length < bytes.length; length += 1)
    if ((await decodeBatch(bytes.subarray(0, length))).ok) t.fail(`cut at ${length}`)
})

t.test('nor can a byte of what it packs', async t => {
  const { header, records } = batchOf(epoch, { first: 1, last: 2 })
  const lines = Buffer.concat(records.flatMap(each => [encodeRecordLine(each), Buffer.from('\n')]))
  t.ok((await decodeBatch(message(header, [lines.subarray(0, -1)]))).ok)
  for (let at = 0; at < lines.length - 1; at += 1) {
    const damaged = lines.subarray(0, -1).map((byte, index) => (index === at ? byte ^ 1 : byte))
    if ((await decodeBatch(message(header, [damaged]))).ok) t.fail(`byte ${at}`)
  }
})

t.test('what is no whole, chained batch is refused with its reason', async t => {
  const { header, records } = batchOf(epoch, { first: 2, last: 4 })
  const lines = records.map(encodeRecordLine)
  const [first = lines[0], second, third] = lines
  const cases: readonly (readonly [object, readonly (Uint8Array | undefined)[], RegExp])[] = [
    [{ ...header, v: 2 }, lines, /^v: /],
    [{ ...header, store: 'hq' }, lines, /^store: /],
    [{ ...header, more: 1 }, lines, /more/],
    [{ ...header, count: 2 }, lines, /3 records, the header says 2/],
    [{ ...header, count: LIMITS.batchRecords + 1 }, lines, /^count: /],
    [{ ...header, first: 3 }, lines, /\/2 where .*\/3 belongs/],
    [{ ...header, epoch: `9-${'0'.repeat(32)}` }, lines, /belongs/],
    [header, [first, third, second], /belongs/],
    [header, [first, second], /2 records/],
    [{ ...header, prev: 'ab'.repeat(32) }, lines, /chain/],
    [{ ...header, head: 'ab'.repeat(32) }, lines, /chain/],
    [header, [first, second, Buffer.from('{}')], /without TAB/],
    [header, [first, second, Buffer.from('{}\t{}')], /epoch: /],
  ]
  for (const [head, body, reason] of cases) {
    const payload = message(
      head,
      body.map(line => line ?? Buffer.from('')),
    )
    t.match(await decodeBatch(payload), { ok: false, error: reason })
  }
  t.match(await decodeBatch(Buffer.from('')), { ok: false })
  t.match(await decodeBatch(Buffer.from('{}')), { ok: false })
  const bomb = gzipSync(Buffer.alloc(LIMITS.batchInflatedBytes + 1))
  t.match(await decodeBatch(bomb), { ok: false }, 'unpacked no further than allowed')
})

t.test('a batch has at least one record and at most as many as allowed', async t => {
  const make = (records: readonly JournalRecord[]) =>
    makeBatch({ store: STORE, previous: epoch.previous, records, historical: false })
  t.throws(() => make([]), RangeError)
  const [record] = epoch.records
  const many = record === undefined ? [] : Array(LIMITS.batchRecords + 1).fill(record)
  t.throws(() => make(many), RangeError)
})
