import { parse } from 'yaml'
import { z } from 'zod'
import { readOverrides } from '../../gateway/config/environment.js'

/** What is wrong, each as a sentence; empty where balena will do as the file says. */
export type Faults = readonly string[]

const check = (isGood: boolean, fault: string): Faults => (isGood ? [] : [fault])

const SEMVER = /^\d+\.\d+\.\d+(?:-[\w.-]+)?(?:\+[\w.-]+)?$/
const RESERVED = /^(BALENA|RESIN)_/

/** github.com/balena-io/contracts, 2026-07: the Raspberry Pis whose software is aarch64. */
const DEVICE_TYPES = [
  'raspberrypi0-2w-64',
  'raspberrypi3-64',
  'raspberrypi4-64',
  'raspberrypi400-64',
  'raspberrypi5',
  'raspberrypicm4-ioboard',
]

const variables = z.array(z.record(z.string(), z.union([z.string(), z.number()]))).default([])

const contract = z.strictObject({
  name: z.string(),
  // balena-cli, src/utils/compose_ts.ts
  type: z.enum(['sw.application', 'sw.block']),
  version: z.string().regex(SEMVER),
  description: z.string(),
  assets: z
    .record(
      z.enum(['repository', 'logo']),
      z.strictObject({ type: z.literal('blob.asset'), data: z.strictObject({ url: z.url() }) }),
    )
    .exactOptional(),
  data: z.strictObject({
    defaultDeviceType: z.enum(DEVICE_TYPES),
    supportedDeviceTypes: z.array(z.enum(DEVICE_TYPES)).min(1),
    applicationEnvironmentVariables: variables,
    applicationConfigVariables: variables,
  }),
})

/** balena.yml: what `balena push` refuses, and what would be taken for something else. */
export function checkContract(text: string, packageVersion: string): Faults {
  const parsed = contract.safeParse(parseYaml(text))
  if (!parsed.success) return faultsOf(parsed.error)
  const { version, data } = parsed.data
  const environment = data.applicationEnvironmentVariables
  const names = environment.flatMap(Object.keys)
  const ours = readOverrides(Object.fromEntries(names.map(name => [name, 'x'])))
  return [
    ...check(version === packageVersion, `version ${version}: package.json says ${packageVersion}`),
    ...check(
      data.supportedDeviceTypes.includes(data.defaultDeviceType),
      `default device ${data.defaultDeviceType} is not supported`,
    ),
    ...[...environment, ...data.applicationConfigVariables]
      .filter(entry => Object.keys(entry).length !== 1)
      .map(entry => `one variable an entry: ${JSON.stringify(entry)}`),
    ...names.filter(name => RESERVED.test(name)).map(name => `${name}: reserved by balena`),
    ...data.applicationConfigVariables
      .flatMap(Object.keys)
      .filter(name => !RESERVED.test(name))
      .map(name => `${name}: no configuration variable of balena`),
    ...(ours.ok ? [] : ours.error),
  ]
}

/**
 * Keys of a service that balena's supervisor keeps (balena-supervisor 19.0.5,
 * src/compose/sanitise.ts), less the ones that tillbridge must not use. It drops all others with a
 * warning: `logging`, `env_file`, `device_cgroup_rules` …
 */
const SERVICE_KEYS = new Set(
  `cap_add cap_drop cgroup_parent command cpu_quota cpu_shares cpus cpuset depends_on devices dns
  dns_opt dns_search domainname entrypoint environment extra_hosts group_add healthcheck hostname
  image init ipc labels mac_address mem_limit mem_reservation networks oom_kill_disable
  oom_score_adj pid pids_limit ports privileged read_only restart security_opt shm_size
  stop_grace_period stop_signal storage_opt sysctls tmpfs tty ulimits user userns_mode volumes
  working_dir build`.split(/\s+/),
)

/** "Can be used to completely take over a device" (balena docs, labels). */
const TAKE_OVER = [
  'dbus',
  'supervisor-api',
  'sysfs',
  'kernel-modules',
  'balena-api',
  'balena-socket',
]

