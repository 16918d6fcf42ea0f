// A program: the journal of a shop and its way to HQ, as a gateway runs them, told what to do by
// lines of JSON on stdin (`Told`) and saying what it did in lines on stdout (`Said`).
// It says `ready` and opens nothing before it is told to, so that a tracer can be attached.
import { writevSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import type { Database } from '../../gateway/core/database.js'
import { derivedEventId, terminalId } from '../../gateway/core/ids.js'
import { silentLogger } from '../../gateway/core/log.js'
import type { Event } from '../../gateway/event/event.js'
import { makeEvent } from '../../gateway/event/make-event.js'
import type { Journal } from '../../gateway/journal/journal.js'
import { CLAIM_KEYS, RECORD_KEYS } from '../../gateway/journal/keys.js'
import type { TillSale } from '../../gateway/simulator/till-sale.js'
import { encodeBatch, makeBatch } from '../../gateway/wire/batch.js'
import type { EpochReceipt } from '../../gateway/wire/receipt.js'
import { type KeptJournal, openKept } from '../journal/open-storage.js'
import { NOON_MS, STORE } from '../support/sample.js'
import type { Said, Told } from './conversation.js'
import { shrinkWriteBuffers, unsynced } from './write-buffer.js'

/** Records that wait for HQ before some are sent. */
const SEND_AFTER = 5
const SEND_BYTES = 64 * 1024
/** Acknowledged sales after which it compacts, and after which it closes and opens again. */
const COMPACT_AFTER = 20
const REOPEN_AFTER = 32

const NEWLINE = Buffer.from('\n')

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: '' },
    /** LevelDB's write buffer: `shipped`, or `small`, so that it compacts often. */
    buffer: { type: 'string', default: 'shipped' },
    /** What is done wrong, for the proof that it is found out. */
    mutation: { type: 'string', default: 'none' },
  },
})

class Selling {
  #opened: KeptJournal | undefined
  /** Openings and closings follow one another; whoever needs the journal waits here. */
  #ready: Promise<void> = Promise.resolve()
  #users = 0
  #isSending = false
  #sales = 0

  start(): Promise<void> {
    this.#ready = this.#open()
    return this.#ready
  }

  async sell({ till, n, sale }: { till: string; n: number; sale: TillSale }): Promise<void> {
    let isDue = false
    await this.#use(async opened => {
      const appended = opened.journal.append([eventOf(till, sale)])
      if (values.mutation !== 'early-ack') await appended
      say(`acknowledged ${till} ${n}`)
      await appended
      this.#sales += 1
      isDue = this.#sales % REOPEN_AFTER === 0
      const isFull = this.#sales % COMPACT_AFTER === 0
      await this.#send(opened.journal)
      if (isFull) await compact(opened.storage)
    })
    if (isDue) this.#ready = this.#ready.then(() => this.#reopen())
  }

  async receive(receipts: readonly EpochReceipt[]): Promise<void> {
    say('received')
    await this.#use(({ journal }) => journal.confirm(receipts))
    this.#isSending = false
  }

  stop(): Promise<void> {
    return this.#use(opened => opened.close())
  }

  async #use(task: (opened: KeptJournal) => Promise<void>): Promise<void> {
    for (let ready: unknown; ready !== this.#ready; ) {
      ready = this.#ready
      await ready
    }
    if (this.#opened === undefined) throw new Error('not open')
    this.#users += 1
    await task(this.#opened)
    this.#users -= 1
  }

  async #open(): Promise<void> {
    say('opening')
    const through = values.mutation === 'unsynced' ? unsynced : undefined
    this.#opened = await openKept(values.data, silentLogger, through)
    say('opened')
  }

  async #reopen(): Promise<void> {
    // Those that are half way were let in before the door closed.
    while (this.#users > 0) await new Promise(resolve => setImmediate(resolve))
    await this.#opened?.close()
    await this.#open()
  }

  /** One batch at a time, of whatever waits longest. */
  async #send(journal: Journal): Promise<void> {
    if (this.#isSending || journal.statistics().backlog < SEND_AFTER) return
    const waiting = journal.epochs().find(({ pending }) => pending.length > 0)
    const [range] = waiting?.pending ?? []
    if (waiting === undefined || range === undefined) return
    this.#isSending = true
    const [first, last] = range
    const { epoch } = waiting
    const read = { epoch, first, last: Math.min(last, first + 99), maxBytes: SEND_BYTES }
    const { previous, records } = await journal.read(read)
    const batch = makeBatch({ store: STORE, previous, records, historical: false })
    say(`batch ${Buffer.from(await encodeBatch(batch)).toString('base64')}`)
  }
}

/** What the journal itself does after every 50 000 records that it trimmed. */
async function compact(database: Database): Promise<void> {
  say('compacting')
  await database.compactRange?.(RECORD_KEYS.gte, RECORD_KEYS.lt)
  await database.compactRange?.(CLAIM_KEYS.gte, CLAIM_KEYS.lt)
  say('compacted')
}

function eventOf(till: string, told: TillSale): Event {
  const { type, ...data } = told
  const key = [STORE, till, data.businessDay ?? '', data.receiptNumber ?? '']
  return makeEvent({
    type,
    id: derivedEventId(key),
    store: STORE,
    terminal: terminalId(till),
    wallMs: NOON_MS,
    timeZone: 'Europe/Berlin',
    clockState: 'synced',
    data: { ...data, taxIncluded: true },
  })
}

/**
 * Reaches the parent even if this process dies at the next instruction. Two buffers make libuv call
 * writev: a tracer that counts calls of write counts the database's.
 */
function say(line: Said): void {
  writevSync(1, [Buffer.from(line), NEWLINE])
}

if (values.buffer === 'small') shrinkWriteBuffers()
const selling = new Selling()
say('ready')
const busy = new Set<Promise<void>>()
for await (const line of createInterface({ input: process.stdin })) {
  // What the parent says is ours: both ends are of one build.
  const told: Told = JSON.parse(line)
  const task = take(told)
  busy.add(task)
  task.then(
    () => busy.delete(task),
    thrown => {
      process.stderr.write(`${thrown instanceof Error ? thrown.stack : thrown}\n`)
      process.exit(1)
    },
  )
}
while (busy.size > 0) await Promise.all(busy)
await selling.stop()

function take(told: Told): Promise<void> {
  if ('start' in told) return selling.start()
  if ('receipt' in told) return selling.receive(told.receipt)
  return selling.sell(told)
}
