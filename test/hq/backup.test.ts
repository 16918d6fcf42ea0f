import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Ledger } from '../../gateway/hq/ledger.js'
import { ledgerWith } from '../support/ledger-with.js'
import { startMosquitto } from '../support/mosquitto.js'
import {
  freshDirectory,
  openHq,
  openLedger,
  openShop,
  sell,
  soldIn,
  upTo,
} from '../support/shop.js'
import { until } from '../support/until.js'

const PART = 60
const BACKUPS = 4
const KEPT = 2

/** HQ on an embedded ledger that is copied and put back as an operator would, by its directory. */
class Headquarters {
  readonly directory: string
  readonly #t: Test
  readonly #port: number
  readonly #flaw: (ledger: Ledger) => Ledger
  #running: ReturnType<typeof openHq> | undefined
  ledger: Ledger | undefined

  constructor(
    t: Test,
    options: { readonly port: number; readonly flaw: (ledger: Ledger) => Ledger },
  ) {
    this.#t = t
    this.#port = options.port
    this.#flaw = options.flaw
    this.directory = freshDirectory(t)
  }

  async start(): Promise<Ledger> {
    const ledger = this.#flaw(await openLedger(join(this.directory, 'ledger')))
    this.ledger = ledger
    this.#running = openHq(this.#t, { port: this.#port, ledger })
    return ledger
  }

  /** Makes a backup of the stopped directory, between `begin` and `done`. */
  async backUp(): Promise<void> {
    const begun = await this.ledger?.beginBackup()
    await this.#running?.close()
    cpSync(join(this.directory, 'ledger'), join(this.directory, `backup-${begun?.id}`), {
      recursive: true,
    })
    await (await this.start()).endBackup(begun?.id ?? 0, KEPT)
  }

  async restart(): Promise<Ledger> {
    await this.#running?.close()
    return this.start()
  }

  async restore(id: number): Promise<Ledger> {
    await this.#running?.close()
    rmSync(join(this.directory, 'ledger'), { recursive: true })
    cpSync(join(this.directory, `backup-${id}`), join(this.directory, 'ledger'), {
      recursive: true,
    })
    return this.start()
  }
}

/** A shop that sells, is backed up, and sells on, until it has trimmed what its HQ calls safe. */
async function trade(t: Test, flaw: (ledger: Ledger) => Ledger = same => same) {
  const broker = await startMosquitto()
  t.teardown(() => broker.stop())
  const hq = new Headquarters(t, { port: broker.port, flaw })
  await hq.start()
  const shop = await openShop(t, { port: broker.port })
  const { journal } = shop
  for (let part = 0; part < BACKUPS; part += 1) {
    await sell(journal, upTo((part + 1) * PART, part * PART + 1))
    await until('all is confirmed', () => journal.statistics().backlog === 0)
    await hq.backUp()
  }
  // The next receipt tells the store what is safe now.
  await sell(journal, upTo(BACKUPS * PART + 10, BACKUPS * PART + 1))
  await until('all is confirmed', () => journal.statistics().backlog === 0)
  const sold = BACKUPS * PART + 10
  return { hq, shop, sold, directory: hq.directory }
}

for (const restored of [BACKUPS - KEPT + 1, BACKUPS])
  t.test(`backup ${restored} of ${BACKUPS} is restored: nothing is missing`, async t => {
    const { hq, shop, sold } = await trade(t)
    const { journal } = shop
    t.equal(journal.statistics().retention, 'safe')
    const kept = sold + 1 - (BACKUPS - KEPT + 1) * PART
    await until('it trims', () => journal.statistics().records < kept + 5)
    t.ok(journal.statistics().records >= kept - 1, `${journal.statistics().records} kept`)
    const before = await hq.ledger?.generation()
    const ledger = await hq.restore(restored)
    t.equal((await soldIn(ledger)).length, restored * PART, 'as it was backed up')
    await until('all is there again', async () => (await soldIn(ledger)).length === sold)
    t.same(await soldIn(ledger), upTo(sold))
    await until('all is confirmed', () => journal.statistics().backlog === 0)
    const after = await ledger.generation()
    t.not(after.ledger, before?.ledger, 'a new generation')
    t.same(await (await hq.restart()).generation(), after, 'and no other at the next start')
  })

t.test('a store that trims whatever is confirmed loses sales to a restore', async t => {
  const { hq, shop, sold } = await trade(t, real =>
    ledgerWith(real, {
      receipt: async (store, asked) => {
        const receipt = await real.receipt(store, asked)
        const epochs = receipt.epochs.map(epoch => ({ ...epoch, safe: epoch.upTo }))
        return { ...receipt, epochs }
      },
    }),
  )
  await until('all is trimmed', () => shop.journal.statistics().records < 5)
  const ledger = await hq.restore(BACKUPS - KEPT + 1)
  await sell(shop.journal, [sold + 1])
  await until('it is confirmed', async () => (await soldIn(ledger)).includes(sold + 1))
  await until('all is confirmed', () => shop.journal.statistics().backlog === 0)
  t.ok((await soldIn(ledger)).length < sold, `${(await soldIn(ledger)).length} of ${sold + 1}`)
})
