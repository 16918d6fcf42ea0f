import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Environment } from '../../gateway/config/environment.js'
import { loadConfig } from '../../gateway/config/load.js'
import type { ShopConfig } from '../../gateway/config/schema.js'
import { configWarnings } from '../../gateway/config/warnings.js'

const SHOP = `store: store-001
hq: { url: mqtts://hq.example:8883 }
terminals:
  - id: register-1
    profile: tillbridge/reference-till
    firmware: '1.0'
    line: { serial: { path: /dev/ttyUSB0 } }
`

/** What a client of the in-store broker may take where nothing is said. */
const CLIENT_LIMITS = {
  connections: 4,
  messagesPerSecond: 100,
  payloadBytes: 65_532,
  subscriptions: 32,
  retainedTopics: 32,
}

function load(t: Test, text: string, env: Environment = {}) {
  const folder = t.testdir({ 'shop.yaml': text })
  const loaded = loadConfig({ file: join(folder, 'shop.yaml'), env })
  const errors = loaded.ok ? [] : loaded.error
  return { folder, loaded, errors: errors.map(error => error.replaceAll(`${folder}/`, '')) }
}

function loadGood(t: Test, text: string, env: Environment = {}): ShopConfig {
  const { loaded } = load(t, text, env)
  if (!loaded.ok) throw new Error(loaded.error.join('\n'))
  return loaded.value
}

t.test('a short configuration gets every default', async t => {
  t.strictSame(loadGood(t, SHOP), {
    store: 'store-001',
    timeZone: 'UTC',
    dataDir: '/var/lib/tillbridge',
    journal: { quota: { share: 0.8 }, keepFree: { share: 0.05 } },
    log: { level: 'info' },
    updates: { lock: '/tmp/balena/updates.lock', backlog: 20_000, proveMinutes: 5 },
    hq: {
      url: 'mqtts://hq.example:8883',
      mode: 'ledger',
      topicRoot: 'tillbridge/1',
      username: 'store-001',
      keys: [],
    },
    broker: { listen: { host: '127.0.0.1', port: 1883 }, limits: CLIENT_LIMITS, clients: [] },
    bluetooth: { connections: 5 },
    profiles: [],
    profilesUnproven: [],
    buses: [],
    payments: [],
    terminals: [
      {
        id: 'register-1',
        profile: 'tillbridge/reference-till',
        firmware: '1.0',
        line: { type: 'serial', path: '/dev/ttyUSB0' },
      },
    ],
  })
})

t.test('quiet hours are two times of the day', async t => {
  const quiet = (text: string) => `${SHOP}\nupdates: { quiet: ${text} }\n`
  t.equal(loadGood(t, quiet("'22:00-05:30'")).updates.quiet, '22:00-05:30')
  for (const text of ["'02:00-02:00'", "'24:00-05:00'", "'2-5'", "'02:00 - 05:00'"])
    t.match(load(t, quiet(text)).errors, [/updates\.quiet: expected hours of the day.*02:00-05:00/])
})

t.test('two keys of HQ may be pinned, and no third', async t => {
  const [one, two, three] = ['a', 'b', 'c'].map(digit => digit.repeat(64))
  const pinning = (keys: string) => SHOP.replace('8883 }', `8883, keys: [${keys}] }`)
  t.same(loadGood(t, pinning(`${one}, ${two}`)).hq.keys, [one, two])
  t.match(load(t, pinning(`${one}, ${two}, ${three}`)).errors, [/shop\.yaml:2:\d+: .*keys/])
  t.match(load(t, pinning('abc')).errors, [/keys.*64 hexadecimal digits/])
})

t.test('who signs second is another one than who signs first', async t => {
  const [first, other] = ['a', 'b'].map(digit => digit.repeat(64))
  const two = (key: string) =>
    `8883, keys: [${first}], twoPerson: { keys: [${key}], verbs: [restart] } }`
  const pinning = (key = '') => SHOP.replace('8883 }', two(key))
  t.same(loadGood(t, pinning(other)).hq.twoPerson, { keys: [other], verbs: ['restart'] })
  t.match(load(t, pinning(first)).errors, [/twoPerson\.keys: expected keys of other people/])
})

