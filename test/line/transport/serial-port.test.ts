import { execFileSync } from 'node:child_process'
import { chmodSync, closeSync, constants, openSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import koffi from 'koffi'
import t, { type Test } from 'tap'
import { systemClock } from '../../../gateway/core/clock.js'
import {
  type SerialPortOptions,
  SerialPortTransport,
} from '../../../gateway/line/transport/serial-port.js'
import { Reader, type Rig, transportContract } from '../../contract/transport.js'
import { SocatLine } from '../../support/socat-line.js'
import { until } from '../../support/until.js'

const signal = new AbortController().signal
const directory = t.testdir()
let lines = 0

function newPath(): string {
  lines += 1
  return join(directory, `line-${lines}`)
}

function transportOf(path: string, options: Partial<SerialPortOptions> = {}): SerialPortTransport {
  const settings = { baudRate: 9600, dataBits: 8, parity: 'none', stopBits: 1 } as const
  return new SerialPortTransport({ path, ...settings, clock: systemClock, ...options })
}

async function openLine(t: Test): Promise<SocatLine> {
  const line = await SocatLine.open(newPath())
  t.teardown(() => line.gone())
  return line
}

async function createRig(): Promise<Rig> {
  const path = newPath()
  let line = await SocatLine.open(path)
  const transport = transportOf(path)
  return {
    transport,
    connect: () => transport.connect(signal),
    send: bytes => line.send(bytes),
    received: () => line.received,
    lose: () => line.hangUp(),
    restore: async () => {
      await line.gone()
      line = await SocatLine.open(path)
    },
    dispose: () => line.gone(),
  }
}

t.test('a serial port is a transport', async t => transportContract(t, createRig))

t.test('a hang-up in a flood ends the reading, each time, and frees the port', async t => {
  const openBefore = readdirSync('/proc/self/fd').length
  for (let time = 0; time < 10; time++) {
    const line = await SocatLine.open(newPath())
    const connection = await transportOf(line.path).connect(signal)
    const reader = new Reader(connection)
    const flood = new Uint8Array(256 * 1024).fill(0x55)
    line.send(flood)
    await until('the flood flows', () => reader.bytes.length > 16_384)
    line.hangUp()
    t.equal(await reader.end, 'TB_LINE_CLOSED')
    await connection.close()
    await line.gone()
  }
  t.ok(readdirSync('/proc/self/fd').length <= openBefore + 1, 'no descriptor is left open')
})

t.test('a second opener is refused, and the live port keeps its settings', async t => {
  const line = await openLine(t)
  const connection = await transportOf(line.path, { baudRate: 19_200, stopBits: 1 }).connect(signal)
  const before = stty(line.path)
  t.match(before, /speed 19200 baud/)
  t.match(before, / -cstopb/)
  const second = transportOf(line.path, { baudRate: 1200, stopBits: 2 })
  await t.rejects(second.connect(signal), { code: 'TB_LINE_BUSY' })
  t.equal(stty(line.path), before)
  await connection.close()
  const third = await second.connect(signal)
  t.match(stty(line.path), /speed 1200 baud/, 'the lock went with the connection')
  t.match(stty(line.path), / cstopb/)
  await third.close()
})

t.test('what a former session left unread is not read as if it were said now', async t => {
  const line = await openLine(t)
  line.send(new TextEncoder().encode('stale'))
  await until('it waits in the port', () => unread(line.path) === 5)
  const connection = await transportOf(line.path).connect(signal)
  const reader = new Reader(connection)
  line.send(new TextEncoder().encode('fresh'))
  await until('the fresh bytes', () => reader.bytes.length >= 5)
  t.equal(new TextDecoder().decode(reader.bytes), 'fresh')
  await connection.close()
})

t.test('a device that takes no bytes is given up, and gets no late ones', async t => {
  const line = await openLine(t)
  const after = (ms: number, callback: () => void) => systemClock.after(ms / 10, callback)
  const connection = await transportOf(line.path, { clock: { ...systemClock, after } }).connect(
    signal,
  )
  const reader = new Reader(connection)
  await line.freeze()
  const stuck = connection.write(new Uint8Array(256 * 1024).fill(0x41))
  const queued = connection.write(new TextEncoder().encode('LATE'))
  await t.rejects(stuck, { code: 'TB_LINE_CLOSED', message: /takes no bytes/ })
  await t.rejects(queued, { code: 'TB_LINE_CLOSED' })
  t.equal(await reader.end, 'TB_LINE_CLOSED')
  await connection.close()
  line.thaw()
  const again = await transportOf(line.path).connect(signal)
  await again.write(new TextEncoder().encode('NOW'))
  await until('the device listens again', () => text(line.received).endsWith('NOW'))
  // What the kernel has handed to the device's side cannot be called back: a page at most.
  t.ok(line.received.length <= 4096 + 3, `${line.received.length} bytes got through`)
  t.notMatch(text(line.received), /LATE/)
  await again.close()
})

t.test('what is being written when the line is closed still goes out', async t => {
  const line = await openLine(t)
  const connection = await transportOf(line.path).connect(signal)
  const bytes = new Uint8Array(64 * 1024).fill(0x41)
  await line.freeze()
  const writing = connection.write(bytes)
  const closing = connection.close()
  line.thaw()
  await Promise.all([writing, closing])
  await until('all of it', () => line.received.length === bytes.length)
  t.pass()
})

t.test('a path that is missing, not a port, or not ours says which', async t => {
  const missing = transportOf(join(directory, 'missing'))
  await t.rejects(missing.connect(signal), { code: 'TB_LINE_UNAVAILABLE', message: /ENOENT/ })
  const file = join(directory, 'file')
  writeFileSync(file, '')
  await t.rejects(transportOf(file).connect(signal), { code: 'TB_LINE_UNAVAILABLE' })
  chmodSync(file, 0)
  await asNobody(() => t.rejects(transportOf(file).connect(signal), { code: 'TB_LINE_PERMISSION' }))
})

t.test('an adapter without RS-485 mode or RTS is told apart, and let go', async t => {
  const line = await openLine(t)
  const rs485 = {
    direction: 'kernel' as const,
    rtsOnSend: true,
    delayBeforeSendMs: 0,
    delayAfterSendMs: 0,
    receiveWhileSending: false,
  }
  const byRts = { ...rs485, direction: 'rts' as const }
  for (const options of [{ rs485 }, { rs485: byRts }])
    await t.rejects(transportOf(line.path, options).connect(signal), { code: 'TB_LINE_SETTINGS' })
  const connection = await transportOf(line.path).connect(signal)
  await connection.close()
})

function stty(path: string): string {
  return execFileSync('stty', ['-F', path, '-a'], { encoding: 'utf8' })
}

/** Bytes that arrived on a port nobody reads (FIONREAD of asm-generic/ioctls.h). */
function unread(path: string): number {
  const ioctl = koffi.load('libc.so.6').func('ioctl', 'int', ['int', 'ulong', '_Out_ uint32_t *'])
  const fd = openSync(path, constants.O_RDWR | constants.O_NOCTTY)
  const count = Uint32Array.of(0)
  ioctl(fd, 0x541b, count)
  closeSync(fd)
  return count[0] ?? 0
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}

/** Root may open anything: for a test of permissions it is somebody else. */
async function asNobody(work: () => Promise<unknown>): Promise<void> {
  const isRoot = process.geteuid?.() === 0
  if (isRoot) process.seteuid?.(65_534)
  try {
    await work()
  } finally {
    if (isRoot) process.seteuid?.(0)
  }
}
