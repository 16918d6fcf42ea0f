import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { epochId, storeId } from '../../gateway/core/ids.js'
import { type Event, encodeEvent, parseEvent } from '../../gateway/event/event.js'
import type { LedgerRow } from '../../gateway/hq/ledger.js'
import { encodeRow } from '../../gateway/hq/query-server.js'
import { type CheckReport, isSound, LedgerChecker } from '../../gateway/simulator/ledger-checker.js'
import { chainHash, GENESIS, type RecordHeader } from '../../gateway/wire/record.js'

const CHECKER = 'build/gateway/simulator/ledger-checker.js'
const STORE = storeId('store-001')
const FIRST = epochId(`1-${'a'.repeat(32)}`)
const SECOND = epochId(`2-${'b'.repeat(32)}`)

interface Sale {
  readonly n: number
  readonly amountMinor: number
  readonly receiptNumber?: string
}

const sale = (n: number): Sale => ({ n, amountMinor: 100 + n, receiptNumber: String(n) })

function saleData(sale: Sale): Record<string, unknown> {
  const { amountMinor, receiptNumber } = sale
  return {
    ...(receiptNumber === undefined ? {} : { receiptNumber, businessDay: '2026-11-22' }),
    currency: 'EUR',
    operator: '7',
    lineItems: [{ lineNumber: 1, plu: '4011', description: 'BANANAS', quantity: '1', amountMinor }],
    tenders: [{ type: 'cash', amountMinor }],
    totalMinor: amountMinor,
  }
}

function event(type: string, data: unknown, more: Record<string, unknown> = {}): Event {
  const terminal = type.startsWith('sale.') ? 'register-1' : 'gateway'
  const parsed = parseEvent({
    specversion: '1.0',
    id: createHash('sha256').update(JSON.stringify(data)).digest('hex'),
    source: `/stores/${STORE}/terminals/${terminal}`,
    type,
    time: '2026-11-22T10:00:00Z',
    datacontenttype: 'application/json',
    dataschema: `urn:tillbridge:event:${type}:1`,
    store: STORE,
    terminal,
    clock: 'synced',
    data,
    ...more,
  })
  if (!parsed.ok) throw new Error(parsed.error)
  return parsed.value
}

const saleEvent = (sale: Sale, more: Record<string, unknown> = {}): Event =>
  event('sale.completed', { ...saleData(sale), taxIncluded: true }, more)

/** An export made by the gateway's own chain: the second opinion the checker is tested by. */
class Export {
  readonly lines: string[] = []
  #head = GENESIS
  #epoch = FIRST
  #seq = 0

  constructor() {
    this.add(event('gateway.started', { software: 'test' }))
  }

