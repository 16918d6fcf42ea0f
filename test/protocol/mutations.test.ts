import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { z } from 'zod'
import { fromHex } from '../../gateway/core/bytes.js'
import { type Random, seededRandom } from '../../gateway/core/random.js'
import type { Dialect } from '../../gateway/profile/dialect.js'
import { BUILT_IN_PROFILES, loadRegistry } from '../../gateway/profile/registry.js'
import { captureAt } from '../contract/dialect.js'

const SEED = 20261130
const MUTATIONS = 400
/** Whatever a line makes of it, no framer of a scale or a scanner keeps more. */
const MOST_BUFFERED = 4096

const casesFile = z.object({
  vendor: z.string(),
  dialect: z.string(),
  cases: z.array(z.object({ hex: z.string() })),
})
const profileFile = z.object({
  vendor: z.string(),
  model: z.string(),
  kind: z.string(),
  firmware: z.array(z.object({ from: z.string(), dialect: z.string() })),
})

function filesOf<Value>(suffix: string, schema: z.ZodType<Value>): readonly Value[] {
  return readdirSync(BUILT_IN_PROFILES, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith(suffix))
    .map(name => schema.parse(parse(readFileSync(join(BUILT_IN_PROFILES, name), 'utf8'))))
}

const registry = await loadRegistry({ extraFolders: [] })
if (!registry.ok) throw new Error(registry.error.join('\n'))
const profiles = filesOf('.profile.yaml', profileFile)
const cases = filesOf('.cases.yaml', casesFile)

/** Changed, lost, doubled bytes, and pieces of another frame. */
function mutated(frames: readonly Uint8Array[], random: Random): Uint8Array {
  const below = (limit: number): number => Math.floor(random.unit() * limit)
  const frame = [...(frames[below(frames.length)] ?? [])]
  const other = frames[below(frames.length)] ?? new Uint8Array(0)
  for (let times = 1 + below(4); times > 0; times -= 1) {
    const at = below(frame.length)
    const kind = below(5)
    if (kind === 0) frame[at] = below(256)
    else if (kind === 1) frame[at] = (frame[at] ?? 0) ^ (1 << below(8))
    else if (kind === 2) frame.splice(at, 1 + below(3))
    else if (kind === 3) frame.splice(at, 0, frame[at] ?? 0)
    else frame.splice(at, 0, ...other.subarray(0, below(other.length)))
  }
  return Uint8Array.from(frame)
}

/** Frames are decoded as they come; silence ends each burst. */
function hear(dialect: Dialect, bytes: Uint8Array): number {
  const framer = dialect.createFramer()
  const outputs = [...framer.push(bytes)]
  const buffered = framer.bufferedBytes
  outputs.push(...framer.idle())
  for (const output of outputs)
    if (output.type === 'frame') dialect.decode(output.payload, captureAt(0))
  return buffered
}

for (const { vendor, model, kind, firmware } of profiles) {
  const [range] = firmware
  if ((kind !== 'scale' && kind !== 'scanner') || range === undefined) continue
  t.test(`${vendor}/${model}: damage is heard, and throws nothing`, async t => {
    const found = registry.value.dialectOf({ profile: `${vendor}/${model}`, firmware: range.from })
    if (!found.ok) throw found.error
    const own = cases.find(file => file.vendor === vendor && file.dialect === range.dialect)
    const frames = (own?.cases ?? []).map(({ hex }) => fromHex(hex))
    t.ok(frames.length > 0)
    const random = seededRandom(SEED)
    let most = 0
    for (let round = 0; round < MUTATIONS; round += 1)
      most = Math.max(most, hear(found.value, mutated(frames, random)))
    t.ok(most <= MOST_BUFFERED, `seed ${SEED}: ${most} bytes buffered`)
  })
}
