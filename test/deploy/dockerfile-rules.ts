import { posix } from 'node:path'
import type { Faults } from './balena-rules.js'

/** Node's arm64 image on Debian: classic-level has no build for Alpine there. */
const BASE = 'node:24-trixie-slim'

/** Native packages bring binaries for every machine; nothing is built on the way. */
const COMPILERS =
  /(?<![\w-])(build-essential|gcc|g\+\+|make|python3?|node-gyp|npm rebuild)(?![\w-])/

/** The one that gives up every privilege (deploy/entrypoint.sh). */
const ENTRYPOINT = '["tillbridge-entrypoint"]'

interface Instruction {
  readonly word: string
  readonly rest: string
}

/** Our Dockerfile: base images, install scripts, order of layers, what may be copied. */
export function checkDockerfile(options: {
  readonly text: string
  readonly ignore: string
}): Faults {
  const instructions = instructionsOf(options.text)
  const stages = instructions.filter(({ word }) => word === 'FROM')
  const names = stages.map(({ rest }) => / AS (\S+)$/i.exec(rest)?.[1])
  const last = instructions.slice(instructions.findLastIndex(({ word }) => word === 'FROM'))
  return [
    ...stages
      .map(({ rest }) => rest.split(' ')[0] ?? '')
      .filter(image => image !== BASE && !names.includes(image))
      .map(image => `FROM ${image}: not ${BASE}`),
    ...instructions
      .filter(({ word, rest }) => word === 'RUN' && /npm (ci|i|install)\b/.test(rest))
      .filter(({ rest }) => !rest.includes('--ignore-scripts'))
      .map(({ rest }) => `${rest}: runs scripts of packages`),
    ...instructions
      .filter(({ word }) => word === 'ADD' || word === 'VOLUME')
      .map(({ word }) => `${word} is not for us`),
    ...instructions
      .filter(({ word, rest }) => word === 'RUN' && COMPILERS.test(rest))
      .map(({ rest }) => `${rest}: a compiler, or what needs one`),
    ...checkOrder(last),
    ...checkStages(instructions),
    ...checkEnd(last),
    ...checkSources({ instructions, ignore: options.ignore }),
    ...last
      .filter(({ word, rest }) => /^(ENTRYPOINT|CMD)$/.test(word) && !rest.startsWith('['))
      .map(({ word }) => `${word} in shell form swallows signals`),
  ]
}

/** What changes with every release stands last, so that balena's deltas stay small. */
function checkOrder(last: readonly Instruction[]): Faults {
  const at = (part: string) =>
    last.findIndex(({ word, rest }) => word === 'COPY' && rest.includes(part))
  const [modules, build] = [at('node_modules'), at('build/gateway')]
  return modules >= 0 && modules < build ? [] : ['dependencies must be a layer below our own code']
}

/** Shops get no development dependency: what they get is from a stage that has none. */
function checkStages(instructions: readonly Instruction[]): Faults {
  const copied = instructions.findLast(
    ({ word, rest }) => word === 'COPY' && rest.includes('node_modules'),
  )
  const stage = /^--from=(\S+)/.exec(copied?.rest ?? '')?.[1]
  const from = instructions.findIndex(
    ({ word, rest }) => word === 'FROM' && rest.endsWith(` AS ${stage}`),
  )
  const after = instructions.slice(from + 1)
  const end = after.findIndex(({ word }) => word === 'FROM')
  const installs = after.slice(0, end).filter(({ rest }) => /npm (ci|i|install)\b/.test(rest))
  const isLean = installs.length > 0 && installs.every(({ rest }) => rest.includes('--omit=dev'))
  return from >= 0 && isLean ? [] : ['node_modules must come from a stage that omits dev']
}

/** As whom it runs, and how anybody knows that it is of use. */
function checkEnd(last: readonly Instruction[]): Faults {
  const restOf = (wanted: string) => last.find(({ word }) => word === wanted)?.rest ?? ''
  return [
    ...(restOf('ENTRYPOINT') === ENTRYPOINT ? [] : [`ENTRYPOINT is not ${ENTRYPOINT}`]),
    ...(/ CMD \["tillbridge-health"\]$/.test(restOf('HEALTHCHECK'))
      ? []
      : ['HEALTHCHECK does not run tillbridge-health']),
    // On the tmpfs of docker-compose.yml: the root is read-only, and the card wears.
    ...(/ TILLBRIDGE_HEALTH_FILE=\/run\//.test(restOf('ENV'))
      ? []
      : ['ENV lacks TILLBRIDGE_HEALTH_FILE under /run']),
  ]
}

/** The build context holds only what .dockerignore lets in. */
function checkSources(options: {
  readonly instructions: readonly Instruction[]
  readonly ignore: string
}): Faults {
  const lines = options.ignore.split('\n')
  const allowed = lines.filter(line => line.startsWith('!')).map(line => line.slice(1))
  const copies = options.instructions.filter(
    ({ word, rest }) => word === 'COPY' && !rest.startsWith('--from='),
  )
  const sources = copies.flatMap(({ rest }) => rest.split(/\s+/).slice(0, -1))
  return [
    ...(lines.includes('*') ? [] : ['.dockerignore lets everything in']),
    ...sources
      .map(source => posix.normalize(source))
      .filter(source => !allowed.some(name => source === name || source.startsWith(`${name}/`)))
      .map(source => `COPY ${source}: .dockerignore keeps it out`),
  ]
}

function instructionsOf(text: string): readonly Instruction[] {
  return text
    .replace(/^\s*#.*\n/gm, '')
    .replace(/\\\n/g, ' ')
    .split('\n')
    .filter(line => line.trim() !== '')
    .map(line => {
      const [word = '', ...rest] = line.trim().split(/\s+/)
      return { word: word.toUpperCase(), rest: rest.join(' ') }
    })
}
