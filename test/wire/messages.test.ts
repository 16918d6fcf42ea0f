import t from 'tap'
import { epochId, ledgerId, storeId, terminalId } from '../../gateway/core/ids.js'
import { LIMITS } from '../../gateway/core/limits.js'
import { seededRandom } from '../../gateway/core/random.js'
import type { Range } from '../../gateway/core/range-set.js'
import { canonicalJson } from '../../gateway/event/canonical-json.js'
import { encodeFanOut } from '../../gateway/wire/fan-out.js'
import {
  decodeHello,
  decodeLedgerGeneration,
  encodeHello,
  encodeLedgerGeneration,
} from '../../gateway/wire/hello.js'
import {
  decodeReceipt,
  encodeReceipt,
  makeEpochReceipt,
  type Receipt,
} from '../../gateway/wire/receipt.js'
import {
  bodyDigest,
  chainHash,
  decodeRecordLine,
  encodeRecordLine,
  GENESIS,
} from '../../gateway/wire/record.js'
import { decodeStatus, offlineWill } from '../../gateway/wire/status.js'
import { DEFAULT_TOPIC_ROOT, topicsUnder } from '../../gateway/wire/topics.js'
import { makeEpoch } from '../support/chain.js'
import { NOON_MS, STORE, sale, TILL } from '../support/sample.js'

const epoch = epochId(`3-${'ab'.repeat(16)}`)
const ledger = ledgerId('cd'.repeat(16))
const made = makeEpoch({ random: seededRandom(1), events: [sale({ number: 1 })] })

t.test('a record is one line, with the event exactly as it was', async t => {
  for (const record of made.records) {
    const line = Buffer.from(encodeRecordLine(record))
    t.equal(line.indexOf('\n'), -1)
    const decoded = decodeRecordLine(line)
    if (!decoded.ok) throw new Error(decoded.error)
    t.same(decoded.value.header, record.header)
    const [head = ''] = line.toString('utf8').split('\t')
    t.equal(head, canonicalJson(record.header), 'the header in canonical JSON')
    t.same(bodyDigest(decoded.value.body), bodyDigest(record.body))
    const evicted = { type: 'evicted', digest: bodyDigest(record.body) } as const
    const short = decodeRecordLine(encodeRecordLine({ header: record.header, body: evicted }))
    t.same(short, { ok: true, value: { header: record.header, body: evicted } })
    const { header, body } = record
    const hash = chainHash(GENESIS, { header, body })
    t.equal(chainHash(GENESIS, { header, body: evicted }), hash, 'eviction keeps the chain')
    t.not(chainHash('1'.repeat(64), { header, body }), hash)
    t.not(chainHash(GENESIS, { header: { ...header, seq: 9 }, body }), hash)
  }
})

t.test('a line that is no record is refused', async t => {
  const [record] = made.records
  if (record === undefined) throw new Error('a record')
  const head = JSON.stringify(record.header)
  const wrong = [
    '',
    '\t',
    head,
    `${head}\t`,
    `${head}\tabc`,
    `${head}\t${'AB'.repeat(32)}`,
    `{}\t{}`,
    `${JSON.stringify({ ...record.header, seq: 0 })}\t{}`,
    `${JSON.stringify({ ...record.header, seq: 1.5 })}\t{}`,
    `${JSON.stringify({ ...record.header, more: 1 })}\t{}`,
    `${JSON.stringify({ ...record.header, epoch: 'x' })}\t{}`,
  ]
  for (const line of wrong) t.equal(decodeRecordLine(Buffer.from(line)).ok, false, line.slice(-60))
})

t.test('a receipt names no more gaps than it may, and confirms nothing beyond them', async t => {
  const count = LIMITS.receiptMissingRanges + 5
  const confirmed = Array.from({ length: count }, (_, n): Range => [2 * n + 2, 2 * n + 2])
  const receipt = makeEpochReceipt(epoch, confirmed)
  t.equal(receipt.missing.length, LIMITS.receiptMissingRanges)
  t.same(receipt.missing.at(-1), [1999, 1999])
  t.equal(receipt.upTo, 2000)
  t.same(makeEpochReceipt(epoch, []), { epoch, upTo: 0, missing: [] })
})

