import t from 'tap'
import { updateTo } from './bad-update.js'

const SEED = 20_261_201

t.setTimeout(300_000)

t.test(
  'a version that acknowledges what it does not keep goes back, and no sale is lost',
  async t => {
    const { report, isSound, wentBack, starts, rows } = await updateTo({ bad: 'lies', seed: SEED })
    t.equal(wentBack, '2.0.0 went back to 1.0.0: it did not sell')
    t.ok(isSound, report.findings.join('\n'))
    t.match(report, { lost: 0, doubled: 0, unknown: 0, waiting: 0 })
    t.ok(report.acknowledged >= 80, `${report.acknowledged} sales were acknowledged`)
    t.equal(starts, 1, 'one start was enough')
    const alarm = /update-unfit[^\n]*raised|raised[^\n]*update-unfit/
    t.match(rows, alarm, 'HQ hears of it from the version before')
    t.match(
      rows,
      /2\.0\.0 went back to 1\.0\.0: it did not sell \(a sale was acknowledged and is not/,
    )
  },
)
