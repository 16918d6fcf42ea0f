import t, { type Test } from 'tap'
import type { Database, Operation } from '../../gateway/core/database.js'
import { decodeEvent, type Event, encodeEvent } from '../../gateway/event/event.js'
import { loadEpochs, storeEpoch } from '../../gateway/journal/epoch-state.js'
import { openJournalCopy } from '../../gateway/journal/journal-copy.js'
import { epochKey, recordKey, type Slot, slotKey } from '../../gateway/journal/keys.js'
import { openJournalDatabase } from '../../gateway/journal/open-database.js'
import { scanRecords } from '../../gateway/journal/record-scan.js'
import { storeRecord } from '../../gateway/journal/stored-record.js'
import { type Verdict, verifyJournal } from '../../gateway/journal/verify-journal.js'
import type { PublicKey, SigningKey } from '../../gateway/security/signature.js'
import { chainHash, GENESIS, type JournalRecord } from '../../gateway/wire/record.js'
import { NOON_MS, sale } from '../support/sample.js'
import { checkpointAt, OTHER_KEY, STORE_KEY, signed } from '../support/signed.js'
import { until } from '../support/until.js'
import { journalIn } from './open.js'

/** Three epochs of started, five sales, a checkpoint, and one more sale: 24 records. */
async function threeEpochs(t: Test): Promise<string> {
  const directory = t.testdir()
  for (const from of [10, 20, 30]) {
    const journal = await journalIn(directory)
    await journal.append([0, 1, 2, 3, 4].map(index => sale({ number: from + index })))
    await journal.seal(checkpointAt)
    await journal.append([sale({ number: from + 5 })])
    await journal.close()
  }
  return directory
}

async function verdictOn(directory: string, publicKey?: PublicKey): Promise<Verdict> {
  const { database, close } = await openJournalCopy(directory)
  try {
    const { signal } = new AbortController()
    return await verifyJournal({ database, publicKey, signal })
  } finally {
    await close()
  }
}

async function change(
  directory: string,
  make: (database: Database) => Promise<readonly Operation[]>,
): Promise<void> {
  const database = await openJournalDatabase(directory)
  await database.batch([...(await make(database))], { sync: true })
  await database.close()
}

async function recordsIn(database: Database): Promise<readonly JournalRecord[]> {
  const records: JournalRecord[] = []
  for await (const scanned of scanRecords({ database }))
    if (scanned.type === 'record') records.push(scanned.record)
  return records
}

const at = (ordinal: number, seq: number): Slot => ({ ordinal, seq })
const KEY = STORE_KEY.publicKey

t.test('a sound journal: everything counted, and signed as far as it is', async t => {
  const directory = await threeEpochs(t)
  const verdict = await verdictOn(directory, KEY)
  t.match(verdict, {
    records: 24,
    evicted: 0,
    faultsTotal: 0,
    faults: { length: 0 },
    trusted: KEY,
    signedUpTo: { seq: 6 },
    unsigned: 2,
    signers: [{ publicKey: KEY, checkpoints: 3, first: at(1, 7), last: at(3, 7) }],
  })
  t.same(
    verdict.epochs.map(({ first, last }) => [first, last]),
    [
      [1, 8],
      [1, 8],
      [1, 8],
    ],
  )
  t.match(await verdictOn(directory), { faultsTotal: 0, trusted: KEY }, 'by its own word')
})

t.test('what was trimmed is not missed', async t => {
  const directory = await threeEpochs(t)
  const journal = await journalIn(directory)
  const [first, second] = journal.epochs()
  if (first === undefined || second === undefined) throw new Error('two epochs')
  await journal.confirm([
    { epoch: first.epoch, upTo: 8, missing: [], safe: 8 },
    { epoch: second.epoch, upTo: 8, missing: [], safe: 3 },
  ])
  await until('trimmed', () => journal.epochs()[0]?.first === 4)
  await journal.close()
  t.match(await verdictOn(directory, KEY), { records: 14, faultsTotal: 0, unsigned: 3 })
})

