import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

import { fail, ok, type Result } from '../core/result.js'
import { unreadable } from '../core/unreadable.js'
import {
  describeAt,
  parseYaml,
  validateYaml,
  type YamlPath,
  type YamlSource,
} from '../core/yaml-source.js'
import {
  CONFIG_FILE_VARIABLE,
  CONFIG_YAML_VARIABLE,
  type Environment,
  hasVariables,
  type Override,
  readOverrides,
  withOverride,
} from './environment.js'
import { type ShopConfig, shopConfigSchema } from './schema.js'

/**
 * The configuration of a shop: the file named, else TILLBRIDGE_CONFIG_YAML, else the file that
 * TILLBRIDGE_CONFIG names, else the environment alone; overridden by the environment in each case.
 * Failures are lines for the operator: where, what was expected, what to write instead.
 */
export function loadConfig(options: {
  readonly file: string | undefined
  readonly env: Environment
}): Result<ShopConfig, readonly string[]> {
  if (!isConfigured(options))
    return fail(['expected the configuration of a shop; write `--config <file>`'])
  const overrides = readOverrides(options.env)
  if (!overrides.ok) return overrides
  const text = readText(options)
  if (!text.ok) return fail([text.error])
  const parsed = parseYaml(text.value)
  if (!parsed.ok) return parsed
  const source = overlay(parsed.value, overrides.value)
  const valid = validateYaml({ source, value: source.value, schema: shopConfigSchema })
  if (!valid.ok) return valid
  return withPassword(absolutePaths(valid.value, text.value.folder), source)
}

/** Whether anything names a shop: without, `loadConfig` has nothing to read. */
export function isConfigured(options: {
  readonly file: string | undefined
  readonly env: Environment
}): boolean {
  return options.file !== undefined || hasVariables(options.env)
}

/** The file that a configuration is read from; undefined where it is from no file. */
export function configFileOf(options: {
  readonly file: string | undefined
  readonly env: Environment
}): string | undefined {
  const { file, env } = options
  if (file === undefined && env[CONFIG_YAML_VARIABLE]) return undefined
  return file ?? (env[CONFIG_FILE_VARIABLE] || undefined)
}

/** Where a configuration stands, and what relative paths in it are relative to. */
interface ConfigText {
  readonly file: string
  readonly folder: string
  readonly text: string
}

function readText(options: {
  readonly file: string | undefined
  readonly env: Environment
}): Result<ConfigText, string> {
  const { env } = options
  const yaml = env[CONFIG_YAML_VARIABLE]
  if (options.file === undefined && yaml)
    return ok({ file: CONFIG_YAML_VARIABLE, folder: '.', text: yaml })
  const file = configFileOf(options)
  // No file at all: what the environment does not say comes out as missing, key by key.
  if (file === undefined) return ok({ file: 'environment', folder: '.', text: '{}' })
  try {
    return ok({ file, folder: dirname(file), text: readFileSync(file, 'utf8') })
  } catch (thrown) {
    return fail(`${file}: ${unreadable(thrown, 'write `--config <file>`')}`)
  }
}

/** The source with the overrides in it; a fault in one is reported under its variable's name. */
function overlay(source: YamlSource, overrides: readonly Override[]): YamlSource {
  const variableAt = (path: YamlPath) =>
    overrides.find(override => override.path.join('.') === path.join('.'))?.variable
  const located =
    (locate: YamlSource['locate']): YamlSource['locate'] =>
    path => {
      const file = variableAt(path)
      return file === undefined ? locate(path) : { file, line: 1, column: 1 }
    }
  return {
    ...source,
    value: overrides.reduce(withOverride, source.value),
    locate: located(source.locate),
    locateKey: located(source.locateKey),
  }
}

function absolutePaths(config: ShopConfig, folder: string): ShopConfig {
  const { passwordFile, tls, ...hq } = config.hq
  const { serverName, ...files } = tls ?? {}
  const { copy, ...journal } = config.journal
  const { healthFile } = config
  const absolute = Object.entries(files).map(([key, file]) => [key, resolve(folder, file)])
  return {
    ...config,
    dataDir: resolve(folder, config.dataDir),
    ...(healthFile === undefined ? {} : { healthFile: resolve(folder, healthFile) }),
    journal: { ...journal, ...(copy === undefined ? {} : { copy: resolve(folder, copy) }) },
    broker: withAbsolute(config.broker, folder),
    profiles: config.profiles.map(profile => resolve(folder, profile)),
    hq: {
      ...hq,
      ...(passwordFile === undefined ? {} : { passwordFile: resolve(folder, passwordFile) }),
      ...(tls === undefined ? {} : { tls: { ...tls, ...Object.fromEntries(absolute) } }),
    },
  }
}

function withAbsolute(broker: ShopConfig['broker'], folder: string): ShopConfig['broker'] {
  if (broker === 'off' || broker.tls === undefined) return broker
  const { certFile, keyFile, clientCaFile, ...doors } = broker.tls
  return {
    ...broker,
    tls: {
      ...doors,
      certFile: resolve(folder, certFile),
      keyFile: resolve(folder, keyFile),
      ...(clientCaFile === undefined ? {} : { clientCaFile: resolve(folder, clientCaFile) }),
    },
  }
}

function withPassword(
  config: ShopConfig,
  source: YamlSource,
): Result<ShopConfig, readonly string[]> {
  const { passwordFile } = config.hq
  if (passwordFile === undefined) return ok(config)
  const path = ['hq', 'passwordFile']
  try {
    const password = readFileSync(passwordFile, 'utf8').trim()
    if (password !== '') return ok({ ...config, hq: { ...config.hq, password } })
    const text = `expected the password in ${passwordFile}, which is empty; write it there`
    return fail([describeAt({ source, place: source.locate(path), path, text })])
  } catch (thrown) {
    const text = unreadable(thrown, 'write the path of the password')
    return fail([describeAt({ source, place: source.locate(path), path, text })])
  }
}
