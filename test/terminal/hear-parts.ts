// A program: sessions over the journals of some directories. Each line of stdin is the place of a
// directory and a frame in hexadecimal that its till sends; the answer to it is written to stdout.
import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fromHex, toHex } from '../../gateway/core/bytes.js'
import { journalIn } from '../journal/open.js'
import { until } from '../support/until.js'
import { PARTS_TILL } from './parts.js'
import { type SessionUnderTest, startSession } from './shop.js'

const [, , ...directories] = process.argv
const shops = await Promise.all(directories.map(open))
for await (const line of createInterface({ input: process.stdin })) {
  const [place, frame = ''] = line.split(' ')
  const { till } = shops[Number(place)] ?? {}
  if (till === undefined) throw new RangeError(`no directory ${place}`)
  const before = till.heard().length
  await till.send(fromHex(frame))
  await until('answered', () => till.heard().length > before)
  writeSync(1, `${toHex(till.heard().subarray(before))}\n`)
}

async function open(directory: string): Promise<SessionUnderTest> {
  const shop = await startSession(
    { testdir: () => directory, teardown: () => undefined },
    { ...PARTS_TILL, journal: await journalIn(directory) },
  )
  await until('connected', () => shop.session.status.state === 'connected')
  return shop
}
