import { fileURLToPath } from 'node:url'
import { TillbridgeError } from '../core/errors.js'
import { fail, ok, type Result } from '../core/result.js'
import { nearestOf } from '../core/yaml-advice.js'
import { canonicalJson } from '../event/canonical-json.js'
import { atAddress, type ProtocolOptions, type SensorKey, withKey } from '../protocol/catalog.js'
import { createDialect } from './create-dialect.js'
import type { Dialect, InterpretingDialect } from './dialect.js'
import { coversFirmware } from './firmware-range.js'
import { loadProfileFiles, type ProfileFiles } from './load.js'
import { provenProfile } from './proof.js'
import type { Identify, ProfileFile } from './schema.js'
import { UnknownDialect } from './unknown-dialect.js'

/** The profiles that come with tillbridge. */
export const BUILT_IN_PROFILES = fileURLToPath(
  new URL('../../../firmware-profiles', import.meta.url),
)

/** Every profile there is; says how a model with a certain firmware speaks. */
export class ProfileRegistry {
  readonly #files: ProfileFiles
  readonly #dialects: ReadonlyMap<string, InterpretingDialect>

  constructor(files: ProfileFiles) {
    this.#files = files
    this.#dialects = new Map(
      [...files.dialects].map(([name, { value }]) => [name, createDialect(value)]),
    )
  }

  /** In the order of their names. */
  get profiles(): readonly ProfileFile[] {
    return [...this.#files.profiles.entries()]
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([, { value }]) => value)
  }

  /** Whether a profile's cases pass: see `provenProfile`. */
  proof(profile: string): Result<undefined, TillbridgeError> {
    return provenProfile(this.#files, profile)
  }

  /** The dialect of this `vendor/name`, whatever firmware speaks it. */
  dialect(name: string): InterpretingDialect | undefined {
    return this.#dialects.get(name)
  }

  /**
   * How a terminal of the configuration is spoken with. Where no range holds its firmware, or it is
   * not known yet, that is to keep what it says and to believe nothing. Fails where there is no
   * such profile, or its firmware can neither be asked for nor stands in the configuration.
   */
  speechOf(terminal: {
    readonly profile: string
    readonly firmware?: string
    readonly address?: number
    readonly key?: SensorKey
  }): Result<Dialect, TillbridgeError> {
    const { profile: name, firmware } = terminal
    const known = this.dialectOf({ ...terminal, firmware: firmware ?? '' })
    const profile = this.#files.profiles.get(name)?.value
    const isMisplaced =
      !known.ok && ['TB_ADDRESS_UNKNOWN', 'TB_KEY_UNUSED'].includes(known.error.code)
    if (known.ok || profile === undefined || isMisplaced) return known
    if (firmware !== undefined) return ok(this.#unknown(profile, known.error.message))
    if (profile.identify !== undefined)
      return ok(this.#unknown(profile, `${name} has not said which firmware it has`))
    const why = `${name} cannot be asked for its firmware; write it beside its profile`
    return fail(new TillbridgeError('TB_FIRMWARE_UNKNOWN', why))
  }

  /** Two registries that say the same of a terminal have the same wording for it. */
  wordingOf(terminal: { readonly profile: string; readonly firmware?: string }): string {
    const profile = this.#files.profiles.get(terminal.profile)?.value
    const { firmware } = terminal
    const range =
      firmware === undefined
        ? undefined
        : profile?.firmware.find(one => coversFirmware(one, firmware))
    const dialect = range && this.#files.dialects.get(`${profile?.vendor}/${range.dialect}`)?.value
    return canonicalJson({ dialect: dialect ?? null, profile: dialect ? null : (profile ?? null) })
  }

  /** How terminals of this profile are asked for their firmware; nothing where they are not. */
  identifyOf(profile: string): readonly Identify[] {
    return this.#files.profiles.get(profile)?.value.identify ?? []
  }

  #unknown(profile: ProfileFile, reason: string): Dialect {
    const dialects = profile.firmware.flatMap(({ dialect }) => {
      const one = this.#dialects.get(`${profile.vendor}/${dialect}`)
      return one === undefined ? [] : [one]
    })
    return new UnknownDialect({ profile, dialects, reason })
  }

  /**
   * The dialect of one terminal. Fails with TB_PROFILE_UNKNOWN, with TB_FIRMWARE_UNKNOWN where no
   * range holds this firmware: the nearest range is never taken for it; with TB_ADDRESS_UNKNOWN
   * where the language of this terminal knows no addresses, or not this one; with TB_KEY_UNUSED
   * where it takes no key.
   */
  dialectOf(terminal: {
    /** `vendor/model` */
    readonly profile: string
    readonly firmware: string
    /** Which of several devices on its line it is; without, the one its dialect says. */
    readonly address?: number
    /** That of a sensor which encrypts. */
    readonly key?: SensorKey
  }): Result<InterpretingDialect, TillbridgeError> {
    const { profile: name, firmware, address, key } = terminal
    const profile = this.#files.profiles.get(name)?.value
    if (profile === undefined) return fail(unknownProfile(name, this.#files.profiles))
    const range = profile.firmware.find(one => coversFirmware(one, firmware))
    const dialectName = `${profile.vendor}/${range?.dialect}`
    const dialect = range === undefined ? undefined : this.#dialects.get(dialectName)
    if (dialect !== undefined && key !== undefined)
      return this.#changed(dialectName, 'TB_KEY_UNUSED', options => withKey(options, key))
    if (dialect !== undefined && address !== undefined)
      return this.#changed(dialectName, 'TB_ADDRESS_UNKNOWN', one => atAddress(one, address))
    if (dialect !== undefined) return ok(dialect)
    const ranges = profile.firmware.map(one => `${one.from} to ${one.to}`).join(', ')
    return fail(
      new TillbridgeError(
        'TB_FIRMWARE_UNKNOWN',
        `${name} has no dialect for firmware ${firmware}, only for ${ranges}`,
      ),
    )
  }

  /** Of a language that the shop says more of: this dialect with its options changed. */
  #changed(
    name: string,
    code: 'TB_ADDRESS_UNKNOWN' | 'TB_KEY_UNUSED',
    change: (options: ProtocolOptions) => Result<ProtocolOptions, string>,
  ): Result<InterpretingDialect, TillbridgeError> {
    const file = this.#files.dialects.get(name)?.value
    if (file === undefined || !('protocol' in file))
      return fail(new TillbridgeError(code, `${name} knows neither addresses nor keys`))
    const protocol = change(file.protocol)
    return protocol.ok
      ? ok(createDialect({ ...file, protocol: protocol.value }))
      : fail(new TillbridgeError(code, `${name} ${protocol.error}`))
  }
}

/**
 * The built-in profiles and those of further folders, of which a later one replaces an earlier one.
 * The failure lists every fault of every file.
 */
export async function loadRegistry(options: {
  readonly extraFolders: readonly string[]
}): Promise<Result<ProfileRegistry, readonly string[]>> {
  const files = await loadProfileFiles([BUILT_IN_PROFILES, ...options.extraFolders])
  return files.ok ? ok(new ProfileRegistry(files.value)) : files
}

function unknownProfile(name: string, profiles: ReadonlyMap<string, unknown>): TillbridgeError {
  const near = nearestOf(name, [...profiles.keys()])
  const hint = near === undefined ? '' : `; write ${near}?`
  return new TillbridgeError('TB_PROFILE_UNKNOWN', `no profile ${name}${hint}`)
}
