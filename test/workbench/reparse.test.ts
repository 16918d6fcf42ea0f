import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { EXIT } from '../../gateway/cli/exit-codes.js'
import { createInstruments } from '../../gateway/composition/instruments.js'
import { Reparser } from '../../gateway/composition/reparse.js'
import { toHex } from '../../gateway/core/bytes.js'
import { systemClock } from '../../gateway/core/clock.js'
import { newEventId, terminalId } from '../../gateway/core/ids.js'
import { LIMITS } from '../../gateway/core/limits.js'
import { silentLogger } from '../../gateway/core/log.js'
import { systemRandom } from '../../gateway/core/random.js'
import type { EventData, EventOf } from '../../gateway/event/event.js'
import { makeEvent } from '../../gateway/event/make-event.js'
import { JournalIngest } from '../../gateway/ingest/journal-ingest.js'
import { createDialect } from '../../gateway/profile/create-dialect.js'
import { loadProfileFiles } from '../../gateway/profile/load.js'
import { framePublished } from '../../gateway/profile/over-mqtt.js'
import { ProfileFolders } from '../../gateway/profile/profile-source.js'
import { ProfileRegistry } from '../../gateway/profile/registry.js'
import { decodeFrame } from '../../gateway/terminal/frame-decoder.js'
import { TerminalSupervisor } from '../../gateway/terminal/supervisor.js'
import { topicsUnder } from '../../gateway/wire/topics.js'
import { captureNow } from '../../gateway/workbench/explain.js'
import { newerDialect } from '../../gateway/workbench/reparse/newer-dialect.js'
import { reparse } from '../../gateway/workbench/reparse/reparse.js'
import { rejectedIn, reparseFrames } from '../../gateway/workbench/reparse/reparse-frames.js'
import { saleEvent } from '../broker/selling.js'
import { journalIn } from '../journal/open.js'
import { shopOf } from '../support/machine.js'
import { ended, MAIN, startProgram } from '../support/program.js'
import { receipt } from '../support/receipt.js'
import { STORE } from '../support/sample.js'
import { freshDirectory } from '../support/shop.js'
import { until } from '../support/until.js'
import { startSession } from '../terminal/shop.js'

const loaded = await loadProfileFiles(['firmware-profiles'])
if (!loaded.ok) throw new Error(loaded.error.join('\n'))
const files = loaded.value
const registry = new ProfileRegistry(files)

function fileOf(name: string) {
  const file = files.dialects.get(name)?.value
  if (file === undefined) throw new RangeError('it is built in')
  return file
}

/** The dialect before it was mended: version 0, and it knows no sale. */
function unmended() {
  const file = fileOf('tillbridge/ecr-lrc')
  if ('protocol' in file) throw new RangeError('it is declared')
  const messages = file.messages.filter(({ name }) => name !== 'sale')
  return createDialect({ ...file, version: 9000, messages })
}

function rejectedBy(dialect: string, data: EventData<'frame.rejected'>): EventOf<'frame.rejected'> {
  const event = makeEvent({
    type: 'frame.rejected',
    data,
    id: newEventId(systemClock, systemRandom),
    store: STORE,
    terminal: terminalId('till-1'),
    wallMs: Date.UTC(2026, 10, 22, 12),
    timeZone: 'UTC',
    clockState: 'synced',
    profile: `${dialect}@9000`,
  })
  if (event.type !== 'frame.rejected') throw new RangeError('that is its type')
  return event
}

const kept = (bytes: Uint8Array) => {
  return { issues: ['unknown'], raw: toHex(bytes), rawBytes: bytes.length }
}

t.test('a mended dialect reads what was rejected, once, with the ids of the till', async t => {
  const shop = await startSession(t, {
    profile: 'tillbridge/reference-till',
    own: { dialect: unmended() },
  })
  const dialect = createDialect(fileOf('tillbridge/ecr-lrc'))
  await until('connected', () => shop.session.status.state === 'connected')
  for (const number of [1, 2]) {
    await shop.till.send(dialect.encode('sale', receipt(number)))
    await until('acknowledged', () => shop.till.heard().length === number)
  }
  const sales = async () => (await shop.events()).filter(({ type }) => type === 'sale.completed')
  t.equal((await sales()).length, 0)
  const { journal } = shop
  const ingest = new JournalIngest({ journal, logger: silentLogger })
  const { signal } = new AbortController()
  const run = () =>
    reparseFrames({
      frames: rejectedIn({ journal, clock: systemClock, signal }),
      dialectFor: newerDialect(registry, new Map()),
      ingest: events => ingest.ingest(events),
      clock: systemClock,
      timeZone: 'Europe/Berlin',
      signal,
    })
  t.match(await run(), { frames: 2, decoded: 2, appended: 2, known: 0 })
  t.match(await run(), { frames: 2, decoded: 2, appended: 0, known: 2 })
  const rejected = (await shop.events()).filter(({ type }) => type === 'frame.rejected')
  t.match(await sales(), [
    { subject: '000001', reparsedfrom: rejected[0]?.id, profile: dialect.id },
    { subject: '000002', reparsedfrom: rejected[1]?.id },
  ])
  // The till, which was acknowledged, says it once more all the same: it is known.
  shop.session.speak(dialect)
  await shop.till.send(dialect.encode('sale', receipt(2)))
  await until('acknowledged again', () => shop.till.heard().length === 3)
  t.equal((await sales()).length, 2)
})

