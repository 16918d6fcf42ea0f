import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '../../core/clock.js'
import { boundToParent } from '../bound-child.js'

/** As on Debian's system bus; the limit is D-Bus' own default. */
const config = (socket: string, rule: string): string =>
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
    ${rule}
  </policy>
  <limit name="max_match_rules_per_connection">512</limit>
</busconfig>`

const UP_MS = 10_000
const LOOK_MS = 10
/** As setpriv(1) ends where it finds no such program. */
const NOT_FOUND = 127

export interface PrivateBus {
  /** For DBUS_SYSTEM_BUS_ADDRESS. */
  readonly address: string
  /** Ends the daemon, as a crash would; `start` makes another on the same address. */
  kill(): Promise<void>
  start(): Promise<void>
  /** Ends it and removes what it had on the disk. */
  stop(): Promise<void>
}

/**
 * A dbus-daemon of our own: nothing of the machine's system bus is touched. `rule`: a further one
 * of its policy. @throws Error where there is no dbus-daemon
 */
export async function openPrivateBus(clock: Clock, rule = ''): Promise<PrivateBus> {
  const folder = await mkdtemp(join(tmpdir(), 'tillbridge-bus-'))
  const [file, socket] = [join(folder, 'bus.conf'), join(folder, 'socket')]
  await writeFile(file, config(socket, rule))
  let end: () => Promise<void> = async () => undefined
  const start = async (): Promise<void> => {
    await rm(socket, { force: true })
    const args = ['--config-file', file, '--nofork', '--nopidfile']
    const daemon = spawn(...boundToParent('dbus-daemon', args), { stdio: 'ignore' })
    let failure: unknown
    const gone = once(daemon, 'exit').then(
      ([code]) => {
        failure = new Error(code === NOT_FOUND ? 'dbus-daemon: not found' : `exit code ${code}`)
      },
      thrown => {
        failure = thrown
      },
    )
    const kill = (): void => void daemon.kill('SIGKILL')
    process.once('exit', kill)
    end = async () => {
      process.off('exit', kill)
      kill()
      await gone
    }
    const giveUpMs = clock.monotonicMs() + UP_MS
    // The socket is there a moment before anybody listens on it.
    while (!(await isListening(socket))) {
      if (failure !== undefined) throw failure
      if (clock.monotonicMs() > giveUpMs) throw new Error('dbus-daemon did not come up')
      await clock.sleep(LOOK_MS)
    }
  }
  try {
    await start()
  } catch (thrown) {
    await rm(folder, { recursive: true, force: true })
    throw thrown
  }
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
