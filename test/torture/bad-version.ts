import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join, resolve } from 'node:path'

interface Patch {
  /** Below build/gateway. */
  readonly file: string
  readonly from: string
  readonly to: string
}

/** Versions that must not stay, each made of this one by one change. */
export const BAD_VERSIONS = {
  /** It acknowledges sales that it does not write. */
  lies: {
    file: 'ingest/journal-ingest.js',
    from: 'await this.#journal.append(flagged, fragments)',
    to: "flagged.map(() => 'stored')",
  },
  /** It reads another amount than was said. */
  misreads: {
    file: 'profile/event-mapping.js',
    from: 'const value = lookup(name);',
    to: "const read = lookup(name); const value = typeof read === 'number' ? read * 10 : read;",
  },
  /** Its disk never answers. */
  stalls: {
    file: 'ingest/journal-ingest.js',
    from: 'await this.#journal.append(flagged, fragments)',
    to: 'await new Promise(() => undefined)',
  },
  'crashes at once': {
    file: 'main.js',
    from: 'const shop = createShop(options);',
    to: "const shop = createShop(options); throw new Error('a bad version');",
  },
  /** It passes its self-test, and sells for a while. */
  'crashes later': {
    file: 'main.js',
    from: 'const shop = createShop(options);',
    to: "const shop = createShop(options); setTimeout(() => { throw new Error('bad'); }, 4_000);",
  },
  hangs: {
    file: 'main.js',
    from: 'const shop = createShop(options);',
    to: 'const shop = createShop(options); for (;;);',
  },
  'freezes later': {
    file: 'main.js',
    from: 'const shop = createShop(options);',
    to: 'const shop = createShop(options); setTimeout(() => { for (;;); }, 4_000);',
  },
} as const satisfies Readonly<Record<string, Patch>>

export type BadVersion = keyof typeof BAD_VERSIONS

/**
 * A version of the package below a folder, as dpkg and the maintainer's script put it there: this
 * build under another number, and with one thing changed.
 */
export function installVersion(options: {
  readonly home: string
  readonly state: string
  readonly version: string
  readonly bad?: BadVersion
}): void {
  const { home, state, version, bad } = options
  const at = (...names: string[]): string => join(home, 'package', ...names)
  rmSync(at(), { recursive: true, force: true })
  mkdirSync(at('bin'), { recursive: true })
  mkdirSync(state, { recursive: true })
  copyFileSync('deploy/debian/launch', join(home, 'launch'))
  symlinkSync(process.execPath, at('bin', 'node'))
  for (const name of ['node_modules', 'firmware-profiles']) symlinkSync(resolve(name), at(name))
  const manifest: unknown = JSON.parse(readFileSync('package.json', 'utf8'))
  const named = { ...(typeof manifest === 'object' ? manifest : {}), version }
  writeFileSync(at('package.json'), JSON.stringify(named))
  cpSync('build/gateway', at('build', 'gateway'), {
    recursive: true,
    filter: name => !name.endsWith('.map'),
  })
  if (bad !== undefined) {
    const { file, from, to } = BAD_VERSIONS[bad]
    const path = at('build', 'gateway', file)
    const text = readFileSync(path, 'utf8')
    if (!text.includes(from)) throw new Error(`${file} has no longer: ${from}`)
    writeFileSync(path, text.replace(from, to))
  }
  const env = { ...process.env, STATE_DIRECTORY: state }
  execFileSync('sh', [join(home, 'launch'), 'adopt', version], { env })
}
