import { fail, ok, type Result } from '../core/result.js'
import { nearestOf } from '../core/yaml-advice.js'
import type { YamlPath } from '../core/yaml-source.js'

export type Environment = Readonly<Record<string, string | undefined>>

/** The only place where the process's environment is read. */
export function processEnvironment(): Environment {
  return { ...process.env }
}

const PREFIX = 'TILLBRIDGE_'

/** Path of the configuration file, where no `--config` names one. */
export const CONFIG_FILE_VARIABLE = 'TILLBRIDGE_CONFIG'
/** A whole configuration as YAML text, for fleets whose devices hold no file. */
export const CONFIG_YAML_VARIABLE = 'TILLBRIDGE_CONFIG_YAML'

/** What a new gateway needs to ask HQ who it is (config/fleet.ts). */
const FLEET_VARIABLES = [
  'TILLBRIDGE_FLEET_URL',
  'TILLBRIDGE_FLEET_USERNAME',
  'TILLBRIDGE_FLEET_PASSWORD',
  'TILLBRIDGE_HQ_CA',
  'TILLBRIDGE_ACTIVATION_CODE',
] as const

/** Variables that replace nothing in a configuration. */
const OTHERS: readonly string[] = [CONFIG_FILE_VARIABLE, CONFIG_YAML_VARIABLE, ...FLEET_VARIABLES]

/**
 * A variable replaces one text of the configuration. Its name is the key's path in capitals, words
 * joined by `_`; the one exception is the store, named as a person would look for it.
 */
const OVERRIDES: Readonly<Record<string, YamlPath>> = {
  TILLBRIDGE_STORE_ID: ['store'],
  TILLBRIDGE_TIME_ZONE: ['timeZone'],
  TILLBRIDGE_DATA_DIR: ['dataDir'],
  TILLBRIDGE_JOURNAL_QUOTA: ['journal', 'quota'],
  TILLBRIDGE_JOURNAL_KEEP_FREE: ['journal', 'keepFree'],
  TILLBRIDGE_JOURNAL_COPY: ['journal', 'copy'],
  TILLBRIDGE_LOG_LEVEL: ['log', 'level'],
  TILLBRIDGE_HEALTH_FILE: ['healthFile'],
  TILLBRIDGE_HQ_URL: ['hq', 'url'],
  TILLBRIDGE_HQ_MODE: ['hq', 'mode'],
  TILLBRIDGE_HQ_TOPIC_ROOT: ['hq', 'topicRoot'],
  TILLBRIDGE_HQ_USERNAME: ['hq', 'username'],
  TILLBRIDGE_HQ_PASSWORD: ['hq', 'password'],
  TILLBRIDGE_HQ_PASSWORD_FILE: ['hq', 'passwordFile'],
  TILLBRIDGE_HQ_TLS_CA_FILE: ['hq', 'tls', 'caFile'],
  TILLBRIDGE_HQ_TLS_CERT_FILE: ['hq', 'tls', 'certFile'],
  TILLBRIDGE_HQ_TLS_KEY_FILE: ['hq', 'tls', 'keyFile'],
  TILLBRIDGE_HQ_TLS_SERVER_NAME: ['hq', 'tls', 'serverName'],
  TILLBRIDGE_HQ_KEYS: ['hq', 'keys'],
  TILLBRIDGE_BROKER_LISTEN: ['broker', 'listen'],
}

/** Of these the value is a list, its members apart by commas or spaces. */
const LISTS: readonly string[] = ['TILLBRIDGE_HQ_KEYS']

/** One text or list of the configuration that the environment replaces. */
export interface Override {
  readonly variable: string
  readonly path: YamlPath
  readonly value: string | readonly string[]
}

function variablesOf(env: Environment): readonly (readonly [string, string | undefined])[] {
  return Object.entries(env).filter(([name, value]) => name.startsWith(PREFIX) && value)
}

export function hasVariables(env: Environment): boolean {
  return variablesOf(env).length > 0
}

/** What the environment overrides. An empty variable counts as not set: balena cannot unset one. */
export function readOverrides(env: Environment): Result<readonly Override[], readonly string[]> {
  const overrides: Override[] = []
  const unknown: string[] = []
  for (const [variable, value = ''] of variablesOf(env)) {
    const path = OVERRIDES[variable]
    if (path !== undefined)
      overrides.push({ variable, path, value: LISTS.includes(variable) ? listOf(value) : value })
    else if (!OTHERS.includes(variable)) unknown.push(adviseOnName(variable))
  }
  return unknown.length > 0 ? fail(unknown) : ok(overrides)
}

function adviseOnName(variable: string): string {
  const known = [...Object.keys(OVERRIDES), ...OTHERS]
  const near = nearestOf(variable, known)
  return `${variable}: expected one of ${known.join(', ')}; write ${near ?? 'the key in the file'}`
}

/** What a list holds that stands in one variable. */
export function listOf(value: string): readonly string[] {
  return value.split(/[\s,]+/).filter(member => member !== '')
}

/** `value` with the text at `path` replaced; sections on the way are made where there are none. */
export function withOverride(value: unknown, override: Pick<Override, 'path' | 'value'>): unknown {
  const [key, ...rest] = override.path
  if (key === undefined) return override.value
  const section = isSection(value) ? value : {}
  return { ...section, [key]: withOverride(section[key], { path: rest, value: override.value }) }
}

function isSection(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
