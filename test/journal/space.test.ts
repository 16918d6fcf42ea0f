import t from 'tap'
import { bytesOfDisk, parseDiskSize } from '../../gateway/core/disk-size.js'
import { LIMITS } from '../../gateway/core/limits.js'
import { AppendRate } from '../../gateway/journal/append-rate.js'
import { JournalSpace, type SpaceSettings } from '../../gateway/journal/space.js'
import type { Volume, VolumeUsage } from '../../gateway/journal/volume.js'
import { steppedClock } from '../support/stepped-clock.js'

const MIB = 1024 * 1024
const DISK: VolumeUsage = {
  journalBytes: 0,
  freeBytes: 1000 * MIB,
  diskBytes: 1000 * MIB,
  reserveBytes: LIMITS.reserveBytes,
}
const SETTINGS: SpaceSettings = { quota: { share: 0.8 }, keepFree: { bytes: 100 * MIB } }

/** A disk whose figures the test sets. */
class PaperVolume implements Volume {
  now = DISK
  isReadOnly = false

  async usage(): Promise<VolumeUsage> {
    return this.now
  }

  async probe(): Promise<void> {
    if (this.isReadOnly) throw new Error('Read-only file system')
  }

  async giveUpReserve(): Promise<void> {
    const { freeBytes, reserveBytes } = this.now
    this.now = { ...this.now, freeBytes: freeBytes + reserveBytes, reserveBytes: 0 }
  }

  async makeReserve(): Promise<void> {
    const { freeBytes } = this.now
    const reserveBytes = LIMITS.reserveBytes
    this.now = { ...this.now, freeBytes: freeBytes - reserveBytes, reserveBytes }
  }
}

async function spaceOf(usage: Partial<VolumeUsage>, settings: Partial<SpaceSettings> = {}) {
  const volume = new PaperVolume()
  volume.now = { ...DISK, ...usage }
  const time = steppedClock()
  const { clock } = time
  const space = await JournalSpace.open({ volume, settings: { ...SETTINGS, ...settings }, clock })
  const refused = (isMoney: boolean, bytes = 1000): string => {
    try {
      space.admit({ isMoney, bytes })
      return ''
    } catch (thrown) {
      return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'another'
    }
  }
  return { volume, space, time, refused }
}

t.test('room ends at the quota or the end of the disk; the last of it is for money', async t => {
  const cases = [
    // [journal, free, room, spare] in MiB: ample; by quota; by disk; neither
    [0, 1000, 800, 720],
    [750, 200, 50, -30],
    [100, 90, 58, -10],
    [100, 200, 168, 100],
    [801, 150, -1, -81],
    [100, 5, -27, -95],
  ] as const
  for (const [journal, free, room, spare] of cases) {
    const { space, refused } = await spaceOf({ journalBytes: journal * MIB, freeBytes: free * MIB })
    const { roomBytes, spareBytes } = space.figures
    t.same([roomBytes / MIB, spareBytes / MIB], [room, spare])
    t.equal(refused(true), room > 0 ? '' : 'TB_JOURNAL_FULL')
    t.equal(refused(false), spare > 0 ? '' : room > 0 ? 'TB_JOURNAL_LOW' : 'TB_JOURNAL_FULL')
  }
})

t.test('what is appended counts at once, until a look says what it really took', async t => {
  const { space, volume, time, refused } = await spaceOf({ journalBytes: 799 * MIB })
  space.appended(0.9 * MIB)
  t.equal(refused(true, 0.2 * MIB), 'TB_JOURNAL_FULL')
  volume.now = { ...DISK, journalBytes: 799.3 * MIB }
  t.equal(refused(true, 0.2 * MIB), 'TB_JOURNAL_FULL', 'looked at just now')
  time.step(LIMITS.lookAgainMs)
  t.equal(refused(true, 0.2 * MIB), 'TB_JOURNAL_FULL', 'this one has it looked at again')
  await space.look()
  t.equal(refused(true, 0.2 * MIB), '')
})