t.test('receipts: what they say comes back; what could lose records does not parse', async t => {
  const receipt: Receipt = {
    v: 1,
    ledger,
    epochs: [
      {
        epoch,
        upTo: 9,
        missing: [
          [2, 3],
          [5, 5],
        ],
        safe: 1,
      },
      { epoch: epochId(`4-${'00'.repeat(16)}`), upTo: 0, missing: [] },
    ],
    credit: 2,
  }
  const text = encodeReceipt(receipt)
  t.same(decodeReceipt(Buffer.from(text)), { ok: true, value: receipt })
  const missing = (ranges: unknown) => ({
    ...receipt,
    epochs: [{ epoch, upTo: 9, missing: ranges }],
  })
  const wrong = [
    { ...receipt, v: 2 },
    { ...receipt, credit: 1 },
    { ...receipt, ledger: 'x' },
    missing([
      [5, 6],
      [2, 3],
    ]),
    missing([
      [2, 3],
      [3, 4],
    ]),
    missing([
      [2, 3],
      [4, 5],
    ]),
    missing([[3, 2]]),
    missing([[0, 2]]),
    missing([[1]]),
    missing(undefined),
    missing(Array.from({ length: 1001 }, (_, index) => [2 * index + 1, 2 * index + 1])),
  ]
  for (const each of wrong)
    t.equal(
      decodeReceipt(Buffer.from(JSON.stringify(each))).ok,
      false,
      JSON.stringify(each).slice(-50),
    )
  t.equal(decodeReceipt(Buffer.from('')).ok, false)
})

t.test('hello, generation and status come back as they were said', async t => {
  const hello = { v: 1, software: '1.2.3', epochs: [{ epoch, first: 1, last: 0 }] } as const
  const said = decodeHello(Buffer.from(encodeHello({ ...hello, epochs: [...hello.epochs] })))
  t.same(said, { ok: true, value: hello })
  t.equal(decodeHello(Buffer.from('{"v":1}')).ok, false)
  const generation = { ledger, since: '2026-11-22T10:00:00.000Z' }
  t.same(decodeLedgerGeneration(Buffer.from(encodeLedgerGeneration(generation))), {
    ok: true,
    value: generation,
  })
  const will = decodeStatus(Buffer.from(offlineWill(STORE)))
  t.same(will, { ok: true, value: { v: 1, online: false, store: STORE } })
})

t.test('a fanned-out event says where it stood and when HQ had it', async t => {
  const event = sale({ number: 1 })
  const text = encodeFanOut({
    event,
    header: { epoch, seq: 42 },
    recordedMs: NOON_MS,
    historical: true,
  })
  t.same(JSON.parse(text), {
    ...event,
    epoch,
    sequence: '0000000000000042',
    recordedtime: '2026-11-22T11:00:00.000Z',
    historical: true,
  })
})

t.test('topics lead to their store and back, and no other topic does', async t => {
  const topics = topicsUnder(DEFAULT_TOPIC_ROOT)
  t.equal(topics.journal(STORE), 'tillbridge/1/store-001/up/journal')
  t.equal(topics.receipt(STORE), 'tillbridge/1/store-001/down/receipt')
  t.equal(topics.ledger, 'tillbridge/1/hq/ledger')
  t.equal(
    topics.event(STORE, TILL, 'sale.completed'),
    'tillbridge/1/store-001/events/till-1/sale.completed',
  )
  t.equal(topics.command(STORE, 'a'), 'tillbridge/1/store-001/down/command/a')
  t.equal(topics.commands(STORE), topics.command(STORE, '+'))
  t.equal(topics.outcome(STORE, 'a'), 'tillbridge/1/store-001/up/outcome/a')
  t.equal(topics.answer(STORE, 'a', 0), 'tillbridge/1/store-001/up/answer/a/0')
  t.equal(topics.answers(STORE, 'a'), 'tillbridge/1/store-001/up/answer/a/+')
  t.equal(topics.document(STORE, 'prices'), 'tillbridge/1/store-001/down/document/prices')
  t.equal(topics.documents(STORE), topics.document(STORE, '+'))
  t.equal(
    topics.documentChunk(STORE, { name: 'prices', version: 7, chunk: 2 }),
    'tillbridge/1/store-001/down/document/prices/7/2',
  )
  for (const leaf of ['hello', 'journal'] as const) {
    t.equal(topics.storeOf(topics[leaf](STORE), leaf), STORE)
    t.equal(topics.every[leaf], `tillbridge/1/+/up/${leaf}`)
  }
  const others = [
    '',
    'tillbridge/1/store-001/up/hello',
    'tillbridge/2/store-001/up/journal',
    'tillbridge/1/hq/up/journal',
    'tillbridge/1//up/journal',
    'tillbridge/1/a/b/up/journal',
    'tillbridge/1/store-001/up/journal/more',
    'x/tillbridge/1/store-001/up/journal',
    'tillbridge/1/up/journal',
  ]
  for (const topic of others) t.equal(topics.storeOf(topic, 'journal'), undefined, topic)
  for (const root of ['', '/a', 'a/#', '+', 'a+b']) t.throws(() => topicsUnder(root), RangeError)
  t.equal(topicsUnder('acme').hello(storeId('a')), 'acme/a/up/hello')
  t.equal(topicsUnder('acme').event(storeId('a'), terminalId('b'), 'c'), 'acme/a/events/b/c')
})