t.test('what a till published is read again, too', async t => {
  const dialect = createDialect(fileOf('generic/cloud-events'))
  const published = framePublished(Buffer.from(saleEvent(7)))
  const rejected = rejectedBy('generic/cloud-events', kept(published))
  const again = () => reparse({ rejected, dialect, clock: systemClock, timeZone: 'UTC' })
  t.match(again(), { type: 'decoded', events: [{ type: 'sale.completed', subject: '7' }] })
  t.same(again(), again(), 'with the same ids')
  const wrong = kept(framePublished(Buffer.from('{}')))
  const undecodable = rejectedBy('generic/cloud-events', wrong)
  t.match(reparse({ rejected: undecodable, dialect, clock: systemClock, timeZone: 'UTC' }), {
    type: 'undecodable',
    reason: /specversion/,
  })
})

t.test('a running gateway shows them to its newer dialect by itself, once', async t => {
  const shop = await startSession(t, {
    profile: 'tillbridge/reference-till',
    own: { dialect: unmended() },
  })
  const dialect = createDialect(fileOf('tillbridge/ecr-lrc'))
  await until('connected', () => shop.session.status.state === 'connected')
  await shop.till.send(dialect.encode('sale', receipt(1)))
  await until('acknowledged', () => shop.till.heard().length === 1)
  shop.session.speak(dialect)
  const dataDir = freshDirectory(t)
  const { journal } = shop
  const reparser = new Reparser({
    shop: {
      config: shopOf(`dataDir: ${dataDir}`),
      logger: silentLogger,
      store: STORE,
      topics: topicsUnder('tb'),
      software: 'test',
      startedAt: '2026-11-30T00:00:00Z',
      clockState: () => 'synced',
      instruments: createInstruments(),
    },
    journal,
    ingest: new JournalIngest({ journal, logger: silentLogger }),
    source: new ProfileFolders({ folders: ['firmware-profiles'], clock: systemClock }),
    terminals: new TerminalSupervisor({ sessions: [shop.session], buses: [] }),
  })
  const stopping = new AbortController()
  const running = reparser.run(stopping.signal)
  await until('noted', () => existsSync(join(dataDir, 'reparsed')))
  stopping.abort()
  await running
  t.equal(readFileSync(join(dataDir, 'reparsed'), 'utf8'), 'tillbridge/ecr-lrc@1\n')
  const sales = (await shop.events()).filter(({ type }) => type === 'sale.completed')
  t.match(sales, [{ subject: '000001', reparsedfrom: /./ }])
})

t.test('without numbers the ids follow from the rejected frame', t => {
  const dialect = createDialect(fileOf('generic/aim-lines'))
  const rejected = rejectedBy(
    'generic/aim-lines',
    kept(dialect.encode('ean-8', { text: '96385074' })),
  )
  const once = reparse({ rejected, dialect, clock: systemClock, timeZone: 'UTC' })
  const again = reparse({ rejected, dialect, clock: systemClock, timeZone: 'UTC' })
  t.strictSame(once, again)
  t.match(once, {
    type: 'decoded',
    events: [{ id: /^k-/, time: '2026-11-22T12:00:00.000Z', reparsedfrom: rejected.id }],
  })
  t.end()
})

t.test('money without a number may be a repeat, and says so', t => {
  const file = fileOf('tillbridge/ecr-lrc')
  if ('protocol' in file) throw new RangeError('it is declared')
  const messages = file.messages.map(message => {
    if (message.event === undefined || message.name !== 'sale') return message
    const { key: _, ...event } = message.event
    return { ...message, event }
  })
  const dialect = createDialect({ ...file, messages })
  const rejected = rejectedBy('x/y', kept(dialect.encode('sale', receipt(1))))
  t.match(reparse({ rejected, dialect, clock: systemClock, timeZone: 'UTC' }), {
    type: 'decoded',
    events: [{ type: 'sale.completed', id: /^k-/, possiblerepeat: true }],
  })
  t.end()
})

t.test('what a frame stated besides is not said again', async t => {
  const mended = fileOf('generic/receipts-en')
  if (!('protocol' in mended)) throw new RangeError('it names a protocol')
  const without = mended.messages.filter(({ name }) => name !== 'sale')
  const old = createDialect({ ...mended, version: 9000, messages: without })
  const dialect = createDialect(mended)
  const text = 'Receipt No: 000123\nDate: 22/11/2026 Time: 06:45 PM\nCoffee £2.20\nTOTAL £2.20'
  const raw = dialect.encode('receipt', { text })
  const capture = { ...captureNow('UTC'), terminal: terminalId('till-1') }
  const meaning = decodeFrame({
    dialect: old,
    capture,
    frame: { payload: raw, raw },
    held: [],
    keyedDigest: () => '',
  })
  const events = meaning.type === 'events' ? meaning.events : []
  t.match(events, [
    { type: 'receipt.captured' },
    { type: 'frame.rejected', data: { stated: ['receipt.captured'] } },
  ])
  const rejected = events[1]
  if (rejected?.type !== 'frame.rejected') throw new RangeError('it is rejected')
  const found = reparse({ rejected, dialect, clock: systemClock, timeZone: 'UTC' })
  t.same(
    found.type === 'decoded' && found.events.map(({ type }) => type),
    ['sale.completed'],
    'the sale, and no second receipt',
  )
})

