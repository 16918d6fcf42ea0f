import t from 'tap'
import { bleLine } from '../../gateway/config/ble.js'

const address = 'AA:BB:CC:DD:EE:01'
const key = '231d39c1d7cc1ab1aee224cd096db932'

t.test('a key is that of one sensor, which only advertises', async t => {
  const messages = (line: object): readonly string[] =>
    bleLine.safeParse(line).error?.issues.map(({ message }) => message) ?? []
  t.same(messages({ address, advertisement: true, key }), [])
  t.match(messages({ name: 'S*', advertisement: true, key }), [/write address and advertisement/])
  t.match(messages({ address, key }), [/write address and advertisement/])
  t.equal(messages({ address, advertisement: true, key: '231d' }).length, 1)
  t.match(messages({ pairing: 'none' }), [/write one of address, name, service, bonded/])
})