/** Each changes a sound journal; then where the first fault is, and what it is said to be. */
const DAMAGES: readonly {
  readonly name: string
  readonly make: (database: Database) => Promise<readonly Operation[]>
  readonly slot: Slot
  readonly text: RegExp
}[] = [
  ...[40, 100, 200, -1].map(offset => ({
    name: `a bit flips at ${offset}`,
    make: async (database: Database) => {
      const key = slotKey(at(2, 4))
      const value = Buffer.from((await database.get(key)) ?? [])
      const index = offset < 0 ? value.length + offset : offset
      value[index] = (value[index] ?? 0) ^ 1
      return [{ type: 'put', key, value }] as const
    },
    slot: at(2, 4),
    text: /hash does not follow|does not continue|holds no record/,
  })),
  {
    name: 'a record vanishes',
    make: async () => [{ type: 'del', key: slotKey(at(2, 4)) }],
    slot: at(2, 4),
    text: /^it is missing/,
  },
  {
    name: 'several records vanish, also after one that is damaged',
    make: async () => [
      { type: 'put', key: slotKey(at(2, 2)), value: Buffer.from('x') },
      { type: 'del', key: slotKey(at(2, 3)) },
      { type: 'del', key: slotKey(at(2, 4)) },
    ],
    slot: at(2, 2),
    text: /no record|2 to 4/,
  },
  {
    name: 'the end of an epoch vanishes',
    make: async () => [7, 8].map(seq => ({ type: 'del', key: slotKey(at(1, seq)) }) as const),
    slot: at(1, 7),
    text: /records 7 to 8 are missing/,
  },
  {
    name: 'the beginning of an epoch vanishes',
    make: async () => [{ type: 'del', key: slotKey(at(2, 1)) }],
    slot: at(2, 1),
    text: /^it is missing/,
  },
  {
    name: 'a whole epoch vanishes',
    make: async () =>
      [1, 2, 3, 4, 5, 6, 7, 8].map(seq => ({ type: 'del', key: slotKey(at(2, seq)) }) as const),
    slot: at(2, 1),
    text: /records 1 to 8 are missing/,
  },
  {
    name: 'an epoch is forgotten with its records',
    make: async database => {
      const [, second] = await loadEpochs(database)
      if (second === undefined) throw new Error('an epoch')
      const gone = [1, 2, 3, 4, 5, 6, 7, 8].map(seq => slotKey(at(2, seq)))
      return [...gone, epochKey(second.epoch)].map(key => ({ type: 'del', key }) as const)
    },
    slot: at(3, 1),
    text: /does not continue|continues 2-.* up to 8, not what/,
  },
  {
    name: 'two records change places',
    make: async database => {
      const keys = [slotKey(at(2, 3)), slotKey(at(2, 5))]
      const values = await Promise.all(keys.map(key => database.get(key)))
      return keys.map((key, index) => {
        return { type: 'put', key, value: values[1 - index] ?? Buffer.from('') } as const
      })
    },
    slot: at(2, 3),
    text: /record 5 of epoch .* stands in its place/,
  },
  {
    name: 'records of a gap that the store has named are missing',
    make: async database => {
      const [, second] = await loadEpochs(database)
      if (second === undefined) throw new Error('an epoch')
      const gap = { first: 3, last: 4, kind: 'damaged', cause: 'a bad sector' } as const
      const gone = [3, 4].map(seq => ({ type: 'del', key: slotKey(at(2, seq)) }) as const)
      return [...gone, storeEpoch({ ...second, gaps: [gap] })]
    },
    slot: at(2, 3),
    text: /^records 3 to 4 are missing; the store knows of that gap: a bad sector$/,
  },
  {
    name: 'what is known of an epoch is damaged',
    make: async database => {
      const [first] = await loadEpochs(database)
      const key = first === undefined ? Buffer.from('E') : epochKey(first.epoch)
      return [{ type: 'put', key, value: Buffer.from('x') }]
    },
    slot: at(0, 0),
    text: /epoch is damaged/,
  },
]

for (const { name, make, slot, text } of DAMAGES)
  t.test(`${name}: the first fault is named by its place`, async t => {
    const directory = await threeEpochs(t)
    await change(directory, make)
    const [fault] = (await verdictOn(directory, KEY)).faults
    t.match(fault, { slot, text })
  })