t.test('a rule of payments names terminals of this shop', async t => {
  const ruled = `${SHOP}payments: [ { from: register-1, terminal: payment-9, currency: EUR } ]\n`
  t.match(load(t, ruled).errors, [/shop\.yaml:8:\d+: payments\.0\.terminal.*register-1/])
  const good = ruled.replace('payment-9', 'register-1')
  const rule = { from: 'register-1', tender: 'card', terminal: 'register-1', currency: 'EUR' }
  t.same(loadGood(t, good).payments, [rule])
  t.match(load(t, good.replace(', currency: EUR', '')).errors, [
    /payments\.0: expected .currency.*EUR/,
  ])
})

t.test('a line is serial, tcp or listen, and the broker may be off', async t => {
  const text = `${SHOP.replace('terminals:', 'broker: off\nterminals:')}
  - { id: r2, profile: a/b, firmware: '2', line: { tcp: { host: 10.0.0.7, port: 20007 } } }
  - { id: r3, profile: a/b, firmware: '2', line: { listen: { host: '::', port: 9100 } } }
  - id: r4
    profile: a/b
    firmware: '2'
    line: { serial: { path: /dev/ttyS1, baudRate: 19200, parity: even, rs485: {} } }
`
  const config = loadGood(t, text)
  t.equal(config.broker, 'off')
  t.strictSame(
    config.terminals.slice(1).map(({ line }) => line),
    [
      { type: 'tcp', host: '10.0.0.7', port: 20007 },
      { type: 'listen', host: '::', port: 9100 },
      {
        type: 'serial',
        path: '/dev/ttyS1',
        baudRate: 19200,
        parity: 'even',
        rs485: {
          direction: 'kernel',
          rtsOnSend: true,
          delayBeforeSendMs: 0,
          delayAfterSendMs: 0,
          receiveWhileSending: false,
        },
      },
    ],
  )
})

t.test('relative paths are relative to the file; the password comes from its own', async t => {
  const folder = t.testdir({ 'hq.secret': 'swordfish\n' })
  const text = SHOP.replace(
    '{ url: mqtts://hq.example:8883 }',
    '{ url: mqtts://hq.example:8883, passwordFile: hq.secret, tls: { caFile: tls/ca.pem } }',
  )
  const file = join(folder, 'shop.yaml')
  writeFileSync(file, `dataDir: data\nprofiles: [ ../profiles ]\n${text}`)
  const loaded = loadConfig({ file, env: {} })
  if (!loaded.ok) throw new Error(loaded.error.join('\n'))
  t.equal(loaded.value.dataDir, join(folder, 'data'))
  t.strictSame(loaded.value.profiles, [join(folder, '../profiles')])
  t.equal(loaded.value.hq.password, 'swordfish')
  t.equal(loaded.value.hq.tls?.caFile, join(folder, 'tls/ca.pem'))
})

