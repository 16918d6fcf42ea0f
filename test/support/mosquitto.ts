import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect as connectTcp, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from './until.js'

export interface Mosquitto {
  readonly port: number
  /** As behind a half-open link: nobody is answered any more. */
  freeze(): void
  /** Ends the process; a new one may be started on the same port. */
  stop(): Promise<void>
}

/** Below those that Linux gives to whoever asks for any, which may be gone when they are used. */
const PORTS = { first: 20_000, count: 12_000 } as const

/** Each process begins elsewhere, so that two at once do not find the same. */
let tried = process.pid * 37

/** A port of the loopback that nobody has. */
export async function freePort(): Promise<number> {
  for (;;) {
    tried += 1
    const port = PORTS.first + (tried % PORTS.count)
    if (await isFree(port)) return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

/** The real mosquitto of the system, with the given lines in its configuration. */
export async function startMosquitto(
  options: {
    readonly port?: number
    readonly config?: readonly string[]
    readonly files?: Readonly<Record<string, string>>
  } = {},
): Promise<Mosquitto> {
  const port = options.port ?? (await freePort())
  const directory = mkdtempSync(join(tmpdir(), 'tillbridge-mosquitto-'))
  for (const [name, content] of Object.entries(options.files ?? {}))
    writeFileSync(join(directory, name), content, { mode: 0o644 })
  const config = join(directory, 'mosquitto.conf')
  // As root it would become the user `mosquitto`, who may not read the directory of this test.
  const user = process.getuid?.() === 0 ? ['user root'] : []
  const rest = options.config ?? ['allow_anonymous true']
  // Without it every answer behind a PUBACK waits 40 ms for our delayed acknowledgement (Nagle).
  const lines = [...user, 'set_tcp_nodelay true', `listener ${port} 127.0.0.1`, ...rest]
  writeFileSync(config, lines.join('\n').replaceAll('$DIR', directory))
  const child = spawn('/usr/sbin/mosquitto', ['-c', config], { stdio: 'ignore' })
  const exited = once(child, 'exit')
  await until('mosquitto listens', () => answers(port))
  return {
    port,
    freeze: () => void child.kill('SIGSTOP'),
    stop: async () => {
      child.kill('SIGKILL')
      await exited
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** Whether somebody listens there on the loopback. */
export function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connectTcp(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
