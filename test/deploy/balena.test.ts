import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import t from 'tap'
import { z } from 'zod'
import { checkCompose, checkContract, type Faults } from './balena-rules.js'
import { checkDockerfile } from './dockerfile-rules.js'

const read = (name: string): string => readFileSync(name, 'utf8')
const manifest = z.object({ version: z.string() }).parse(JSON.parse(read('package.json')))

const contract = (text: string): Faults => checkContract(text, manifest.version)
const dockerfile = (text: string): Faults =>
  checkDockerfile({ text, ignore: read('.dockerignore') })

t.test('our files keep the rules of balena and of deploy/README.md', async t => {
  t.strictSame(contract(read('balena.yml')), [])
  t.strictSame(checkCompose(read('docker-compose.yml')), [])
  t.strictSame(dockerfile(read('deploy/Dockerfile')), [])
})

/** One change to a good file, and how the fault that must come of it begins. */
type Spoilt = readonly (readonly [good: string | RegExp, bad: string, fault: string])[]

const CONTRACTS: Spoilt = [
  ['sw.application', 'sw.app', 'type: '],
  [/version: .*/, 'version: 1.0', 'version: '],
  [/version: .*/, 'version: 9.9.9', 'version 9.9.9: package.json says'],
  ['defaultDeviceType: raspberrypi4-64', 'defaultDeviceType: raspberry-pi2', 'data.defaultDev'],
  ['defaultDeviceType: raspberrypi4-64', 'defaultDeviceType: raspberrypi0-2w-64', 'default dev'],
  ['TILLBRIDGE_STORE_ID', 'BALENA_STORE_ID', 'BALENA_STORE_ID: reserved'],
  ['TILLBRIDGE_STORE_ID', 'TILLBRIDGE_STORE', 'TILLBRIDGE_STORE: expected one of'],
  ['BALENA_HOST_CONFIG', 'HOST_CONFIG', 'HOST_CONFIG_enable_uart: no configuration variable'],
  [
    /- TILLBRIDGE_STORE_ID: ''\n\s*- /,
    "- TILLBRIDGE_STORE_ID: ''\n      ",
    'one variable an entry',
  ],
  ['name:', 'nam:', 'name: '],
]

const COMPOSES: Spoilt = [
  ["version: '2.4'", "version: '3.8'", 'version: '],
  ["version: '2.4'\n", '', 'version: '],
  ['tillbridge-data:/data', './data:/data', 'gateway: ./data is no named volume'],
  ['tillbridge-data:/data', '/var/data:/data', 'gateway: /var/data is no named volume'],
  ['tillbridge-data:/data', 'other:/data', 'gateway: other is no named volume'],
  ['restart: always', 'restart: "no"', 'services.gateway.restart: '],
  ['restart: always', 'logging: { driver: none }', 'gateway: the supervisor drops logging'],
  ['restart: always', 'env_file: .env', 'gateway: the supervisor drops env_file'],
  ['restart: always', 'network_mode: host', 'gateway: the supervisor drops network_mode'],
  ['restart: always', "device_cgroup_rules: ['c 188:* rmw']", 'gateway: the supervisor drops dev'],
  ['restart: always', 'depends_on: { hq: { condition: service_healthy } }', 'services.gateway.dep'],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: Compose would substitute it, balena not.
  ['restart: always', 'image: "tillbridge:${TAG}"', 'balena substitutes no variables'],
  ['restart: always', 'environment: { RESIN_X: a }', 'gateway: RESIN_X: reserved'],
  ['read_only: true', 'read_only: false', 'services.gateway.read_only: '],
  ['init: true', 'init: false', 'services.gateway.init: '],
  ['privileged: true', 'privileged: false', 'gateway: cap_drop lacks ALL'],
  ['- /tmp', '- /var/tmp', 'gateway: /tmp would be written to the card'],
  ['no-new-privileges:true', 'seccomp:unconfined', 'gateway: security_opt lacks'],
  ['30s', '20s', 'services.gateway.stop_grace_period: '],
  ['aarch64', 'amd64', 'gateway: requires.arch.sw is not aarch64'],
  ["'>=16'", 'latest', 'gateway: requires.sw.supervisor is no range'],
  ['labels:', "labels:\n      io.balena.features.dbus: '1'", 'gateway: label dbus gives'],
  ['labels:', "labels:\n      io.balena.features.supervisor-api: '1'", 'gateway: label supervisor'],
  ['labels:', 'labels:\n      io.balena.update.strategy: hand-over', 'gateway: hand-over runs two'],
  ['\nvolumes:', '\nsecrets: { key: { file: a } }\nvolumes:', ': Unrecognized key'],
]

