import t from 'tap'
import { profileLintCommand } from '../../gateway/cli/commands/profile-lint.js'
import { profileTestCommand } from '../../gateway/cli/commands/profile-test.js'
import { EXIT } from '../../gateway/cli/exit-codes.js'
import { systemClock } from '../../gateway/core/clock.js'
import { seededRandom } from '../../gateway/core/random.js'
import { createFramer } from '../../gateway/line/framing/catalog.js'
import type { Framer } from '../../gateway/line/framing/framer.js'
import { framesOf } from '../../gateway/profile/cases.js'
import { createDialect } from '../../gateway/profile/create-dialect.js'
import type { InterpretingDialect } from '../../gateway/profile/dialect.js'
import { loadProfileFiles } from '../../gateway/profile/load.js'
import { BUILT_IN_PROFILES } from '../../gateway/profile/registry.js'
import { captureNow } from '../../gateway/workbench/explain.js'
import { fuzzDialect, noticesFlips } from '../../gateway/workbench/fuzz/fuzz-dialect.js'
import { fuzzProfiles } from '../../gateway/workbench/fuzz/fuzz-profiles.js'
import { complaintsOf, guardOf } from '../../gateway/workbench/fuzz/verdict.js'
import { invoke } from '../support/command.js'

const SEED = 20261130

const loaded = await loadProfileFiles([BUILT_IN_PROFILES])
if (!loaded.ok) throw new Error(loaded.error.join('\n'))
const files = loaded.value

t.test('a slice of the damage to every dialect: no crash, no hang, no loss, no money', t => {
  const guards = new Map<string, string>()
  const options = { files, mutations: 300, seed: SEED, clock: systemClock }
  for (const { name, guard, report, complaints } of fuzzProfiles(options)) {
    t.strictSame(complaints, [], `${name}, seed ${SEED}`)
    const { discarded, ignored, rejected, unharmed, wrong } = report
    const outcomes = [discarded, ignored, rejected, unharmed, wrong.single, wrong.several]
    t.equal(
      outcomes.reduce((sum, one) => sum + one),
      report.mutations,
      `${name}: they add up`,
    )
    t.equal(report.mutations, 300, name)
    t.ok(discarded + rejected > 0, `${name}: some damage is noticed`)
    guards.set(name, guard)
  }
  t.equal(guards.get('tillbridge/ecr-tlv'), 'crc')
  t.equal(guards.get('tillbridge/ecr-lrc'), 'byte')
  t.equal(guards.get('mettler-toledo/sics-1'), 'none')
  t.equal(guards.get('mettler-toledo/toledo-8217'), 'none')
  t.end()
})

/** A till's dialect, and what its cases begin with. */
function till() {
  const file = files.dialects.get('tillbridge/ecr-lrc')?.value
  const cases = files.cases.get('tillbridge/ecr-lrc')?.value
  if (file === undefined || cases === undefined) throw new RangeError('it is built in')
  const dialect = createDialect(file)
  return { file, dialect, frames: framesOf(dialect, cases) }
}

function fuzzed(change: (dialect: InterpretingDialect) => Partial<InterpretingDialect>) {
  const { file, dialect, frames } = till()
  const spoiled = new Proxy(dialect, {
    get: (target, name) => Reflect.get({ ...bound(target), ...change(target) }, name),
  })
  const report = fuzzDialect({
    dialect: spoiled,
    frames,
    mutations: 4000,
    capture: captureNow('UTC'),
    random: seededRandom(SEED),
    clock: systemClock,
  })
  return {
    report,
    complaints: complaintsOf(
      report,
      guardOf(file, () => false),
    ),
  }
}

/** The members of a dialect as a plain object. */
function bound(dialect: InterpretingDialect): InterpretingDialect {
  return {
    id: dialect.id,
    line: dialect.line,
    idleMs: dialect.idleMs,
    cardData: dialect.cardData,
    greeting: dialect.greeting,
    link: dialect.link,
    commands: dialect.commands,
    documents: dialect.documents,
    gathers: dialect.gathers,
    createFramer: () => dialect.createFramer(),
    isUnfinished: held => dialect.isUnfinished(held),
    decode: (...given) => dialect.decode(...given),
    interpret: (...given) => dialect.interpret(...given),
    encode: (...given) => dialect.encode(...given),
  }
}

