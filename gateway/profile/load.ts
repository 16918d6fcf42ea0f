import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ZodType } from 'zod'
import { messageOf } from '../core/errors.js'
import { fail, ok, type Result } from '../core/result.js'
import { describeAt, parseYaml, validateYaml, type YamlSource } from '../core/yaml-source.js'
import { dialectFileSchema } from './dialect-rules.js'
import { compareFirmware, rangesOverlap } from './firmware-range.js'
import { protocolDialectFileSchema } from './protocol-rules.js'
import {
  type CasesFile,
  casesSchema,
  type DialectFile,
  type ProfileFile,
  type ProtocolDialectFile,
  profileSchema,
} from './schema.js'

/** A file that passed its schema, and where its parts stand. */
export interface Loaded<Value> {
  readonly source: YamlSource
  readonly value: Value
}

/** A dialect that describes its messages, or names the language that does. */
export type AnyDialectFile = DialectFile | ProtocolDialectFile

/** What the folders of profiles hold, by `vendor/name`. */
export interface ProfileFiles {
  readonly profiles: ReadonlyMap<string, Loaded<ProfileFile>>
  readonly dialects: ReadonlyMap<string, Loaded<AnyDialectFile>>
  readonly cases: ReadonlyMap<string, Loaded<CasesFile>>
}

const KINDS = ['profile', 'dialect', 'cases'] as const
type Kind = (typeof KINDS)[number]

interface FoundFile {
  readonly path: string
  readonly vendor: string
  readonly name: string
  readonly kind: Kind
}

/** A profile whose ranges are closed, ordered and apart. */
const profileFileSchema = profileSchema.superRefine((profile, context) => {
  for (const [index, range] of profile.firmware.entries()) {
    const refuse = (key: string, message: string) =>
      context.addIssue({ code: 'custom', path: ['firmware', index, key], message })
    if (compareFirmware(range.from, range.to) > 0)
      refuse('to', `expected ${range.from} or later; write the last version of the range`)
    const before = profile.firmware.slice(0, index).find(other => rangesOverlap(other, range))
    if (before !== undefined)
      refuse(
        'from',
        `expected a range apart from ${before.from} to ${before.to}; write where it really begins`,
      )
  }
})

/**
 * Every profile, dialect and case below the folders: `<folder>/<vendor>/<name>.<kind>.yaml`. A
 * file of a later folder replaces one of the same name. The failure lists every fault of every
 * file, each as `file:line:column: …`.
 */
export async function loadProfileFiles(
  folders: readonly string[],
): Promise<Result<ProfileFiles, readonly string[]>> {
  const faults: string[] = []
  const keep = <Value>(kept: Map<string, Loaded<Value>>, options: Reading<Value>) => {
    const loaded = readOne(options)
    if (loaded.ok) kept.set(`${options.file.vendor}/${options.file.name}`, loaded.value)
    else faults.push(...loaded.error)
  }
  const profiles = new Map<string, Loaded<ProfileFile>>()
  const dialects = new Map<string, Loaded<AnyDialectFile>>()
  const cases = new Map<string, Loaded<CasesFile>>()
  const present = new Set<string>()
  for (const folder of folders) {
    const found = await findFiles(folder)
    if (!found.ok) return found
    for (const file of found.value) {
      const text = await readFile(file.path, 'utf8')
      if (file.kind === 'dialect') present.add(`${file.vendor}/${file.name}`)
      const named = {
        vendor: file.vendor,
        [file.kind === 'profile' ? 'model' : 'dialect']: file.name,
      }
      if (file.kind === 'profile')
        keep(profiles, { file, text, schema: () => profileFileSchema, named })
      else if (file.kind === 'dialect')
        keep<AnyDialectFile>(dialects, {
          file,
          text,
          schema: value => (hasProtocol(value) ? protocolDialectFileSchema : dialectFileSchema),
          named,
        })
      else keep(cases, { file, text, schema: () => casesSchema, named })
    }
  }
  faults.push(...danglingNames({ profiles, cases, present }))
  return faults.length === 0 ? ok({ profiles, dialects, cases }) : fail(faults)
}