t.test('what is hidden, cut off or not kept is said, never guessed', t => {
  const dialect = createDialect(fileOf('tillbridge/ecr-lrc'))
  const sale = dialect.encode('sale', receipt(1))
  const read = (data: EventData<'frame.rejected'>) =>
    reparse({ rejected: rejectedBy('x/y', data), dialect, clock: systemClock, timeZone: 'UTC' })
  t.match(read({ issues: [], raw: '', rawBytes: 90 }), { reason: /were not kept/ })
  t.match(read({ ...kept(sale), rawBytes: 5000 }), { reason: /only \d+ of its 5000 bytes/ })
  t.match(read(kept(Buffer.from('PAN 411111******1111'))), {
    reason: /card number in it is hidden/,
  })
  t.match(read(kept(Buffer.from('411111eeeeee1111', 'hex'))), { reason: /hidden/ })
  t.match(read(kept(sale.subarray(0, 40))), { reason: 'it holds no whole frame' })
  t.match(read(kept(sale)), { type: 'decoded' })
  t.match(read(kept(dialect.encode('day-open', { businessDay: '2026-11-22', operator: '7' }))), {
    type: 'ignored',
  })
  t.end()
})

t.test('the same dialect has nothing new to say; that of the terminal now may have', t => {
  const rejected = rejectedBy('acme/till-unknown', kept(Uint8Array.of(1)))
  t.match(newerDialect(registry, new Map())(rejected), {
    error: 'no dialect acme/till-unknown@9000 is there any more',
  })
  const now = new Map([['till-1', 'tillbridge/ecr-lrc@1']])
  t.match(newerDialect(registry, now)(rejected), { value: { id: 'tillbridge/ecr-lrc@1' } })
  const own = { ...rejected, profile: 'tillbridge/ecr-lrc@1' }
  t.match(newerDialect(registry, now)(own), { error: /^tillbridge\/ecr-lrc@1 rejected them; incr/ })
  t.end()
})

t.test(
  'what is not tried is counted with its reason, and of reasons there are not too many',
  async t => {
    const raw = createDialect(fileOf('tillbridge/ecr-lrc')).encode('sale', receipt(1))
    const dialects = Array.from({ length: LIMITS.reparseReasons + 7 }, (_, index) => `x/d${index}`)
    const frames = [...dialects, 'x/d0'].map(name => rejectedBy(name, kept(raw)))
    const report = await reparseFrames({
      frames: (async function* () {
        yield* frames
      })(),
      dialectFor: newerDialect(registry, new Map()),
      ingest: async () => ({ type: 'journaled' }),
      clock: systemClock,
      timeZone: 'UTC',
      signal: new AbortController().signal,
    })
    t.equal(report.frames, 0)
    t.equal(report.untried.get('no dialect x/d0@9000 is there any more'), 2)
    t.equal(report.untried.get('other reasons'), 7)
  },
)

t.test('the command looks at a copy, then appends to the journal of a stopped gateway', async t => {
  const dataDir = await rejectedJournal(t)
  const yaml = `store: ${STORE}\nhq: { url: mqtt://127.0.0.1:1 }\ndataDir: ${dataDir}\n`
  const run = (...flags: readonly string[]) =>
    ended(
      startProgram(t, [process.execPath, MAIN, 'profile', 'reparse', ...flags], {
        TILLBRIDGE_CONFIG_YAML: yaml,
      }),
    )
  const dry = await run('--dry-run')
  t.match(dry, { code: EXIT.ok, stdout: /"sale\.completed"[\s\S]*^1 rejected frame: 1 decoded/m })
  t.match(dry.stdout, /^1 rejected frame not tried again:\n {2}1: tillbridge\/ecr-lrc@1 rejected/m)
  const real = await run()
  t.match(real, { code: EXIT.ok, stdout: /\(1 event appended, 0 known\)/ })
  const again = await run()
  t.match(again, { code: EXIT.ok, stdout: /\(0 events appended, 1 known\)/ })
})

/** A journal with a sale that an older version rejected, and one that the current version did. */
async function rejectedJournal(t: Test): Promise<string> {
  const dataDir = freshDirectory(t)
  const journal = await journalIn(join(dataDir, 'journal'))
  const sale = createDialect(fileOf('tillbridge/ecr-lrc')).encode('sale', receipt(1))
  const rejected = rejectedBy('tillbridge/ecr-lrc', kept(sale))
  const current = rejectedBy('tillbridge/ecr-lrc', kept(sale))
  await journal.append([rejected, { ...current, profile: 'tillbridge/ecr-lrc@1' }])
  await journal.close()
  return dataDir
}