/** What to replace in the good configuration, by what, and the one error that must come of it. */
const MISTAKES: readonly (readonly [string, string, string])[] = [
  ['store-001', 'HQ', 'shop.yaml:1:8: store: expected a store id: 1 to 40 of a-z, 0-9 and -,'],
  ['store-001', 'hq', 'shop.yaml:1:8: store: expected a store id'],
  ['store-001', '0042', 'expected the id of this shop; write `"0042" (in quotes)`'],
  ["'1.0'", '1.0', "shop.yaml:6:15: terminals.0.firmware: expected the terminal's firmware; write"],
  ["'1.0'", '1.0', 'write `"1.0" (in quotes)`'],
  ['store: store-001\n', '', 'shop.yaml:1:1: expected `store`, the id of this shop; write `store:'],
  ['register-1', 'gateway', 'terminals.0.id: expected a terminal id: 1 to 40 of a-z, 0-9 and -,'],
  ['register-1', 'hq', 'but not gateway or hq; write `register-1`'],
  ['mqtts://hq.example:8883', 'https://hq.example', 'write `mqtts://hq.example:8883`'],
  ['mqtts://hq.example:8883', 'mqtts://u:p@hq.example', 'with nothing else in it; write'],
  ['8883 }', '8883, mod: direct }', 'shop.yaml:2:37: hq.mod: expected one of url, mode,'],
  ['8883 }', '8883, mod: direct }', 'write `mode`'],
  ['terminals:', 'broker: { listne: 1 }\nterminals:', 'write `listen`'],
  ['terminals:', 'timezone: UTC\nterminals:', 'write `timeZone`'],
  ['terminals:', 'timeZone: Berlin\nterminals:', 'a time zone by its IANA name; write `Europe/B'],
  ['terminals:', 'log: { level: verbose }\nterminals:', 'log.level: expected one of fatal, error'],
  ['terminals:', 'broker: { listen: 1883 }\nterminals:', 'write `"1883" (in quotes)`'],
  ['terminals:', 'broker: { listen: "a:70000" }\nterminals:', 'a port up to 65535; write `127.0.'],
  ['8883 }', '8883, password: a, passwordFile: b }', 'hq.password: expected password or passwo'],
  ['8883 }', '8883, passwordFile: gone }', 'hq.passwordFile: expected a readable file (ENOENT'],
  ['8883 }', '8883, tls: { certFile: a } }', 'write `keyFile: ./client.pem`'],
  ['8883 }', '8883, mode: direkt }', 'hq.mode: expected one of ledger, direct; write `direct`'],
  ['8883 }', '8883, topicRoot: a/# }', 'hq.topicRoot: expected the root of every topic; write'],
  ['/dev/ttyUSB0', 'ttyUSB0', 'write `/dev/ttyUSB0`'],
  ['/dev/ttyUSB0', '/dev/ttyUSB0, baudRate: fast', 'line.serial.baudRate: expected a whole number'],
  ['/dev/ttyUSB0', '/dev/ttyUSB0, boudRate: 9600', 'write `baudRate`'],
  ['/dev/ttyUSB0', '/dev/ttyUSB0, dataBits: 9', 'expected one of 7, 8; write'],
  ['} }\n', '}, tcp: { host: a, port: 1 } }\n', 'terminals.0.line: expected exactly one of serial'],
  [
    'serial: { path: /dev/ttyUSB0 }',
    '',
    'exactly one of serial, tcp, listen, ble, printer, mqtt, bus; write the one',
  ],
  ['tillbridge/ref', 'ref', 'profile: expected vendor/model as a profile; write `tillbridge/ref'],
  [
    'serial: { path: /dev/ttyUSB0 }',
    'ble: {}',
    'which device it is; write one of address, name, service, bonded',
  ],
  ['serial: { path: /dev/ttyUSB0 }', 'ble: { address: AA }', 'the address of a device; write'],
]

t.test('every mistake names its place, what was expected and what to write', async t => {
  for (const [good, bad, expected] of MISTAKES) {
    const { errors } = load(t, SHOP.replace(good, bad))
    t.equal(errors.length, 1, errors.join('\n'))
    t.ok(errors[0]?.includes(expected), `${bad}\n  ${errors[0]}\n  ${expected}`)
    t.match(errors[0], /^shop\.yaml:\d+:\d+: .*expected .*; write .+/)
  }
})

const PUBLISHING = `store: store-001
hq: { url: mqtts://hq.example:8883 }
broker:
  listen: 0.0.0.0:1883
  tls: { listen: 0.0.0.0:8883, certFile: b.pem, keyFile: b.key, clientCaFile: /ca.pem }
  limits: { connections: 2 }
  clients:
    - { name: till-4, limits: { messagesPerSecond: 20 } }
    - { name: display, read: ['#'] }
terminals:
  - id: register-4
    profile: generic/cloud-events-till
    firmware: '1.0'
    line: { mqtt: { client: till-4, topic: shop/till-4/sale } }
`