async function findFiles(folder: string): Promise<Result<readonly FoundFile[], readonly string[]>> {
  try {
    const entries = await readdir(folder, { withFileTypes: true, recursive: true })
    const found = entries
      .filter(entry => entry.isFile() && /\.ya?ml$/.test(entry.name))
      .map(entry => placeOf(folder, join(entry.parentPath, entry.name)))
    const faults = found.flatMap(file => (file.ok ? [] : [file.error]))
    if (faults.length > 0) return fail(faults)
    const files = found.flatMap(file => (file.ok ? [file.value] : []))
    return ok(files.sort((left, right) => (left.path < right.path ? -1 : 1)))
  } catch (thrown) {
    return fail([`${folder}: expected a folder of profiles (${messageOf(thrown)}); write its path`])
  }
}

function placeOf(folder: string, path: string): Result<FoundFile, string> {
  const inside = path
    .slice(folder.length)
    .split(/[\\/]/)
    .filter(part => part !== '')
  const [vendor = '', fileName = '', ...deeper] = inside
  const [, name, kind] = /^([a-z0-9-]+)\.([a-z]+)\.yaml$/.exec(fileName) ?? []
  const known = KINDS.find(one => one === kind)
  return name === undefined || known === undefined || deeper.length > 0
    ? fail(
        `${path}: expected <vendor>/<name>.profile.yaml, .dialect.yaml or .cases.yaml; ` +
          'write its name so',
      )
    : ok({ path, vendor, name, kind: known })
}

function hasProtocol(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'protocol' in value
}

interface Reading<Value> {
  readonly file: FoundFile
  readonly text: string
  /** By what the file says of itself. */
  readonly schema: (value: unknown) => ZodType<Value>
  /** Keys whose values the path of the file already says. */
  readonly named: Readonly<Record<string, string>>
}

function readOne<Value>(options: Reading<Value>): Result<Loaded<Value>, readonly string[]> {
  const { file, text, schema, named } = options
  const source = parseYaml({ file: file.path, text })
  if (!source.ok) return source
  const value = validateYaml({
    source: source.value,
    value: source.value.value,
    schema: schema(source.value.value),
  })
  if (!value.ok) return value
  const misnamed = Object.entries(named).filter(
    ([key, expected]) => source.value.spelling([key])?.replace(/["']/g, '') !== expected,
  )
  if (misnamed.length === 0) return ok({ source: source.value, value: value.value })
  return fail(
    misnamed.map(([key, expected]) =>
      faultAt(source.value, {
        path: [key],
        text: `expected the name the file has; write \`${expected}\``,
      }),
    ),
  )
}

/** Dialects that a profile or cases name and that have no file, not even a faulty one. */
function danglingNames(files: {
  readonly profiles: ProfileFiles['profiles']
  readonly cases: ProfileFiles['cases']
  /** `vendor/dialect` */
  readonly present: ReadonlySet<string>
}): readonly string[] {
  const mentions = [
    ...[...files.profiles.values()].flatMap(({ source, value }) =>
      value.firmware.map(({ dialect }, index) => {
        return { source, vendor: value.vendor, dialect, path: ['firmware', index, 'dialect'] }
      }),
    ),
    ...[...files.cases.values()].map(({ source, value }) => {
      return { source, vendor: value.vendor, dialect: value.dialect, path: ['dialect'] }
    }),
  ]
  return mentions
    .filter(({ vendor, dialect }) => !files.present.has(`${vendor}/${dialect}`))
    .map(({ source, vendor, path }) => {
      const own = [...files.present].filter(name => name.startsWith(`${vendor}/`))
      const choices = own.map(name => name.slice(vendor.length + 1)).join(', ')
      return faultAt(source, {
        path,
        text: `expected a dialect of ${vendor}; write one of ${choices || '(there is none)'}`,
      })
    })
}

function faultAt(
  source: YamlSource,
  fault: { readonly path: readonly (string | number)[]; readonly text: string },
): string {
  return describeAt({ source, place: source.locate(fault.path), ...fault })
}
