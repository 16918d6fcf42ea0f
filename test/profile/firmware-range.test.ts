import t from 'tap'
import {
  compareFirmware,
  coversFirmware,
  rangesOverlap,
} from '../../gateway/profile/firmware-range.js'

t.test('versions in order', async t => {
  const ordered = ['0', '0.9', '1', '1.0', '1.0.1', '1.0b', '1.2', '1.9', '1.10', '2.0-rc1', '10']
  for (const [index, version] of ordered.entries()) {
    t.equal(compareFirmware(version, version), 0)
    for (const later of ordered.slice(index + 1)) {
      t.equal(compareFirmware(version, later), -1, `${version} before ${later}`)
      t.equal(compareFirmware(later, version), 1, `${later} after ${version}`)
    }
  }
  t.equal(compareFirmware('1.02', '1.2'), 0)
  t.equal(compareFirmware('V1A', 'v1a'), 0)
})

t.test('closed ranges', async t => {
  const range = { from: '1.0', to: '1.9' }
  for (const version of ['1.0', '1.0.3', '1.9', '1.5b'])
    t.ok(coversFirmware(range, version), version)
  for (const version of ['0.9', '1', '1.9.1', '1.10', '2']) t.notOk(coversFirmware(range, version))
  t.ok(rangesOverlap(range, { from: '1.9', to: '2.0' }))
  t.ok(rangesOverlap({ from: '1.2', to: '1.3' }, range))
  t.notOk(rangesOverlap(range, { from: '1.9.1', to: '2.0' }))
})
