import { spawn } from 'node:child_process'
import { constants, openSync } from 'node:fs'
import { ReadStream } from 'node:tty'
import type { Test } from 'tap'
import { concatBytes } from '../../gateway/core/bytes.js'
import { until } from './until.js'

/** A serial cable: the port that a gateway opens, and a device at the other end. */
export interface PtyPair {
  readonly port: string
  /** What the gateway wrote. */
  received(): Uint8Array
  send(bytes: Uint8Array): void
  /** The wires break; both ports stay. */
  cut(): void
  /** The adapter is unplugged. */
  unplug(): void
}

/** Two pseudo-terminals and socat between them: no process but the gateway has its port open. */
export async function openPtyPair(t: Test, port: string): Promise<PtyPair> {
  const far = `${port}.device`
  const end = (link: string): string => `pty,raw,echo=0,ignoreeof,link=${link}`
  const wires = spawn('socat', ['-d', '-d', end(port), end(far)], { stdio: 'pipe' })
  let said = ''
  wires.stderr.on('data', text => {
    said += text
  })
  await until(`socat on ${port}`, () => said.includes('starting data transfer'))
  const fd = openSync(far, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK)
  const stream = new ReadStream(fd)
  stream.setRawMode(true)
  const heard: Uint8Array[] = []
  stream.on('data', bytes => heard.push(bytes))
  stream.on('error', () => undefined)
  const unplug = (): void => {
    wires.kill('SIGKILL')
  }
  t.teardown(() => {
    unplug()
    stream.destroy()
  })
  return {
    port,
    received: () => concatBytes(heard),
    send: bytes => void stream.write(bytes),
    cut: () => void wires.kill('SIGSTOP'),
    unplug,
  }
}
