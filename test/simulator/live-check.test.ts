import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { LedgerFeed } from '../../gateway/simulator/ledger-feed.js'
import { LineTail } from '../../gateway/simulator/line-tail.js'
import { LiveCheck } from '../../gateway/simulator/live-check.js'

t.test('a tail gives each whole line once, and a torn one when it is whole', t => {
  const path = join(t.testdir(), 'log.ndjson')
  const tail = new LineTail(path)
  t.same(tail.read(), [], 'no file yet')
  appendFileSync(path, 'one\ntwo\nthr')
  t.same(tail.read(), ['one', 'two'])
  const bytes = Buffer.from('ée\n')
  appendFileSync(path, bytes.subarray(0, 1))
  t.same(tail.read(), [])
  appendFileSync(path, bytes.subarray(1))
  t.same(tail.read(), ['thrée'])
  t.end()
})

t.test('the check follows both sides; an HQ that is away changes nothing', async t => {
  // A socket's path may not exceed 107 bytes, and the folders of a test are deep.
  const directory = mkdtempSync(join(tmpdir(), 'tillbridge-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const socketPath = join(directory, 'query.sock')
  const path = join(directory, 'register-1.ndjson')
  const feed = new LedgerFeed({ socketPath })
  const check = new LiveCheck({ ledger: feed, tills: [new LineTail(path)] })
  const sale = { type: 'sale.completed', receiptNumber: '1', businessDay: '2026-11-22' }
  const till = 'register-1'
  for (const line of [
    { type: 'till', till, numbered: true, atMs: 1 },
    { type: 'sale', till, n: 1, atMs: 1, sale },
    { type: 'acknowledged', till, n: 1, atMs: 2 },
  ])
    appendFileSync(path, `${JSON.stringify(line)}\n`)
  t.match(await check.update(), { acknowledged: 1, waiting: 1, lost: 0, found: 0 })

  const { type, ...data } = sale
  const place = { store: 'store-001', epoch: `1-${'a'.repeat(32)}`, seq: 2, hash: 'f'.repeat(64) }
  const event = JSON.stringify({ type, terminal: till, data })
  const row = JSON.stringify({ position: 9, ...place, kind: 'event', header: {}, event })
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    response.end(asked.length === 1 ? `${row}\n{"position":10,"sto` : '')
  })
  await new Promise<void>(resolve => server.listen(socketPath, resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  t.match(await check.update(), { waiting: 0, found: 1 })
  t.match(await check.update(), { found: 1, doubled: 0 })
  t.equal(check.ledgerRows, 9)
  t.same(asked, ['/rows?after=0', '/rows?after=9'])
})