t.test('a terminal that publishes to the in-store broker', async t => {
  const { folder, loaded, errors } = load(t, PUBLISHING)
  t.strictSame(errors, [])
  if (!loaded.ok || loaded.value.broker === 'off') throw new Error('no broker')
  const { broker, terminals } = loaded.value
  t.strictSame(terminals[0]?.line, { type: 'mqtt', client: 'till-4', topic: 'shop/till-4/sale' })
  t.strictSame(broker.tls, {
    listen: { host: '0.0.0.0', port: 8883 },
    certFile: join(folder, 'b.pem'),
    keyFile: join(folder, 'b.key'),
    clientCaFile: '/ca.pem',
  })
  const limits = { ...CLIENT_LIMITS, connections: 2 }
  t.strictSame(
    broker.clients.map(client => client.limits),
    [{ ...limits, messagesPerSecond: 20 }, limits],
  )
  for (const [good, bad, expected] of [
    [
      'client: till-4',
      'client: till-5',
      'line.mqtt.client: expected one of broker.clients; write t',
    ],
    ['shop/till-4/sale', 'shop/+', 'line.mqtt.topic: expected a topic of MQTT, without wildcards'],
    ['shop/till-4/sale', 'tillbridge/1/x/sale', 'topic: expected topics outside tillbridge/1/#'],
    ["read: ['#']", 'write: [tillbridge/#]', 'clients.1.write.0: expected topics outside'],
    [
      "read: ['#']",
      'write: [shop/#, +/1/store-001/up/status]',
      'clients.1.write.1: expected topics',
    ],
    ["read: ['#']", "write: ['#']", 'clients.1.write.0: expected topics outside tillbridge/1/#'],
    ["firmware: '1.0'", '', 'firmware: expected the firmware, which nobody can ask for there'],
    [', clientCaFile: /ca.pem', '', 'clients.0: expected a passwordHash, or an authority for cert'],
    [
      'tls: { listen: 0.0.0.0:8883, ',
      'tls: { ',
      'tls: expected listen or websocket; write `listen',
    ],
    [
      'name: display',
      'name: till-4',
      'clients.1.name: expected a name of its own; write `till-4-2`',
    ],
  ] as const)
    t.ok(load(t, PUBLISHING.replace(good, bad)).errors[0]?.includes(expected), expected)
})

t.test('a line of an unknown kind', async t => {
  t.match(load(t, SHOP.replace('serial:', 'seral:')).errors, [
    /terminals\.0\.line\.seral: expected one of serial, tcp, listen, ble, printer, mqtt, bus; write `serial`$/,
    /terminals\.0\.line: expected exactly one of serial, tcp, listen, ble, printer, mqtt, bus; write the one/,
  ])
})

t.test('terminals may share neither id nor line', async t => {
  const second = SHOP.slice(SHOP.indexOf('  - id'))
  const { errors } = load(t, SHOP + second)
  t.strictSame(errors, [
    'shop.yaml:8:9: terminals.1.id: expected an id of its own, terminals.0 has it; write `register-1-2`',
    'shop.yaml:11:11: terminals.1.line: expected a line of its own, terminals.0 is on /dev/ttyUSB0; write the port that it is plugged into, or a bus that both share',
  ])
  const tcp = (id: string) =>
    `  - { id: ${id}, profile: a/b, firmware: '2', line: { tcp: { host: a, port: 1 } } }\n`
  t.match(load(t, SHOP + tcp('r2') + tcp('r3')).errors, [/terminals\.1 is on a:1/])
})

