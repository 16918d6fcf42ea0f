import t from 'tap'
import { seededRandom } from '../../../gateway/core/random.js'
import { createLink, linkSchema } from '../../../gateway/line/link/catalog.js'
import type { LinkInput } from '../../../gateway/line/link/link.js'

const SEED = 20_261_130
const RUNS = 400
const INPUTS = 150

const REQUESTS = {
  authorise: {
    text: '0200|{amount}|{reference}',
    answer: '0210|',
    success: '0210|00|',
    money: true,
    echo: { reference: 2, amount: 3 },
  },
  last: {
    text: '0250|',
    answer: '0260|',
    success: '0260|00|',
    echo: { reference: 2, amount: 3 },
  },
}

const frame = (text: string): LinkInput => {
  const raw = Buffer.from(text, 'latin1')
  return { type: 'framed', output: { type: 'frame', payload: raw, raw }, atMs: 0 }
}

for (const type of ['ecr', 'enq-eot'] as const)
  t.test(`${type}: whatever happens, no sale is sent twice (seed ${SEED})`, async t => {
    const random = seededRandom(SEED)
    const below = (limit: number): number => Math.floor(random.unit() * limit)
    const faults: string[] = []
    for (let run = 0; run < RUNS; run += 1) {
      const link = createLink(
        linkSchema.parse({
          type,
          ask: 'last',
          progress: '0900|',
          askOnOpening: below(2) === 0,
          requests: REQUESTS,
        }),
        payload => payload,
      )
      let state: unknown = link.initial
      let [number, delivered, naks] = [0, 0, 0]
      const sent = new Map<string, { times: number; readonly naks: number }>()
      const open = new Set<string>()
      const said: LinkInput[] = [{ type: 'opened' }]
      for (let step = 0; step < INPUTS; step += 1) {
        const any: readonly LinkInput[] = [
          { type: 'elapsed', atMs: 0 },
          frame('\x06'),
          frame('\x05'),
          frame('\x04'),
          frame('0900|80'),
          frame(`0210|00|R${number}|5`),
          frame(`0260|00|R${number - below(2)}|5`),
          {
            type: 'framed',
            output: { type: 'discarded', reason: 'noise', raw: Uint8Array.of(0x41) },
            atMs: 0,
          },
        ]
        let input = said.pop() ?? any[below(any.length)] ?? { type: 'opened' }
        if (delivered > 0 && below(2) === 0) {
          delivered -= 1
          const outcomes = ['journaled', 'duplicate', 'rejected', 'refused'] as const
          const outcome = outcomes[below(outcomes.length)] ?? 'journaled'
          input = { type: 'settled', outcome, atMs: 0 }
        } else if (below(8) === 0) {
          number += 1
          const values = { amount: 5, reference: `R${number}` }
          open.add(`c${number}`)
          const command = { id: `c${number}`, verb: 'authorise', values }
          input = { type: 'commanded', command, atMs: 0 }
        } else if (below(12) === 0) {
          naks += 1
          input = frame('\x15')
        }
        const next = link.next(state, input)
        state = next.state
        for (const effect of next.effects) {
          if (effect.type === 'deliver') delivered += 1
          if (effect.type === 'answered' && !open.delete(effect.id))
            faults.push(`run ${run}: ${effect.id} answered twice`)
          if (effect.type !== 'write') continue
          const text = Buffer.from(effect.bytes).toString('latin1')
          if (!text.startsWith('0200|')) continue
          const sending = sent.get(text) ?? { times: 0, naks }
          sent.set(text, sending)
          sending.times += 1
          if (sending.times > 1 + naks - sending.naks) faults.push(`run ${run}: ${text} sent again`)
        }
        if (delivered > 1) faults.push(`run ${run}: ${delivered} being settled at once`)
      }
      if (open.size > 2) faults.push(`run ${run}: ${open.size} commands without an answer`)
    }
    t.strictSame(faults.slice(0, 3), [])
  })
