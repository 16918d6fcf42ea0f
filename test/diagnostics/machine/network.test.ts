import { createServer } from 'node:net'
import t, { type Test } from 'tap'
import { checkNetwork } from '../../../gateway/diagnostics/machine/network.js'
import { machineOf, shopOf } from '../../support/machine.js'

const OFF = 'broker: off\n'

async function portInUse(test: Test): Promise<number> {
  const server = createServer(socket => socket.on('error', () => undefined).end())
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  test.teardown(() => server.close())
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

const check = (lines: string) => checkNetwork(machineOf({ config: shopOf(OFF + lines) }))
const terminal = (line: string): string =>
  `terminals: [ { id: r1, profile: a/b, firmware: '1', line: { ${line} } } ]`

t.test('a terminal on the network answers, or does not', async t => {
  const port = await portInUse(t)
  t.match(await check(terminal(`tcp: { host: 127.0.0.1, port: ${port} }`)), [
    { name: 'line of r1', state: 'ok', found: `127.0.0.1:${port} answers` },
  ])
  t.match(await check(terminal('tcp: { host: 127.0.0.1, port: 1 }')), [
    { state: 'fail', found: /ECONNREFUSED/, doThis: /`line\.tcp`/ },
  ])
  t.match(await check(`buses: [ { id: b1, line: { tcp: { host: 127.0.0.1, port: ${port} } } } ]`), [
    { name: 'line of b1', state: 'ok' },
  ])
})

t.test('a port to listen on is free, taken, or of another machine', async t => {
  const port = await portInUse(t)
  const printer = (listen: string) =>
    terminal(`printer: { listen: { ${listen} }, forward: { host: 127.0.0.1, port: ${port} } }`)
  t.match(await check(printer(`host: 127.0.0.1, port: ${port}`)), [
    { name: 'printer of r1', state: 'ok' },
    {
      name: 'port for r1',
      state: 'warn',
      found: `127.0.0.1:${port} is in use`,
      doThis: /running gateway; .*`line\.printer\.listen`/,
    },
  ])
  t.match(await check(terminal('listen: { host: 192.0.2.1, port: 9100 }')), [
    { state: 'fail', found: /EADDRNOTAVAIL/, doThis: /`line\.listen` an address of this machine/ },
  ])
  const broker = shopOf(`broker: { listen: '127.0.0.1:${port}' }\nmetrics: { port: ${port} }\n`)
  t.match(await checkNetwork(machineOf({ config: broker })), [
    { name: 'broker.listen', state: 'warn' },
    { name: 'metrics.port', state: 'warn' },
  ])
  t.strictSame(await checkNetwork(machineOf({ config: undefined })), [])
})