const DOCKERFILES: Spoilt = [
  [/^FROM node:24-trixie-slim$/m, 'FROM node:24-alpine', 'FROM node:24-alpine'],
  [' --ignore-scripts', '', 'npm ci --omit=dev: runs scripts'],
  ['COPY package.json ./\nCOPY firm', 'ADD package.json ./\nCOPY firm', 'ADD is not for us'],
  ['COPY firmware-profiles', 'COPY test test\nCOPY firmware-profiles', 'COPY test: .dockerignore'],
  ['CMD ["node", "build/gateway/cli/main.js", "run"]', 'CMD node x', 'CMD in shell form'],
  ['ENV NODE_ENV', 'VOLUME /data\nENV NODE_ENV', 'VOLUME is not for us'],
  ['mount util-linux', 'mount util-linux g++', 'apt-get update && apt-get install'],
  ['npm ci --omit=dev --ign', 'npm ci --ign', 'node_modules must come from a stage'],
  ['--from=dependencies /app/node_modules', '--from=build /app/node_modules', 'node_modules must'],
  ['ENTRYPOINT ["tillbridge-entrypoint"]', 'ENTRYPOINT ["node"]', 'ENTRYPOINT is not'],
  [/HEALTHCHECK .*/, 'HEALTHCHECK NONE', 'HEALTHCHECK does not run'],
  ['CMD ["tillbridge-health"]', 'CMD tillbridge-health', 'HEALTHCHECK does not run'],
  ['HEALTH_FILE=/run/', 'HEALTH_FILE=/data/', 'ENV lacks TILLBRIDGE_HEALTH_FILE'],
  [
    'COPY --from=dependencies /app/node_modules node_modules',
    'COPY --from=build /app/build/gateway build/gateway',
    'dependencies must be a layer below',
  ],
]

for (const [file, spoilt, rules] of [
  ['balena.yml', CONTRACTS, contract],
  ['docker-compose.yml', COMPOSES, checkCompose],
  ['deploy/Dockerfile', DOCKERFILES, dockerfile],
] as const)
  t.test(`the rules for ${file} bite`, async t => {
    const good = read(file)
    for (const [from, to, fault] of spoilt) {
      const bad = good.replace(from, to)
      t.not(bad, good, `${from} stands in ${file}`)
      const faults = rules(bad)
      t.ok(
        faults.some(one => one.startsWith(fault)),
        `${to}: ${fault} in ${faults.join(', ')}`,
      )
    }
  })

t.test('Compose takes the file, and with it the one that adds Bluetooth', async t => {
  const add = (name: string) => ['--file', name]
  const config = (...files: readonly string[]) =>
    execFileSync('docker-compose', [...files.flatMap(add), 'config'], { encoding: 'utf8' })
  config('docker-compose.yml')
  const withRadio = config('docker-compose.yml', 'deploy/docker-compose.ble.yml')
  t.match(withRadio, /io\.balena\.features\.dbus/)
  // What it adds, and nothing else: the rest keeps the rules.
  const alone = read('deploy/docker-compose.ble.yml')
  t.strictSame(checkCompose(read('docker-compose.yml'), { radio: alone }), [])
  const more = alone.replace('labels:', "labels:\n      io.balena.features.sysfs: '1'")
  t.match(checkCompose(read('docker-compose.yml'), { radio: more }), [/label sysfs gives/])
})

t.test('an arm64 and an amd64 machine get binaries of all that is native', async t => {
  const lock = read('package-lock.json')
  for (const cpu of ['arm64', 'x64']) {
    t.ok(lock.includes(`"node_modules/@koromix/koffi-linux-${cpu}"`), `koffi ${cpu}`)
    for (const name of ['classic-level', '@serialport/bindings-cpp'])
      t.ok(existsSync(`node_modules/${name}/prebuilds/linux-${cpu}`), `${name} ${cpu}`)
  }
})

t.test('the entrypoint gives up every privilege before it starts the gateway', async t => {
  execFileSync('sh', ['-n', 'deploy/entrypoint.sh'])
  const last = read('deploy/entrypoint.sh').replace(/\\\n/g, ' ').trimEnd().split('\n').at(-1) ?? ''
  t.match(last, /^exec setpriv /)
  for (const flag of ['--reuid=node', '--no-new-privs', '--bounding-set=-all', '--inh-caps=-all'])
    t.ok(last.includes(flag), flag)
})
