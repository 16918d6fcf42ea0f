import { join } from 'node:path'
import { Level } from 'level'
import t from 'tap'
import { type Clock, systemClock } from '../../../gateway/core/clock.js'
import { checkBluetooth } from '../../../gateway/diagnostics/machine/bluetooth.js'
import { bluezAdapters } from '../../../gateway/diagnostics/machine/bluez.js'
import { checkDisk, filesystemOf } from '../../../gateway/diagnostics/machine/disk.js'
import { checkJournalLock } from '../../../gateway/diagnostics/machine/journal-lock.js'
import { deviceOf, lockHolder } from '../../../gateway/diagnostics/machine/locks.js'
import { checkPseudoTerminals } from '../../../gateway/diagnostics/machine/pseudo-terminals.js'
import { reportLines } from '../../../gateway/diagnostics/machine/report.js'
import { checkWallClock } from '../../../gateway/diagnostics/machine/wall-clock.js'
import { machineOf, shopOf } from '../../support/machine.js'

const BUS = 'DBUS_SYSTEM_BUS_ADDRESS'

t.test('Bluetooth is told, never a fault while no terminal needs it', async t => {
  const none = await checkBluetooth(machineOf({ root: t.testdir({}) }))
  t.match(none, [{ state: 'ok', found: /^no D-Bus/ }])

  const root = t.testdir({ run: { dbus: { system_bus_socket: '' } } })
  const found = async (adapters: () => Promise<readonly string[]>) => {
    const [finding] = await checkBluetooth(machineOf({ root, bluetoothAdapters: adapters }))
    return finding?.found
  }
  t.equal(await found(async () => ['hci0', 'hci1']), 'hci0, hci1')
  t.equal(await found(async () => []), 'BlueZ runs, without an adapter; no terminal needs it')
  t.match(await found(() => Promise.reject(new Error('ServiceUnknown'))), /^no BlueZ \(Service/)
  const impatient: Clock = {
    ...systemClock,
    after: (_ms, ring) => {
      ring()
      return () => undefined
    },
  }
  const silent = machineOf({
    root,
    clock: impatient,
    bluetoothAdapters: () => new Promise(() => {}),
  })
  t.match(await checkBluetooth(silent), [{ state: 'ok', found: /no answer in 3000 ms/ }])
})

t.test('a system bus that cannot be reached is an error, not the end of the process', async t => {
  const address = process.env[BUS]
  process.env[BUS] = `unix:path=${join(t.testdir({}), 'none')}`
  t.teardown(() => {
    if (address === undefined) delete process.env[BUS]
    else process.env[BUS] = address
  })
  await t.rejects(bluezAdapters(), /ENOENT|connect/)
})

t.test('the data directory is there, will be made, or cannot be', async t => {
  const folder = t.testdir({ file: '' })
  const on = (dataDir: string) => checkDisk(machineOf({ config: shopOf(`dataDir: ${dataDir}`) }))
  t.match((await on(folder))[0], { state: 'ok', found: `${folder} is writable` })
  t.match((await on(join(folder, 'a/b')))[0], { state: 'ok', found: /a\/b will be made$/ })
  t.match(await on(join(folder, 'file/a')), [
    { state: 'fail', found: /is not writable/, doThis: /dataDir/ },
  ])
  t.match((await on(folder))[1], { name: 'disk space', found: /^\d+ MiB free$/ })
  t.strictSame(await checkDisk(machineOf({ config: undefined })), [])
})

t.test('the filesystem is that of the nearest mount, the last one on a point', async t => {
  const mounts = [
    '/dev/root / ext4 rw 0 0',
    'none /data overlay rw 0 0',
    '/dev/sda1 /data ext4 rw 0 0',
    'tmpfs /data/tmp tmpfs rw 0 0',
    '',
  ].join('\n')
  t.equal(filesystemOf({ folder: '/var/lib', mounts }), 'ext4')
  t.equal(filesystemOf({ folder: '/data/shop', mounts }), 'ext4')
  t.equal(filesystemOf({ folder: '/data/tmp', mounts }), 'tmpfs')
  t.equal(filesystemOf({ folder: '/database', mounts }), 'ext4')
  const folder = t.testdir({})
  const config = shopOf(`dataDir: ${folder}`)
  for (const [type, finding] of [
    ['tmpfs', { state: 'warn', found: /lost with power/ }],
    ['vfat', { state: 'warn', found: /less well/ }],
    ['ext4', { state: 'ok' }],
  ] as const) {
    const root = t.testdir({ proc: { mounts: `x / ${type} rw 0 0\n` }, data: {} })
    const at = shopOf(`dataDir: ${join(root, 'data')}`)
    t.match((await checkDisk(machineOf({ root, config: at })))[2], finding, type)
  }
  t.match((await checkDisk(machineOf({ config })))[2], { name: 'filesystem' })
})

t.test('the process that has the journal open is named', async t => {
  const dataDir = t.testdir({})
  const machine = machineOf({ config: shopOf(`dataDir: ${dataDir}`) })
  t.match(await checkJournalLock(machine), [{ state: 'ok', found: 'none yet' }])
  const journal = new Level(join(dataDir, 'journal'))
  await journal.open()
  t.match(await checkJournalLock(machine), [
    { state: 'warn', found: new RegExp(`^process ${process.pid} \\(.+\\) has it open$`) },
  ])
  await journal.close()
  t.match(await checkJournalLock(machine), [{ state: 'ok', found: /^no process/ }])
  const locks =
    '1: POSIX  ADVISORY  WRITE 11 08:01:5 0 EOF\n1: -> POSIX  ADVISORY  WRITE 12 08:01:6 0 EOF\n'
  const device = deviceOf(0x801)
  const kind = 'POSIX'
  t.equal(lockHolder({ kind, device, inode: 5, locks }), 11)
  t.equal(lockHolder({ kind, device, inode: 6, locks }), undefined, 'waiting is not holding')
  t.equal(lockHolder({ kind, device: '00:1a', inode: 5, locks }), undefined, 'another disk')
  const whole = '1: FLOCK  ADVISORY  WRITE 13 08:01:5 0 EOF\n'
  t.equal(lockHolder({ kind, device, inode: 5, locks: whole }), undefined, "not LevelDB's kind")
})

t.test('the clock: set, not vouched for, in the past', async t => {
  const at = (wallMs: number, clockState: 'synced' | 'unsure') =>
    checkWallClock(
      machineOf({
        clock: { ...systemClock, wallMs: () => wallMs },
        clockState: () => clockState,
        config: shopOf('timeZone: Europe/Berlin'),
      }),
    )
  const nowMs = Date.UTC(2026, 10, 22, 12)
  t.match(await at(nowMs, 'synced'), [{ state: 'ok', found: /^2026-11-22T13:00:00.000\+01:00/ }])
  t.match(await at(nowMs, 'unsure'), [{ state: 'warn', doThis: /set-ntp/ }])
  t.match(await at(0, 'synced'), [{ state: 'fail', found: /in the past/ }])
})

t.test('pseudo-terminals', async t => {
  t.match(await checkPseudoTerminals(machineOf()), [{ state: 'ok' }])
  const without = machineOf({ root: t.testdir({}) })
  t.match(await checkPseudoTerminals(without), [{ state: 'warn', doThis: /devpts/ }])
})

t.test('the table: one line a finding, what to do below it', async t => {
  const lines = reportLines([
    { name: 'a', state: 'ok', found: 'fine' },
    { name: 'long name', state: 'fail', found: 'broken', doThis: 'Mend it.' },
  ])
  t.strictSame(lines, [
    'ok    a          fine',
    'fail  long name  broken',
    '                 Mend it.',
  ])
})
