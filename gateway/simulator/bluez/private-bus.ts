import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '../../core/clock.js'

/** As on Debian's system bus; the limit is D-Bus' own default. */
const config = (socket: string): string =>
  `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=${socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
  <limit name="max_match_rules_per_connection">512</limit>
</busconfig>`

const UP_MS = 10_000
const LOOK_MS = 10

export interface PrivateBus {
  /** For DBUS_SYSTEM_BUS_ADDRESS. */
  readonly address: string
  /** Ends the daemon, as a crash would; `start` makes another on the same address. */
  kill(): Promise<void>
  start(): Promise<void>
  /** Ends it and removes what it had on the disk. */
  stop(): Promise<void>
}

/** A dbus-daemon of our own: nothing of the machine's system bus is touched. */
export async function openPrivateBus(clock: Clock): Promise<PrivateBus> {
  const folder = await mkdtemp(join(tmpdir(), 'tillbridge-bus-'))
  const [file, socket] = [join(folder, 'bus.conf'), join(folder, 'socket')]
  await writeFile(file, config(socket))
  let end: () => Promise<void> = async () => undefined
  const start = async (): Promise<void> => {
    await rm(socket, { force: true })
    const args = ['--config-file', file, '--nofork', '--nopidfile']
    const daemon = spawn('dbus-daemon', args, { stdio: 'ignore' })
    const gone = once(daemon, 'exit')
    end = async () => {
      daemon.kill('SIGKILL')
      await gone
    }
    const giveUpMs = clock.monotonicMs() + UP_MS
    // The socket is there a moment before anybody listens on it.
    while (!(await isListening(socket))) {
      if (clock.monotonicMs() > giveUpMs) throw new Error('dbus-daemon did not come up')
      await clock.sleep(LOOK_MS)
    }
  }
  await start()
  return {
    address: `unix:path=${socket}`,
    start,
    kill: () => end(),
    stop: async () => {
      await end()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function isListening(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
