import t from 'tap'
import { fromHex, toHex } from '../../../gateway/core/bytes.js'
import type { LinkCommand, LinkInput } from '../../../gateway/line/link/link.js'
import { sealRtu } from '../../../gateway/protocol/modbus/adu.js'
import { Modbus } from '../../../gateway/protocol/modbus/modbus.js'
import { modbusSchema } from '../../../gateway/protocol/modbus/register-schema.js'

const INT16 = { type: 'int16', unit: '°C' } as const
const WRITE = { function: 6, least: -40, most: 20 } as const
const OPTIONS = {
  type: 'modbus',
  address: 3,
  replyWithinMs: 100,
  groups: [
    {
      name: 'often',
      everyMs: 1000,
      registers: [{ name: 'cabinet', function: 4, address: 1, ...INT16 }],
    },
    {
      name: 'rarely',
      everyMs: 60_000,
      onlyChanges: true,
      registers: [
        { name: 'setpoint', function: 3, address: 768, ...INT16, scale: 0.1, write: WRITE },
      ],
    },
  ],
} as const

/** Questions and answers of unit 3, without their CRC. */
const CABINET = '030400010001'
const SETPOINT = '030303000001'
const DEGREES = '0304020004'
const SET_TO_5 = '030603000032'

class Exchange {
  readonly #link
  #state: unknown
  atMs = 0

  constructor(more: Readonly<Record<string, unknown>> = {}) {
    this.#link = new Modbus(modbusSchema.parse({ ...OPTIONS, ...more })).link
    this.#state = this.#link.initial
  }

  opened = (): readonly string[] => this.#feed({ type: 'opened' })

  elapsed(atMs: number): readonly string[] {
    this.atMs = atMs
    return this.#feed({ type: 'elapsed', atMs })
  }

  hears(hex: string): readonly string[] {
    const payload = fromHex(hex)
    const output = { type: 'frame', payload, raw: sealRtu(payload) } as const
    return this.#feed({ type: 'framed', output, atMs: this.atMs })
  }

  command(
    values: Readonly<Record<string, string | number>>,
    verb = 'write-register',
    within: Pick<LinkCommand, 'untilMs'> = {},
  ) {
    const command = { id: 'c1', verb, values, ...within }
    return this.#feed({ type: 'commanded', command, atMs: this.atMs })
  }

  #feed(input: LinkInput): readonly string[] {
    const { state, effects } = this.#link.next(this.#state, input)
    this.#state = state
    return effects.map(effect => {
      if (effect.type === 'write')
        return `write ${toHex(effect.bytes.subarray(0, -2))} ${effect.replyWithinMs}`
      if (effect.type === 'deliver') return `deliver ${toHex(effect.payload)}`
      if (effect.type === 'timer') return `timer ${effect.afterMs}`
      if (effect.type === 'answered') {
        const { outcome } = effect
        const why = outcome.type === 'failed' ? ` ${outcome.reason}: ${outcome.detail}` : ''
        return `${outcome.type}${why}`
      }
      return effect.type === 'count' ? effect.counter : effect.type
    })
  }
}

/** Opened, and both groups answered once. */
function settled(more: Readonly<Record<string, unknown>> = {}): Exchange {
  const exchange = new Exchange(more)
  exchange.opened()
  exchange.hears(DEGREES)
  exchange.hears('0303020014')
  return exchange
}

t.test('each group is asked when it is due, and a question goes with its answer', async t => {
  const exchange = new Exchange()
  t.same(exchange.opened(), [`write ${CABINET} 100`])
  t.same(exchange.hears(DEGREES), [
    `deliver ${CABINET}${DEGREES}`,
    'release',
    `write ${SETPOINT} 100`,
  ])
  t.same(exchange.hears('0303020014'), [`deliver ${SETPOINT}0303020014`, 'release', 'timer 1000'])
  t.same(exchange.elapsed(1000), [`write ${CABINET} 100`])
  t.match(exchange.hears(DEGREES), [`deliver ${CABINET}${DEGREES}`, 'release', 'timer 1000'])
})

t.test('a group that tells changes alone says the same once', async t => {
  const exchange = settled()
  exchange.elapsed(60_000)
  t.same(exchange.hears(DEGREES), [
    `deliver ${CABINET}${DEGREES}`,
    'release',
    `write ${SETPOINT} 100`,
  ])
  t.same(exchange.hears('0303020014'), ['release', 'timer 1000'])
})

t.test('an answer to something else came too late, and the wait goes on', async t => {
  const exchange = new Exchange()
  exchange.opened()
  for (const stray of ['0404020004', '0303020004', '03040400040004', '0306000a0004', '038302'])
    t.same(exchange.hears(stray), ['late'], stray)
  t.match(exchange.hears(DEGREES), ['deliver 0304000100010304020004'])
  exchange.hears('0303020014')
  t.same(exchange.hears(DEGREES), ['late'], 'when nothing is asked')
})

