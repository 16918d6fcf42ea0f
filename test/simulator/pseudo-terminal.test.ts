import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, lstatSync, realpathSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { SerialPort } from 'serialport'
import t from 'tap'
import { openPseudoTerminal } from '../../gateway/simulator/pseudo-terminal.js'

/** Every byte value, as a translation, an echo or a flow control character would change it. */
const EVERY_BYTE = Uint8Array.from({ length: 256 }, (_, value) => value)

async function openPort(path: string): Promise<SerialPort> {
  const port = new SerialPort({ path, baudRate: 9600, autoOpen: false })
  await new Promise<void>((resolve, reject) =>
    port.open(error => (error instanceof Error ? reject(error) : resolve())),
  )
  return port
}

/** Collects until `count` bytes are there. */
function collect(
  listen: (listener: (bytes: Uint8Array) => void) => void,
  count: number,
): Promise<Buffer> {
  return new Promise(resolve => {
    let all = Buffer.alloc(0)
    listen(bytes => {
      all = Buffer.concat([all, bytes])
      if (all.length >= count) resolve(all)
    })
  })
}

t.test('every byte passes unchanged, both ways, through serialport', async t => {
  const terminal = openPseudoTerminal()
  t.teardown(() => terminal.close())
  const port = await openPort(terminal.path)
  const inPort = collect(listener => port.on('data', listener), 256)
  await terminal.write(EVERY_BYTE)
  t.same([...(await inPort)], [...EVERY_BYTE])
  const inTerminal = collect(listener => terminal.onData(listener), 256)
  port.write(Buffer.from(EVERY_BYTE))
  t.same([...(await inTerminal)], [...EVERY_BYTE])
  port.close()
  await once(port, 'close')
})

t.test('our end outlives a gateway that dies, and the next one is heard', async t => {
  const terminal = openPseudoTerminal()
  t.teardown(() => terminal.close())
  const script = `require('node:fs').openSync(${JSON.stringify(terminal.path)}, 'r+'); process.kill(process.pid, 'SIGKILL')`
  const gateway = spawn(process.execPath, ['-e', script])
  await once(gateway, 'exit')
  const port = await openPort(terminal.path)
  const heard = collect(listener => port.on('data', listener), 5)
  await terminal.write(Buffer.from('hello'))
  t.equal((await heard).toString(), 'hello')
  port.close()
  await once(port, 'close')
})

t.test('a stable link leads to the device, and goes when the line is closed', t => {
  const link = join(t.testdir(), 'dev', 'register-1')
  const first = openPseudoTerminal({ link })
  const second = openPseudoTerminal({ link })
  t.equal(second.path, link)
  t.equal(realpathSync(link), second.device)
  first.close()
  t.ok(lstatSync(link).isSymbolicLink(), 'the older line leaves the link of the newer alone')
  second.close()
  second.close()
  t.notOk(existsSync(link))
  t.end()
})

t.test('closing hangs up on the gateway', async t => {
  const terminal = openPseudoTerminal()
  const port = await open(terminal.path, 'r+')
  const read = port.read(Buffer.alloc(1)).then(
    result => result.bytesRead,
    () => 0, // EIO or end of file: the kernel may say either
  )
  terminal.close()
  t.equal(await read, 0)
  await port.close()
  await t.rejects(terminal.write(Buffer.from('x')))
})
