import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { sendCommand } from '../../gateway/cli/commands/send.js'
import { EXIT } from '../../gateway/cli/exit-codes.js'
import { signingKeyOf } from '../../gateway/security/signature.js'
import { invoke } from '../support/command.js'
import { type Mosquitto, startMosquitto } from '../support/mosquitto.js'
import { ended, MAIN, startProgram } from '../support/program.js'
import { freshDirectory } from '../support/shop.js'

const KEY = signingKeyOf(Buffer.alloc(32, 5))

function keyFile(t: Test, key = KEY): string {
  const file = join(freshDirectory(t), 'hq.pem')
  writeFileSync(file, key.toPem(), { mode: 0o600 })
  return file
}

/** A real gateway without terminals. */
async function runShop(t: Test, broker: Mosquitto, hq: string) {
  const yaml = [
    'store: store-001',
    `hq: { url: mqtt://127.0.0.1:${broker.port}, ${hq} }`,
    `dataDir: ${join(freshDirectory(t), 'data')}`,
    'broker: off',
  ].join('\n')
  const env = { TILLBRIDGE_CONFIG_YAML: yaml }
  const gateway = startProgram(t, [process.execPath, MAIN, 'run'], env)
  const end = ended(gateway)
  await once(gateway.stdout, 'data')
  const stop = () => {
    gateway.kill('SIGTERM')
    return end
  }
  return { stop }
}

t.test('ping: HQ asks a gateway, and hears it; what it does not know it says', async t => {
  const broker = await startMosquitto()
  t.teardown(() => broker.stop())
  const shop = await runShop(t, broker, `keys: ['${KEY.publicKey}']`)
  const to = ['--store', 'store-001', '--broker', `mqtt://127.0.0.1:${broker.port}`]
  const send = (file: string, ...words: readonly string[]) =>
    invoke(sendCommand, { args: [...to, '--key', file, ...words], env: { USER: 'alice' } })
  const file = keyFile(t)
  t.match(await send(file, 'ping'), { code: EXIT.ok, stdout: /^successful$/m })
  const json = await send(file, '--json', 'ping')
  t.match(JSON.parse(json.stdout), { outcome: { type: 'successful' } })
  t.match(await send(file, 'dance'), {
    code: EXIT.findings,
    stdout: /^failed, unsupported: .*ping/,
  })
  const nobody = await send(file, '--terminal', 'till-9', 'tare')
  t.match(nobody, { code: EXIT.findings, stdout: /no terminal till-9/ })
  const loud = await send(file, 'ping', 'loud=true')
  t.match(loud, { code: EXIT.findings, stdout: /^failed, rejected: .*loud/ })
  const stranger = keyFile(t, signingKeyOf(Buffer.alloc(32, 6)))
  const unheard = await send(stranger, '--valid', '5', 'ping')
  t.match(unheard, {
    code: EXIT.unknown,
    stdout: /^failed, unknown: the store said nothing: its hq\.keys may lack this key/m,
  })
  t.match(await send(file, 'ping', 'loud'), { code: EXIT.usage, stderr: /key=value/ })
  t.equal((await shop.stop()).code, EXIT.ok)
})

t.test('a shop that pins no key, one that is away, and no broker', async t => {
  const broker = await startMosquitto()
  t.teardown(() => broker.stop())
  const shop = await runShop(t, broker, 'mode: direct')
  const file = keyFile(t)
  const send = (port: number, store: string, valid = '3') => {
    const at = ['--store', store, '--broker', `mqtt://127.0.0.1:${port}`, '--key', file]
    return invoke(sendCommand, { args: [...at, '--valid', valid, 'ping'] })
  }
  const unpinned = await send(broker.port, 'store-001', '60')
  t.match(unpinned, { code: EXIT.findings, stdout: /^failed, unsupported: .*hq\.keys/ })
  const away = await send(broker.port, 'store-002')
  t.match(away, { code: EXIT.findings, stdout: /^failed, expired: the store was not there$/m })
  t.match(await send(1, 'store-001'), {
    code: EXIT.findings,
    stdout: /^failed, expired: the broker/,
  })
  await shop.stop()
})