/** A framer with another way of giving its frames. */
function framer(inner: Framer, push: (chunk: Uint8Array) => ReturnType<Framer['push']>): Framer {
  return {
    push,
    idle: () => inner.idle(),
    get bufferedBytes() {
      return inner.bufferedBytes
    },
  }
}

t.test('it finds what must not be', t => {
  const throwing = fuzzed(dialect => ({
    interpret: (payload, capture, held) => {
      if (payload.length % 7 === 0) throw new RangeError('beyond the end')
      return dialect.interpret(payload, capture, held)
    },
  }))
  t.match(throwing.complaints, [/faults, such as threw beyond the end.*: [0-9a-f]+/])

  const losing = fuzzed(dialect => ({
    createFramer: () => {
      const inner = dialect.createFramer()
      return framer(inner, chunk => inner.push(chunk).filter(({ type }) => type === 'frame'))
    },
  }))
  t.match(losing.complaints, [/bytes in, \d+ out/])

  const unchecked = { type: 'stx-etx', dle: false, checksum: 'none', maxFrameBytes: 4096 } as const
  const blind = fuzzed(() => ({
    createFramer: () => createFramer({ ...unchecked, checksumEndian: 'big' }),
  }))
  t.match(blind.complaints, [/^\d+ wrong amounts from one changed byte$/])
  t.end()
})

t.test('one seed is one run; a flip that changes an amount is seen', t => {
  const { dialect, frames } = till()
  const clock = { ...systemClock, monotonicMs: () => 0 }
  const subject = { dialect, frames, capture: captureNow('UTC'), clock }
  const run = (seed: number) =>
    fuzzDialect({ ...subject, mutations: 300, random: seededRandom(seed) })
  t.strictSame(run(1), run(1))
  t.notSame(run(1), run(2))
  t.equal(noticesFlips({ ...subject, random: seededRandom(1) }), true)
  const scale = files.dialects.get('mettler-toledo/toledo-8217')?.value
  const weights = files.cases.get('mettler-toledo/toledo-8217')?.value
  if (scale === undefined || weights === undefined) throw new RangeError('it is built in')
  const asked = createDialect(scale)
  const own = {
    dialect: asked,
    frames: framesOf(asked, weights),
    capture: captureNow('UTC'),
    clock,
  }
  t.equal(noticesFlips({ ...own, random: seededRandom(1) }), false)
  t.end()
})

t.test('the command prints counts, and the table of what cases show', async t => {
  const args = ['--mutations', '200', '--dialect', 'tillbridge/ecr-line', '--coverage']
  const run = await invoke(profileTestCommand, { args })
  t.equal(run.code, EXIT.ok)
  t.match(run.stdout, /^tillbridge\/ecr-line: 200 damaged frames, 0 faults; /m)
  t.match(run.stdout, /^tillbridge\/plain-till 1\.0-1\.9 +ecr-line +sale +1 +5$/m)
  t.match(run.stdout, /^\d+ cases passed, 0 failed$/m)
  t.match(await invoke(profileTestCommand, { args: ['--mutations', 'x'] }), { code: EXIT.usage })
  t.match(
    await invoke(profileTestCommand, { args: ['--mutations', '9', '--after', 'zebra/none'] }),
    {
      code: EXIT.usage,
      stderr: /^--after: expected one of adam\/print, /,
    },
  )
  const rest = await invoke(profileTestCommand, {
    args: ['--mutations', '200', '--after', 'zvt/ecr-tcp'],
  })
  t.strictSame(rest.stdout.match(/^\S+(?=: 200 damaged)/gm), ['zvt/tap-serial', 'zvt/tap-tcp'])
  t.match(await invoke(profileLintCommand, { args: [] }), {
    code: EXIT.ok,
    stdout: /^\d+ profiles, \d+ dialects, 0 findings$/m,
  })
})