t.test('the echo of an adapter is no answer', async t => {
  const exchange = new Exchange()
  exchange.opened()
  t.same(exchange.hears(CABINET), [], 'alone')
  t.match(exchange.hears(DEGREES), [`deliver ${CABINET}${DEGREES}`])
  t.match(exchange.hears(`${SETPOINT}0303020014`), [`deliver ${SETPOINT}0303020014`], 'together')
})

t.test('a function, a register or a value that it has not is not asked for again', async t => {
  const exchange = new Exchange()
  exchange.opened()
  t.same(exchange.hears('038402'), [`deliver ${CABINET}038402`, 'release', `write ${SETPOINT} 100`])
  t.same(exchange.hears('0303020014'), [`deliver ${SETPOINT}0303020014`, 'release', 'timer 60000'])
})

t.test('one that is busy is asked again soon, one that failed when it is due', async t => {
  const exchange = settled()
  exchange.elapsed(1000)
  t.same(exchange.hears('038406'), ['release', 'timer 1000'])
  exchange.elapsed(60_000)
  exchange.hears(DEGREES)
  t.same(exchange.hears('038304'), [`deliver ${SETPOINT}038304`, 'release', 'timer 1000'])
})

t.test('one that does not answer becomes silent, and is asked rarely', async t => {
  const exchange = new Exchange()
  exchange.opened()
  t.same(exchange.elapsed(100), ['timeout', 'release', `write ${SETPOINT} 100`])
  t.same(exchange.elapsed(200), ['timeout', 'release', 'timer 900'])
  exchange.elapsed(1100)
  t.same(exchange.elapsed(1200), ['timeout', 'silent', 'release', 'timer 30000'])
  t.match(exchange.elapsed(31_200), [/^write/])
  t.same(exchange.elapsed(31_300), ['timeout', 'release', 'timer 30000'], 'and is silent once')
  exchange.elapsed(61_300)
  exchange.atMs = 61_350
  t.match(exchange.hears(DEGREES).at(-1) ?? exchange.hears('0303020014').at(-1), /write|timer/)
})

t.test('a register is set, and read back at once', async t => {
  const exchange = settled()
  t.same(exchange.command({ register: 'setpoint', value: 5 }), [`write ${SET_TO_5} 100`])
  t.same(exchange.hears(SET_TO_5), ['successful', 'release', `write ${CABINET} 100`])
  t.match(exchange.hears(DEGREES).at(-1), `write ${SETPOINT}`)
})

t.test('where the adapter hears itself, its echo does not pass for the answer', async t => {
  const exchange = new Exchange()
  exchange.opened()
  t.same(exchange.command({ register: 'setpoint', value: 5 }), [], 'that is not known yet')
  exchange.hears(CABINET)
  t.match(exchange.hears(DEGREES).at(-1), `write ${SET_TO_5} 100`)
  t.same(exchange.hears(SET_TO_5), [], 'the echo')
  t.match(exchange.hears(SET_TO_5), ['successful'])
  exchange.hears(DEGREES)
  exchange.hears('0303020014')
  exchange.command({ register: 'setpoint', value: 5 })
  exchange.hears(SET_TO_5)
  t.match(exchange.elapsed(200), ['timeout', 'failed unknown: no answer; it may have been set'])
})

t.test('what may not be set is answered without asking the device', async t => {
  const exchange = settled()
  const refused = (values: Readonly<Record<string, string | number>>, verb?: string) =>
    exchange.command(values, verb)
  t.match(refused({ register: 'cabinet', value: 1 }), [/^failed rejected: cabinet is not declared/])
  t.match(refused({ register: 'setpoint', value: 21 }), [/^failed rejected: .*-40 to 20/])
  t.match(refused({ register: 'setpoint', value: 1.05 }), [/steps of 0.1/])
  t.match(refused({ register: 'fan', value: 1 }), [/no such register/])
  t.match(refused({}, 'print'), [/^failed unsupported/])
  exchange.command({ register: 'setpoint', value: 5 })
  t.match(exchange.hears('038603'), ['failed rejected: it does not take this value'])
})

t.test('ASCII carries the same', async t => {
  const link = new Modbus(modbusSchema.parse({ ...OPTIONS, transmission: 'ascii' })).link
  const { effects } = link.next(link.initial, { type: 'opened' })
  const [write] = effects
  t.equal(write?.type === 'write' && Buffer.from(write.bytes).toString(), ':030400010001F7\r\n')
})

t.test('what waits for longer than it may is not set', async t => {
  const exchange = settled()
  exchange.elapsed(1000)
  t.same(exchange.command({ register: 'setpoint', value: 5 }, undefined, { untilMs: 1050 }), [])
  const said = [...exchange.elapsed(1100), ...exchange.elapsed(3000)]
  t.match(said.join(), /failed expired: its time was over/)
  t.notMatch(said.join(), SET_TO_5)
})