const service = z.looseObject({
  volumes: z.array(z.string()).default([]),
  tmpfs: z.array(z.string()).default([]),
  security_opt: z.array(z.string()).default([]),
  cap_drop: z.array(z.string()).default([]),
  privileged: z.boolean().default(false),
  read_only: z.literal(true),
  init: z.literal(true),
  restart: z.literal('always').default('always'),
  /** Longer than our own limit for stopping, so that balena never kills a gateway that still writes. */
  stop_grace_period: z.string().regex(/^(?:[3-9]\d|\d{3,})s$/),
  depends_on: z.array(z.string()).default([]),
  environment: z.record(z.string(), z.string()).default({}),
  labels: z.record(z.string(), z.string()).default({}),
})

const compose = z.strictObject({
  version: z.literal('2.4'),
  services: z.record(z.string(), service),
  volumes: z.record(z.string(), z.null()).default({}),
})

/** A file beside docker-compose.yml may add these to its services, and nothing else. */
const addition = z.strictObject({
  version: z.literal('2.4'),
  services: z.record(
    z.string(),
    z.strictObject({
      labels: z.record(z.string(), z.string()),
      environment: z.record(z.string(), z.string()),
    }),
  ),
})

/** docker-compose.yml: what the supervisor refuses or silently drops, and what we promise. */
export function checkCompose(text: string, added?: { readonly radio: string }): Faults {
  const base = compose.safeParse(parseYaml(text))
  if (!base.success) return faultsOf(base.error)
  const { volumes } = base.data
  const radio = addition.parse(
    added === undefined ? { version: '2.4', services: {} } : parseYaml(added.radio),
  )
  const services = Object.fromEntries(
    Object.entries(base.data.services).map(([name, one]) => {
      const { labels = {}, environment = {} } = radio.services[name] ?? {}
      const merged = { ...one, environment: { ...one.environment, ...environment } }
      return [name, { ...merged, labels: { ...one.labels, ...labels } }]
    }),
  )
  const lent = added === undefined ? [] : ['dbus']
  return [
    ...check(!/\$(?!\$)/.test(withoutComments(text)), 'balena substitutes no variables'),
    ...Object.entries(services).flatMap(([name, one]) =>
      checkService(one, { volumes: Object.keys(volumes), lent }).map(fault => `${name}: ${fault}`),
    ),
  ]
}

function checkService(
  one: z.infer<typeof service>,
  {
    volumes,
    lent,
  }: {
    readonly volumes: readonly string[]
    /** Features that the shop's owner has chosen to give away (docs/decisions/one-container.md). */
    readonly lent: readonly string[]
  },
): Faults {
  const sources = one.volumes.map(volume => volume.split(':')[0] ?? '')
  const requirement = (key: string) => one.labels[`io.balena.features.requires.${key}`]
  return [
    ...Object.keys(one)
      .filter(key => !SERVICE_KEYS.has(key))
      .map(key => `the supervisor drops ${key}`),
    ...sources
      .filter(source => !volumes.includes(source))
      .map(source => `${source} is no named volume`),
    ...check(one.tmpfs.includes('/tmp'), '/tmp would be written to the card'),
    ...check(
      one.security_opt.includes('no-new-privileges:true'),
      'security_opt lacks no-new-privileges:true',
    ),
    // A privileged container has every capability whatever it drops: its entrypoint must do it.
    ...check(one.privileged || one.cap_drop.includes('ALL'), 'cap_drop lacks ALL'),
    ...Object.keys(one.environment)
      .filter(name => RESERVED.test(name))
      .map(name => `${name}: reserved by balena`),
    ...TAKE_OVER.filter(
      feature => !lent.includes(feature) && `io.balena.features.${feature}` in one.labels,
    ).map(feature => `label ${feature} gives the whole device away`),
    // It runs two versions at once, and only one can have the journal.
    ...check(
      one.labels['io.balena.update.strategy'] !== 'hand-over',
      'hand-over runs two gateways on one journal',
    ),
    ...check(requirement('arch.sw') === 'aarch64', 'requires.arch.sw is not aarch64'),
    ...check(
      /^>=\d+$/.test(requirement('sw.supervisor') ?? ''),
      'requires.sw.supervisor is no range',
    ),
  ]
}

function parseYaml(text: string): unknown {
  return parse(text)
}

function withoutComments(text: string): string {
  return text.replace(/^\s*#.*$/gm, '')
}

function faultsOf(error: z.ZodError): Faults {
  return error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
}