t.test('room is asked back before telemetry has to be refused, and with a margin', async t => {
  const at = async (journal: number) =>
    (await spaceOf({ journalBytes: journal * MIB })).space.figures.shortfallBytes / MIB
  // 90 % of 800 MiB less 2 % of it: 704 MiB.
  t.equal(await at(704), 0)
  t.equal(await at(705), 2 * 16 - 15)
  t.equal(await at(760), 2 * 16 + 40)
})

t.test(
  'the reserve is given up where LevelDB could not open, and its room is not sold',
  async t => {
    const { space, volume, refused } = await spaceOf({ freeBytes: 50 * MIB })
    await space.makeWayToReopen()
    t.equal(volume.now.reserveBytes, LIMITS.reserveBytes, 'there is room')
    volume.now = { ...volume.now, freeBytes: 4096 }
    await space.makeWayToReopen()
    t.equal(volume.now.reserveBytes, 0)
    t.equal(refused(true), 'TB_JOURNAL_FULL')
    volume.now = { ...volume.now, freeBytes: 8192 }
    await t.rejects(space.makeWayToReopen(), { code: 'TB_JOURNAL_WRITE' }, 'nothing left to give')
    await space.keepReserve()
    t.equal(volume.now.reserveBytes, 0, 'no room for it')
    volume.now = { ...volume.now, freeBytes: 140 * MIB }
    await space.look()
    t.equal(refused(true), '', 'room is back')
    await space.keepReserve()
    t.equal(volume.now.reserveBytes, LIMITS.reserveBytes)
    t.equal(refused(true), '', 'the reserve took none of it')
  },
)

t.test('a disk that takes no write keeps its database open for reading', async t => {
  const { space, volume } = await spaceOf({})
  volume.isReadOnly = true
  await t.rejects(space.makeWayToReopen(), {
    code: 'TB_JOURNAL_WRITE',
    message: 'Read-only file system',
  })
})

t.test('whether it takes money is told by the disk as it is now, not as it was', async t => {
  const { volume, space } = await spaceOf({})
  t.ok(await space.takesMoney())
  volume.isReadOnly = true
  t.notOk(await space.takesMoney())
  volume.isReadOnly = false
  volume.now = { ...volume.now, freeBytes: LIMITS.diskFloorBytes + LIMITS.eventBytes - 1 }
  t.notOk(await space.takesMoney())
  volume.now = { ...volume.now, freeBytes: LIMITS.diskFloorBytes + LIMITS.eventBytes }
  t.ok(await space.takesMoney())
})

t.test('the rate is that of the last hours, and not stated before it is known', async t => {
  const time = steppedClock()
  const rate = new AppendRate(time.clock)
  rate.add(1000)
  t.equal(rate.bytesPerHour, undefined)
  const minuteMs = 60_000
  const hours = (count: number, bytes: number): void => {
    for (let minute = 0; minute < 60 * count; minute += 1) {
      time.step(minuteMs)
      rate.add(bytes / 60)
    }
  }
  hours(0.5, 6000)
  t.ok(Math.abs((rate.bytesPerHour ?? 0) - 8000) < 200, 'half an hour: 4000 bytes')
  hours(100, 6000)
  t.ok(Math.abs((rate.bytesPerHour ?? 0) - 6000) < 60)
  hours(12, 0)
  t.ok(Math.abs((rate.bytesPerHour ?? 0) - 6000 / Math.E) < 60, 'twelve hours fade it to 1/e')
})

t.test('sizes are written with their unit', async t => {
  t.same(parseDiskSize('2GiB'), { bytes: 2 * 2 ** 30 })
  t.same(parseDiskSize('1.5 MiB'), { bytes: 1.5 * MIB })
  t.same(parseDiskSize('12.5%'), { share: 0.125 })
  for (const text of ['2', '2GB', '-1MiB', '101%', 'MiB', '1e3MiB', ''])
    t.equal(parseDiskSize(text), undefined, text)
  t.equal(bytesOfDisk({ share: 0.125 }, 1000), 125)
  t.equal(bytesOfDisk({ bytes: 7 }, 1000), 7)
})