/**
 * What somebody with the card and this program's source can do: another total, and everything
 * computed anew from there on, with a key of his own where he signs.
 */
async function forge(
  database: Database,
  how: { readonly from: Slot; readonly key?: SigningKey; readonly type?: string },
): Promise<readonly Operation[]> {
  const operations: Operation[] = []
  const states = await loadEpochs(database)
  let head = GENESIS
  let before: { epoch: string; last: number; head: string } | undefined
  for (const { header, body } of await recordsIn(database)) {
    const { epoch, seq } = header
    const event = body.type === 'event' ? decodeEvent(body.bytes) : undefined
    if (!event?.ok) throw new Error('no event')
    let forged: Event = event.value
    const isTarget = epoch.startsWith(`${how.from.ordinal}-`) && seq === how.from.seq
    if (isTarget) forged = { ...sale({ number: 1, totalMinor: 1 }), id: forged.id }
    if (forged.type === 'gateway.started' && before !== undefined)
      forged = { ...forged, data: { ...forged.data, previous: before } }
    if (forged.type === 'journal.checkpoint' && how.key !== undefined)
      forged = checkpointAt({ epoch, seq: seq - 1, head }, how.key)
    const bytes = encodeEvent(forged)
    const record = {
      header: { ...header, type: how.type ?? header.type },
      body: { type: 'event', bytes },
    } as const
    const stored = isTarget ? record : { ...record, header }
    const previous = head
    head = chainHash(previous, stored)
    operations.push(storeRecord({ record: { ...stored, hash: head }, previous, wallMs: NOON_MS }))
    before = { epoch, last: seq, head }
    const next = states[states.findIndex(state => state.epoch === epoch) + 1]
    if (next !== undefined) operations.push(storeEpoch({ ...next, previous: head }))
  }
  return operations
}

t.test('a forged sale under a chain made to fit is found by the next checkpoint', async t => {
  const directory = await threeEpochs(t)
  await change(directory, database => forge(database, { from: at(1, 3) }))
  const { faults, faultsTotal } = await verdictOn(directory, KEY)
  t.match(faults[0], { slot: at(1, 7), text: /signs something else than the record before it/ })
  t.equal(faultsTotal, 3, 'and by each after it')
})

t.test('behind the last checkpoint nothing but HQ can tell', async t => {
  const directory = await threeEpochs(t)
  await change(directory, database => forge(database, { from: at(3, 8) }))
  t.match(await verdictOn(directory, KEY), { faultsTotal: 0, unsigned: 2 })
})

t.test('signed anew by the forger: only the real key tells', async t => {
  const directory = await threeEpochs(t)
  await change(directory, database => forge(database, { from: at(1, 3), key: OTHER_KEY }))
  const [fault] = (await verdictOn(directory, KEY)).faults
  t.match(fault, { slot: at(1, 7), text: new RegExp(`not trusted: ${OTHER_KEY.publicKey}`) })
  t.match(await verdictOn(directory), { faultsTotal: 0, trusted: OTHER_KEY.publicKey })
})

t.test('a header that says another type than its event is a fault', async t => {
  const directory = await threeEpochs(t)
  const how = { from: at(3, 8), type: 'code.scanned' }
  await change(directory, database => forge(database, how))
  t.match((await verdictOn(directory, KEY)).faults, [
    { slot: at(3, 8), text: /holds an event sale\.completed/ },
  ])
})

t.test('a key that changed is explained by a record and covered by the new key', async t => {
  const run = async (isSaid: boolean, isSealed: boolean): Promise<Verdict> => {
    const directory = await threeEpochs(t)
    const journal = await journalIn(directory)
    const changed = {
      publicKey: OTHER_KEY.publicKey,
      previous: KEY,
      cause: 'its file was damaged',
    }
    const event = { ...checkpointAt({ epoch: journal.epoch, seq: 1, head: GENESIS }) }
    const said = {
      ...event,
      type: 'journal.key-changed',
      dataschema: 'urn:tillbridge:event:journal.key-changed:1',
      data: changed,
    } as const
    if (isSaid) await journal.append([said])
    if (isSealed) await journal.seal(end => checkpointAt(end, OTHER_KEY))
    await journal.close()
    return verdictOn(directory, OTHER_KEY.publicKey)
  }
  t.match(await run(true, true), { faultsTotal: 0, signers: { length: 2 } })
  t.match((await run(false, true)).faults, [{ slot: at(1, 7), text: /not trusted/ }])
  t.match((await run(true, false)).faults, [{ slot: at(1, 7), text: /not trusted/ }])
})

