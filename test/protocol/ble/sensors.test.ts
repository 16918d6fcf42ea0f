import t from 'tap'
import { concatBytes, fromHex } from '../../../gateway/core/bytes.js'
import type { LinkInput } from '../../../gateway/line/link/link.js'
import {
  AdvertisementFramer,
  CharacteristicFramer,
} from '../../../gateway/protocol/ble/record-framer.js'
import { SensorLink } from '../../../gateway/protocol/ble/sensor-link.js'
import { bthome } from '../../../gateway/protocol/ble/sensors.js'
import { framerContract } from '../../contract/framer.js'

const TAG = fromHex('1bff99040512fc5394c37c0004fffc040cac364200cdcbb8334c884f')
const BTHOME = fromHex('0716d2fc4002ca09')

framerContract(t, {
  createFramer: () => new AdvertisementFramer(),
  encode: payload => concatBytes([Uint8Array.of(payload.length), payload, Uint8Array.of(0xc5)]),
  payloads: [TAG, BTHOME, concatBytes([BTHOME, TAG])],
  maxFrameBytes: 257,
  detectsCorruption: false,
  isEndedBySilence: false,
  alphabet: Uint8Array.of(0, 1, 2, 7, 27, 0x16, 0xff, 0xc5),
  floods: [Uint8Array.of(0xff), Uint8Array.of(0), Uint8Array.of(2, 1)],
})

framerContract(t, {
  createFramer: () => new CharacteristicFramer(['2A19', '2A9D']),
  encode: ([high = 0, low = 0, ...value]) => Uint8Array.of(high, low, value.length, ...value),
  payloads: [fromHex('2a1957'), fromHex('2a9d002c01'), fromHex('2a9d012c01')],
  maxFrameBytes: 258,
  detectsCorruption: false,
  isEndedBySilence: false,
  alphabet: Uint8Array.of(0x2a, 0x19, 0x9d, 0, 1, 3),
  floods: [Uint8Array.of(0x2a), Uint8Array.of(0x2a, 0x9d), Uint8Array.of(0)],
})

/** What a BTHome sensor delivers of these packets, each at its time. */
function delivered(
  options: Parameters<typeof bthome>[0],
  heard: readonly (readonly [hex: string, atMs: number])[],
): readonly boolean[] {
  const { link } = bthome(options)
  let state: unknown = link.initial
  return heard.map(([hex, atMs]) => {
    const data = fromHex(`16d2fc${hex}`)
    const payload = concatBytes([Uint8Array.of(data.length), data])
    const step = link.next(state, {
      type: 'framed',
      output: { type: 'frame', payload, raw: payload },
      atMs,
    })
    state = step.state
    return step.effects.length === 1
  })
}

t.test('BTHome: a packet id that was heard is a repeat, for four seconds', async t => {
  const packets = [
    ['4400091a01', 0],
    ['44000901641a00', 1000],
    ['4400081a00', 2000],
    ['44000a1a00', 3000],
    ['44000a01631a00', 3500],
    ['44000a01621a01', 7100],
  ] as const
  const news = [true, false, false, true, false, true]
  t.same(delivered({ type: 'bthome', everyMs: 1000 }, packets), news)
})

t.test('BTHome: with a key a replay and a packet in the clear are no readings', async t => {
  const key = { bindKey: '231d39c1d7cc1ab1aee224cd096db932', address: '54:48:E6:8F:80:A5' }
  const options = { type: 'bthome', everyMs: 1000, key } as const
  const [older, newer] = ['41723d3035fb88322211009e7414c0', '41e445f3c9962b332211006c7c4519']
  const packets = [
    [newer, 0],
    [older, 61_000],
    ['4002ca09', 122_000],
  ] as const
  t.same(delivered(options, packets), [true, false, true])
  const inTheClear = fromHex('0716d2fc4002ca09')
  t.match(bthome(options).read(inTheClear), { type: 'rejected', issue: /not encrypted/ })
})

t.test('a sensor is heard once a while, and at once when something happens', async t => {
  const link = new SensorLink({
    everyMs: 60_000,
    memory: undefined,
    sourceOf: payload => String(payload[0]),
    isHappening: payload => payload[0] === 9,
  })
  let state = link.initial
  const says = (bytes: readonly number[], atMs: number): number => {
    const payload = Uint8Array.from(bytes)
    const output = { type: 'frame', payload, raw: payload } as const
    const input: LinkInput = { type: 'framed', output, atMs }
    const step = link.next(state, input)
    state = step.state
    return step.effects.length
  }
  t.equal(says([1, 1], 0), 1, 'the first')
  t.equal(says([1, 1], 70_000), 0, 'the same again')
  t.equal(says([1, 2], 71_000), 1, 'another, a minute later')
  t.equal(says([1, 3], 72_000), 0, 'another, soon')
  t.equal(says([2, 3], 72_000), 1, 'another kind')
  t.equal(says([9, 1], 72_000) + says([9, 2], 72_001), 2, 'what happens')
  t.equal(says([9, 2], 72_002), 0, 'and is said again')
})
