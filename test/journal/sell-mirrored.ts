// A program: sells with a second copy until it is killed; writes the ids of what was acknowledged,
// and how it stands with the copies, to stdout. Arguments: the data directory, the path of the
// copy, the number of the first sale.
import { writeSync } from 'node:fs'
import { sale } from '../support/sample.js'
import { openMirrored } from './open-mirrored.js'

const [, , dataDir = '', path = '', from = '0'] = process.argv
const { journal, reports } = await openMirrored(dataDir, path)
let said = 0
for (let number = Number(from); ; number += 1) {
  const event = sale({ number, lines: 4 })
  await journal.append([event])
  for (const report of reports.slice(said)) writeSync(1, `${JSON.stringify(report)}\n`)
  said = reports.length
  writeSync(1, `${event.id}\n`)
}