t.test('a statement about other records than stand there is a fault', async t => {
  const directory = await threeEpochs(t)
  const journal = await journalIn(directory)
  const [extent] = journal.epochs()
  const head = '12'.repeat(32)
  const totals = { records: 8, entries: [], conflicts: 0, gaps: 0, possibleRepeats: 0 }
  const ranges = [{ epoch: extent?.epoch ?? '', first: 1, last: 8, head }]
  const data = { day: '2026-11-22', ranges, unreadable: [], ...totals }
  await journal.append([signed('journal.statement', data)])
  await journal.close()
  t.match((await verdictOn(directory, KEY)).faults, [
    { slot: at(4, 2), text: /states another record 8 of epoch 1-/ },
  ])
})

t.test('damage without end is counted, the first of it told', async t => {
  const directory = t.testdir()
  const journal = await journalIn(directory)
  const { epoch } = journal
  await journal.append(Array.from({ length: 100 }, (_, index) => sale({ number: index })))
  await journal.close()
  const bad = Array.from({ length: 50 }, (_, index) => {
    const key = recordKey({ epoch, seq: 2 + index * 2 })
    return { type: 'put', key, value: Buffer.from('x') } as const
  })
  await change(directory, async () => bad)
  const { faults, faultsTotal } = await verdictOn(directory)
  t.equal(faults.length, 20)
  t.match(faults[0], { slot: at(1, 2) })
  t.equal(faultsTotal, 50, 'each once')
})

/** Takes records of the second epoch away; whoever reads them then names them, signed. */
async function lose(t: Test, seqs: readonly number[], way: 'del' | 'put' = 'del'): Promise<string> {
  const directory = await threeEpochs(t)
  await change(directory, async () =>
    seqs.map(seq => {
      const key = slotKey(at(2, seq))
      return way === 'del' ? { type: 'del', key } : { type: 'put', key, value: Buffer.from('x') }
    }),
  )
  return directory
}

async function nameLosses(directory: string, isSealed = true): Promise<void> {
  const journal = await journalIn(directory)
  const [, { epoch } = { epoch: journal.epoch }] = journal.epochs()
  for (let first = 1; first <= 8; first += 1)
    await journal.read({ epoch, first, last: first, maxBytes: 1 }).catch(() => undefined)
  if (isSealed) await journal.seal(checkpointAt)
  await journal.close()
}

for (const [first, last, way] of [
  [1, 3, 'del'],
  [3, 3, 'put'],
  [4, 6, 'put'],
  [6, 8, 'del'],
  [1, 8, 'del'],
] as const)
  t.test(`records ${first} to ${last}, lost and named, are one finding (${way})`, async t => {
    const seqs = Array.from({ length: last - first + 1 }, (_, index) => first + index)
    const directory = await lose(t, seqs, way)
    t.ok((await verdictOn(directory, KEY)).faultsTotal > 0, 'not named yet')
    await nameLosses(directory)
    const { faults, losses } = await verdictOn(directory, KEY)
    t.same(faults, [])
    t.match(losses, { length: 1 })
    t.match(losses[0], { epoch: /^2-/, first, last, named: { epoch: /^4-/, seq: 2 } })
  })

t.test('a name that nobody signed, or for less than is gone, excuses nothing', async t => {
  const directory = await lose(t, [3, 4])
  await nameLosses(directory, false)
  t.match((await verdictOn(directory, KEY)).faults, [{ slot: at(2, 3), text: /unsigned/ }])
  const further = await lose(t, [3, 4])
  await nameLosses(further)
  await change(further, async () => [{ type: 'del', key: slotKey(at(2, 5)) }])
  const { faults, losses } = await verdictOn(further, KEY)
  t.match(faults[0], { slot: at(2, 5), text: 'it is missing' })
  t.match(losses, { length: 1 })
})