t.test('a file that is not there, or not YAML', async t => {
  const missing = loadConfig({ file: '/nowhere/shop.yaml', env: {} })
  t.match(!missing.ok && missing.error, [
    /^\/nowhere\/shop\.yaml: expected a readable file \(ENOENT/,
  ])
  t.match(load(t, 'store: [').errors, [/^shop\.yaml:1:\d+: expected YAML/])
})

t.test('the environment overrides single values', async t => {
  const env = {
    TILLBRIDGE_STORE_ID: 'store-002',
    TILLBRIDGE_HQ_PASSWORD: '0042',
    TILLBRIDGE_HQ_TLS_CA_FILE: '/etc/ca.pem',
    TILLBRIDGE_LOG_LEVEL: 'debug',
    TILLBRIDGE_BROKER_LISTEN: '[::1]:2883',
    TILLBRIDGE_HQ_MODE: '',
    HOME: '/root',
  }
  const config = loadGood(t, SHOP.replace('terminals:', 'broker: off\nterminals:'), env)
  t.equal(config.store, 'store-002')
  t.equal(config.hq.username, 'store-002')
  t.equal(config.hq.password, '0042', 'a variable is text, never a number')
  t.strictSame(config.hq.tls, { caFile: '/etc/ca.pem' })
  t.equal(config.hq.mode, 'ledger', 'empty counts as not set')
  const listen = { host: '::1', port: 2883 }
  t.strictSame(config.broker, { listen, limits: CLIENT_LIMITS, clients: [] })
  t.equal(config.log.level, 'debug')
})

t.test('a mistake in the environment is named by its variable', async t => {
  const mode = load(t, SHOP, { TILLBRIDGE_HQ_MODE: 'direkt' }).errors
  t.strictSame(mode, [
    'TILLBRIDGE_HQ_MODE:1:1: hq.mode: expected one of ledger, direct; write `direct`',
  ])
  const unknown = load(t, SHOP, { TILLBRIDGE_HQ_PASWORD: 'x' }).errors
  t.match(unknown, [/^TILLBRIDGE_HQ_PASWORD: expected one of .*; write TILLBRIDGE_HQ_PASSWORD$/])
})

t.test('a whole configuration in a variable, a file in a variable, or variables alone', async t => {
  const inYaml = loadConfig({ file: undefined, env: { TILLBRIDGE_CONFIG_YAML: SHOP } })
  t.ok(inYaml.ok)
  const faulty = loadConfig({ file: undefined, env: { TILLBRIDGE_CONFIG_YAML: 'stroe: a' } })
  t.match(!faulty.ok && faulty.error[0], /^TILLBRIDGE_CONFIG_YAML:1:1: /)

  const file = join(t.testdir({ 'shop.yaml': SHOP }), 'shop.yaml')
  t.ok(loadConfig({ file: undefined, env: { TILLBRIDGE_CONFIG: file } }).ok)
  const both = { TILLBRIDGE_CONFIG_YAML: 'stroe: a' }
  t.ok(loadConfig({ file, env: both }).ok, '--config wins')

  const alone = { TILLBRIDGE_STORE_ID: 'store-003', TILLBRIDGE_HQ_URL: 'mqtt://localhost' }
  const bare = loadConfig({ file: undefined, env: alone })
  t.equal(bare.ok && bare.value.store, 'store-003')
  const nothing = loadConfig({ file: undefined, env: {} })
  t.match(!nothing.ok && nothing.error, [/^expected the configuration .* write `--config <file>`/])
  const level = loadConfig({ file: undefined, env: { TILLBRIDGE_LOG_LEVEL: 'info' } })
  t.match(!level.ok && level.error, [/^environment:1:1: expected `store`/, /expected `hq`/])
})

t.test('warnings: a password in clear, no terminals, payments that nobody can resolve', async t => {
  const clear = SHOP.replace('mqtts', 'mqtt').replace('8883 }', '8883, password: a }')
  t.match(configWarnings(loadGood(t, clear)), [/^hq\.url: the password crosses .* write `mqtts:/])
  for (const quiet of [
    SHOP,
    clear.replace('hq.example', 'localhost'),
    clear.replace('mqtt:', 'mqtts:'),
  ])
    t.strictSame(configWarnings(loadGood(t, quiet)), [])
  const none = SHOP.slice(0, SHOP.indexOf('terminals:'))
  t.match(configWarnings(loadGood(t, none)), [/^terminals: none/])
  const rule = '{ from: register-1, tender: card, terminal: register-1, currency: EUR }'
  const keyless = `${SHOP.trimEnd()}\npayments: [${rule}]\n`
  t.match(configWarnings(loadGood(t, keyless)), [/^payments: .* write `hq\.keys/])
  const keyed = keyless.replace('8883 }', `8883, keys: ['${'0a'.repeat(32)}'] }`)
  t.strictSame(configWarnings(loadGood(t, keyed)), [])
})