  add(body: Event, kind: LedgerRow['kind'] = 'event'): this {
    this.#seq += 1
    const bytes = encodeEvent(body)
    const header: RecordHeader = {
      epoch: this.#epoch,
      seq: this.#seq,
      class: 'ledger',
      type: body.type,
      boot: 'boot',
      monotonicMs: 5,
      clock: 'synced',
    }
    this.#head = chainHash(this.#head, { header, body: { type: 'event', bytes } })
    const stands = { position: this.lines.length + 1, store: STORE, kind, hash: this.#head }
    const row = {
      ...stands,
      header,
      event: bytes,
      historical: false,
      recordedMs: 1_800_000_000_000,
    }
    this.lines.push(encodeRow(row))
    return this
  }

  restart(head = this.#head): this {
    const previous = { epoch: this.#epoch, last: this.#seq, head }
    this.#epoch = SECOND
    this.#seq = 0
    return this.add(event('gateway.started', { software: 'test', previous }))
  }
}

function tillLog(
  sales: readonly Sale[],
  options: { readonly acknowledged?: number; readonly numbered?: boolean } = {},
): string[] {
  const { acknowledged = sales.length, numbered = true } = options
  const till = 'register-1'
  const lines: unknown[] = [{ type: 'till', till, numbered, atMs: 1 }]
  for (const [index, one] of sales.entries()) {
    const logged = { type: 'sale.completed', ...saleData(one) }
    lines.push({ type: 'sale', till, n: one.n, atMs: 2, sale: logged })
    if (index < acknowledged) lines.push({ type: 'acknowledged', till, n: one.n, atMs: 3 })
  }
  return lines.map(line => JSON.stringify(line))
}

function check(till: readonly string[], rows: readonly string[], settled = true): CheckReport {
  const checker = new LedgerChecker()
  for (const line of till) checker.addTillLine(line)
  for (const row of rows) checker.addRow(row)
  return checker.report({ settled })
}

t.test('a sound ledger over two epochs: everything found, the chain verified', t => {
  const rows = new Export().add(saleEvent(sale(1))).add(saleEvent(sale(2)))
  rows
    .restart()
    .add(saleEvent(sale(2)), 'duplicate')
    .add(saleEvent(sale(3)))
  const report = check(tillLog([sale(1), sale(2), sale(3)]), rows.lines.toReversed())
  t.match(report, { sent: 3, acknowledged: 3, found: 3, lost: 0, doubled: 0, findings: [] })
  t.match(report.chain, { epochs: 2, records: 6, verified: 6, unverified: 0 })
  t.ok(isSound(report))
  t.end()
})

t.test('it finds a lost sale', t => {
  const rows = new Export().add(saleEvent(sale(1))).add(saleEvent(sale(3)))
  const report = check(tillLog([sale(1), sale(2), sale(3)]), rows.lines)
  t.match(report, { found: 2, lost: 1, waiting: 0 })
  t.match(report.findings[0], /register-1: sale 2 .*not in the ledger/)
  t.end()
})

t.test('while the shop sells, a sale is lost only once everything around it is there', t => {
  const rows = new Export().add(saleEvent(sale(1))).add(saleEvent(sale(3)))
  const till = tillLog([1, 2, 3, 4].map(sale))
  t.match(check(till, rows.lines, false), { lost: 1, waiting: 1 })
  const withHole = rows.lines.filter((_, index) => index !== 1)
  t.match(check(till, withHole, false), { lost: 0, waiting: 3 })
  t.end()
})

t.test('it finds a doubled sale', t => {
  const rows = new Export().add(saleEvent(sale(1))).add(saleEvent(sale(1), { id: 'other' }))
  const report = check(tillLog([sale(1)]), rows.lines)
  t.match(report, { found: 1, doubled: 1, lost: 0 })
  t.notOk(isSound(report))
  t.end()
})

t.test('it finds a changed sale, and names the fields', t => {
  const rows = new Export().add(saleEvent(sale(1))).add(saleEvent({ ...sale(2), amountMinor: 999 }))
  const report = check(tillLog([sale(1), sale(2)]), rows.lines)
  t.match(report, { found: 1, differing: 1, lost: 0 })
  t.match(report.findings[0], /totalMinor \(102 → 999\)/)
  t.end()
})

t.test('it finds a sale that no till sent, and a sale turned into another type', t => {
  const rows = new Export().add(saleEvent(sale(1))).add(saleEvent(sale(2)))
  t.match(check(tillLog([sale(1)]), rows.lines), { unknown: 1 })
  const voided = event('sale.voided', { ...saleData(sale(1)), taxIncluded: true })
  t.match(check(tillLog([sale(1)]), new Export().add(voided).lines), { differing: 1 })
  t.end()
})

t.test('it finds sales in another order than they were sent', t => {
  const rows = new Export().add(saleEvent(sale(2))).add(saleEvent(sale(1)))
  const report = check(tillLog([sale(1), sale(2)]), rows.lines)
  t.match(report, { found: 2, disordered: 1 })
  t.notOk(isSound(report))
  t.end()
})

t.test('one sale may stand there without its acknowledgement, two may not', t => {
  const rows = new Export()
    .add(saleEvent(sale(1)))
    .add(saleEvent(sale(2)))
    .add(saleEvent(sale(3)))
  const one = check(tillLog([1, 2, 3].map(sale), { acknowledged: 2 }), rows.lines)
  t.match(one, { unacknowledged: 1, findings: [] })
  const two = check(tillLog([1, 2, 3].map(sale), { acknowledged: 1 }), rows.lines)
  t.match(two.findings[0], /2 sales stand there without/)
  t.end()
})

t.test('it finds a broken chain: a byte, a missing record, a wrong join, a fork', t => {
  const till = tillLog([sale(1), sale(2)])
  const rows = new Export().add(saleEvent(sale(1))).add(saleEvent(sale(2)))
  const touched = rows.lines.with(1, (rows.lines[1] ?? '').replace('10:00:00Z', '10:00:01Z'))
  t.match(check(till, touched).chain.breaks, [/1-a+\/2: its hash does not follow/])
  t.match(check(till, rows.lines.toSpliced(1, 1)).chain, { verified: 1, unverified: 1 })
  const wrongJoin = new Export().add(saleEvent(sale(1))).restart('f'.repeat(64))
  t.match(check(till, wrongJoin.lines).chain.breaks.join(), /another hash/)
  const restarted = new Export().restart().lines
  const branch = (restarted.at(-1) ?? '').replaceAll(SECOND, `3-${'c'.repeat(32)}`)
  t.match(check(till, [...restarted, branch]).chain.breaks.join(), /fork/)
  const goesOn = new Export().add(saleEvent(sale(1))).lines
  t.match(check(till, [...goesOn, ...restarted.slice(1)]).chain.breaks, [/holds more of it/])
  t.end()
})

t.test('a counter that starts over: the second sale stands beside the first as a conflict', t => {
  const again: Sale = { ...sale(1), n: 3, amountMinor: 777 }
  const till = tillLog([sale(1), sale(2), again])
  const rows = new Export().add(saleEvent(sale(1))).add(saleEvent(sale(2)))
  t.match(check(till, rows.lines), { lost: 1, conflicts: 0 })
  rows.add(saleEvent(again), 'conflict')
  t.match(check(till, rows.lines), { found: 3, conflicts: 1, lost: 0, doubled: 0, findings: [] })
  t.end()
})

t.test('a till without numbers: repeats are allowed where they are flagged', t => {
  const plain = (n: number): Sale => ({ n, amountMinor: 100 })
  const till = tillLog([plain(1), plain(2)], { numbered: false })
  const rows = new Export().add(saleEvent(plain(1), { id: '1' }))
  t.match(check(till, rows.lines), { found: 1, lost: 1 })
  rows.add(saleEvent(plain(2), { id: '2', possiblerepeat: true }))
  t.match(check(till, rows.lines), { found: 2, lost: 0, possibleRepeats: 0, findings: [] })
  rows.add(saleEvent(plain(2), { id: '3', possiblerepeat: true }))
  t.match(check(till, rows.lines), { found: 2, possibleRepeats: 1, findings: [] })
  rows.add(saleEvent(plain(2), { id: '4' }))
  t.match(check(till, rows.lines), { found: 2, doubled: 1 })
  t.end()
})

t.test('as a program it prints the counts and fails on any fault', t => {
  const sound = tillLog([sale(1)]).join('\n')
  const lossy = tillLog([sale(1), sale(2)]).join('\n')
  const directory = t.testdir({
    sound: { 'register-1.ndjson': `${sound}\n{"torn":` },
    lossy: { 'register-1.ndjson': `${lossy}\n` },
    'rows.ndjson': `${new Export().add(saleEvent(sale(1))).lines.join('\n')}\n`,
  })
  const run = (tills: string): string[] => {
    const ledger = join(directory, 'rows.ndjson')
    return [CHECKER, '--tills', join(directory, tills), '--ledger', ledger]
  }
  const output = execFileSync(process.execPath, run('sound'), { encoding: 'utf8' })
  t.match(JSON.parse(output), { sent: 1, found: 1, lost: 0 })
  const failed = spawnSync(process.execPath, run('lossy'), { encoding: 'utf8' })
  t.equal(failed.status, 1)
  t.match(JSON.parse(failed.stdout), { lost: 1 })
  t.end()
})

t.test('it shares no code with what it checks', t => {
  const own = ['ledger-checker', 'ledger-chain', 'till-comparison']
  for (const file of own) {
    const source = readFileSync(`gateway/simulator/${file}.ts`, 'utf8')
    const imports = [...source.matchAll(/from '([^']+)'/g)].map(match => match[1] ?? '')
    const foreign = imports.filter(
      from => !from.startsWith('node:') && !own.includes(from.slice(2, -3)),
    )
    t.same(foreign, [], file)
  }
  t.end()
})
