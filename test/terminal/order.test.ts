import t from 'tap'
import type { LinkCommand } from '../../gateway/line/link/link.js'
import { commandsOf, commandsSchema } from '../../gateway/profile/dialect-command.js'
import type { RawWrite } from '../../gateway/terminal/conversation.js'
import { carryOut } from '../../gateway/terminal/order.js'

const told: (LinkCommand | RawWrite)[] = []
const session = {
  abilities: {
    commands: commandsOf(
      commandsSchema.parse({
        tare: { does: 'tares', link: 'T' },
        show: { does: 'shows', write: '\f{text}', arguments: { text: { type: 'text' } } },
      }),
    ),
  },
  command: async (command: LinkCommand | RawWrite) => {
    told.push(command)
    return { type: 'successful', values: {} } as const
  },
}

const order = (verb: string, values: LinkCommand['values'] = {}, mayWriteRaw = false) =>
  carryOut(session, { id: 'c', verb, values }, { mayWriteRaw })

t.test('a terminal does what its dialect declares, and nothing else', async t => {
  t.match(await order('tare'), { type: 'successful' })
  t.match(await order('show', { text: 'Hi' }), { type: 'successful' })
  t.match(await order('T'), { reason: 'unsupported', detail: /no T; its commands: tare, show/ })
  t.match(await order('tare', { now: true }), { reason: 'rejected', detail: /now/ })
  t.same(told.splice(0), [{ id: 'c', verb: 'T', values: {} }, { bytes: Buffer.from('\fHi') }])
})

t.test('one that has not said yet what it is may have the command', async t => {
  const doubt = 'TB_FIRMWARE_UNKNOWN: not said'
  const stranger = { ...session, abilities: { commands: commandsOf({}), doubt } }
  const outcome = await carryOut(
    stranger,
    { id: 'c', verb: 'tare', values: {} },
    { mayWriteRaw: false },
  )
  t.match(outcome, { reason: 'rejected', detail: doubt, notYet: true })
})

t.test('any bytes are written only where the configuration lets it be', async t => {
  t.match(await order('write-raw', { hex: '1b40' }), { reason: 'unsupported' })
  t.match(await order('write-raw', { hex: '1b40' }, true), { type: 'successful' })
  for (const values of [{}, { hex: '1b4' }, { hex: 5 }, { hex: '1b', more: 1 }] as const)
    t.match(await order('write-raw', values, true), { reason: 'rejected' })
  t.same(told, [{ bytes: Uint8Array.of(0x1b, 0x40) }])
})
