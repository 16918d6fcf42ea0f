import t from 'tap'
import { commandsSchema } from '../../gateway/profile/dialect-command.js'
import {
  checkDocuments,
  documentsOf,
  documentsSchema,
} from '../../gateway/profile/dialect-documents.js'

const commands = commandsSchema.parse({
  'set-price': {
    does: 'sets a price',
    arguments: {
      plu: { type: 'digits' },
      price: { type: 'amount' },
      text: { type: 'text', optional: true },
    },
  },
  authorise: { does: 'pays', money: true, arguments: { amountMinor: { type: 'amount' } } },
})

function faultsOf(prices: object): readonly string[] {
  const faults: string[] = []
  const documents = documentsSchema.parse({ prices })
  checkDocuments({ commands, documents }, (path, message) => {
    faults.push(`${path.join('.')}: ${message}`)
  })
  return faults
}

t.test('a line is a command that moves no money, with a column for each argument', async t => {
  t.same(faultsOf({ command: 'set-price', values: { plu: 0, price: 2 } }), [])
  t.match(faultsOf({ command: 'authorise', values: { amountMinor: 0 } }), [
    /documents.prices.command: expected a command that moves no money; write one of set-price$/,
  ])
  t.match(faultsOf({ command: 'set-price', values: { plu: 0, size: 1 } }), [
    /documents.prices.values: expected a column for price/,
    /documents.prices.values.size: expected an argument of set-price; write one of plu, price/,
  ])
  t.match(faultsOf({ command: 'other', values: {} }), [/write one of set-price/])
})

t.test('a line is told once, where the dialect does not say that twice is no harm', async t => {
  const file = { prices: { command: 'set-price', values: { plu: 0, price: 1 } } }
  t.match(documentsOf(documentsSchema.parse(file)).get('prices'), {
    separator: ';',
    headerLines: 0,
    repeatable: false,
  })
  t.equal(documentsOf(documentsSchema.parse({})).size, 0)
  t.throws(() => documentsSchema.parse({ profiles: file.prices }), /profiles/)
})
