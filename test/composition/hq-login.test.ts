import { spawnSync } from 'node:child_process'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { tryLogin } from '../../gateway/composition/hq-login.js'
import { checkHeadquarters } from '../../gateway/diagnostics/machine/headquarters.js'
import { checkShopBroker } from '../../gateway/diagnostics/machine/shop-broker.js'
import { makeAuthority } from '../support/certificates.js'
import { machineOf, shopOf } from '../support/machine.js'
import { startMosquitto } from '../support/mosquitto.js'
import { connectTo } from '../support/mqtt.js'

const RULES =
  'pattern write t/%u/up/#\npattern read t/%u/down/#\npattern read t/hq/#\npattern write t/hq/ledger\n'

t.test('the doctor logs in at HQ: wrong password, no permission, something else there', async t => {
  const dir = t.testdir({ passwords: '' })
  const passwords = join(dir, 'passwords')
  for (const user of ['store-001', 'store-002'])
    spawnSync('mosquitto_passwd', ['-b', passwords, user, 'right'])
  const broker = await startMosquitto({
    config: ['allow_anonymous false', `password_file ${passwords}`, 'acl_file $DIR/acl'],
    files: { acl: RULES },
  })
  t.teardown(() => broker.stop())
  const login = async (hq: string, port = broker.port) => {
    const config = shopOf('', `url: mqtt://127.0.0.1:${port}, topicRoot: t, ${hq}`)
    return (await checkHeadquarters(machineOf({ config, hqLogin: tryLogin }))).at(-1)
  }
  t.match(await login('password: wrong'), {
    name: 'HQ login',
    state: 'fail',
    found: /^store-001 at mqtt:.*: the broker refused: not authorised/,
    doThis: /hq\.username` and its password/,
  })
  t.match(await login('password: right'), { state: 'warn', doThis: /may read t\/hq\/#/ })
  t.match(await login('password: right, mode: direct'), {
    state: 'fail',
    doThis: /let store-001 write t\/store-001\/up\/# and t\/store-001\/events\/#, and read/,
  })
  t.match(await login('username: store-002, password: right'), {
    state: 'fail',
    doThis: /let store-002 write t\/store-001\/up\/#/,
  })
  const hq = connectTo({ port: broker.port, username: 'store-002', password: 'right' })
  hq.start()
  t.teardown(() => hq.stop(500))
  await new Promise<void>(resolve =>
    hq.onState(({ type }) => {
      if (type === 'online') resolve()
    }),
  )
  await hq.publish({ topic: 't/hq/ledger', payload: '{}', retain: true })
  t.match(await login('password: right'), { state: 'ok', found: /accepted, MQTT 5$/ })
  const other = createServer(socket => socket.on('error', () => undefined).end('220 mail\r\n'))
  await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve))
  t.teardown(() => other.close())
  const address = other.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  t.match(await login('password: right', port), { state: 'fail', doThis: /8883 with TLS/ })
})

t.test(
  'the certificate of the shop broker: its key, its end, files that are not there',
  async t => {
    const authority = makeAuthority()
    const [one, two] = [authority.issue({ name: 'gateway' }), authority.issue({ name: 'other' })]
    const folder = t.testdir({
      'a.pem': one.cert,
      'a.key': one.key,
      'b.key': two.key,
      'ca.pem': authority.ca,
      'no.pem': 'nothing',
    })
    const check = async (cert: string, key: string, ca = 'ca.pem', wallMs = Date.now()) => {
      const files = `certFile: ${join(folder, cert)}, keyFile: ${join(folder, key)}`
      const tls = `{ listen: 127.0.0.1:0, ${files}, clientCaFile: ${join(folder, ca)} }`
      const config = shopOf(`broker: { tls: ${tls} }`)
      const machine = machineOf({ config })
      const clock = { ...machine.clock, wallMs: () => wallMs }
      return (await checkShopBroker({ ...machine, clock }))[0]
    }
    t.match(await check('a.pem', 'a.key'), {
      name: 'broker.tls',
      state: 'warn',
      found: /^the first to end is "(gateway|test authority)", on 20/,
      doThis: /Renew it/,
    })
    t.match(await check('a.pem', 'b.key'), { state: 'fail', found: /key values mismatch/ })
    t.match(await check('gone.pem', 'a.key'), { state: 'fail', found: /ENOENT.*gone\.pem/ })
    t.match(await check('a.pem', 'a.key', 'no.pem'), { state: 'fail', doThis: /clientCaFile/ })
    const late = Date.now() + 400 * 24 * 3600 * 1000
    t.match(await check('a.pem', 'a.key', 'ca.pem', late), {
      state: 'fail',
      found: /was valid until/,
    })
    t.same(await checkShopBroker(machineOf()), [])
  },
)
