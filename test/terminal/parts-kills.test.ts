import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import t from 'tap'
import { toHex } from '../../gateway/core/bytes.js'
import { journalIn } from '../journal/open.js'
import { everyRecord, jsonOf } from '../support/sample.js'
import { PARTS_TILL, saleInParts } from './parts.js'
import { dialectOf } from './shop.js'

t.setTimeout(600_000)

const PROGRAM = new URL('./hear-parts.js', import.meta.url).pathname
const ACK = '06'
const { profile, firmware } = PARTS_TILL
const SALE = saleInParts(await dialectOf(profile, firmware))

type Frames = readonly Uint8Array[]

interface Till {
  readonly name: string
  /** What it says in a round, at the end of which the gateway is killed; the first is 1. */
  readonly says: (round: number) => Frames
  readonly rejected: number
}

const TILLS: readonly Till[] = [
  { name: 'goes on', says: round => SALE.slice(round - 1, round), rejected: 0 },
  {
    name: 'heard no ACK, and repeats its last frame',
    says: round => SALE.slice(Math.max(0, round - 2), round),
    rejected: 0,
  },
  // Of what it begins anew the parts before are kept as rejected; a beginning alone is a repeat.
  { name: 'starts over', says: round => SALE.slice(0, round), rejected: SALE.length - 2 },
]

/** A gateway hears what each till says, answers each frame, and is killed. */
async function hearAndDie(directories: readonly string[], said: readonly Frames[]): Promise<void> {
  const child = spawn(process.execPath, [PROGRAM, ...directories], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  for (const [place, frames] of said.entries())
    for (const frame of frames) {
      child.stdin.write(`${place} ${toHex(frame)}\n`)
      const answer = await answers.next()
      if (answer.value !== ACK) throw new Error(`till ${place} was answered ${answer.value}`)
    }
  child.kill('SIGKILL')
  await ended
}

t.test('killed between every two frames of a sale: one sale, whatever the till does', async t => {
  const place = t.testdir()
  const directories = TILLS.map((_, index) => `${place}/${index}`)
  for (let round = 1; round <= SALE.length + 1; round += 1)
    await hearAndDie(
      directories,
      TILLS.map(({ says }) => says(round)),
    )
  for (const [index, { name, rejected }] of TILLS.entries()) {
    const journal = await journalIn(`${place}/${index}`)
    const records = await everyRecord(journal)
    const dataOf = (type: string) =>
      records.filter(({ header }) => header.type === type).map(record => jsonOf(record).data)
    const sale = { receiptNumber: '000017', totalMinor: 90, lineItems: { length: 2 } }
    t.match(dataOf('sale.completed'), [sale], name)
    t.equal(dataOf('sale.completed').length, 1, name)
    t.equal(dataOf('event.conflict').length, 0, name)
    t.equal(dataOf('frame.rejected').length, rejected, name)
    await journal.close()
  }
})
