import t from 'tap'
import { currencyPlaces, formatAmount, parseAmount } from '../../gateway/core/money.js'
import { below, newRandom } from '../support/sample.js'

t.test('amounts become minor units, exactly', async t => {
  const cases = [
    ['12.50', 'EUR', 1250],
    ['-12.5', 'EUR', -1250],
    ['+7', 'EUR', 700],
    [' 0.07 ', 'EUR', 7],
    ['-0', 'EUR', 0],
    ['7', 'JPY', 7],
    ['7.00', 'JPY', 7],
    ['1.234', 'KWD', 1234],
    ['12.500', 'EUR', 1250],
    ['9007199254740.991', 'KWD', Number.MAX_SAFE_INTEGER],
  ] as const
  for (const [text, currency, amountMinor] of cases)
    t.same(parseAmount(text, currency), { ok: true, value: amountMinor }, `${text} ${currency}`)
})

t.test('what is no exact amount of the currency is refused', async t => {
  const cases = [
    ['', 'EUR'],
    ['.5', 'EUR'],
    ['5.', 'EUR'],
    ['1,50', 'EUR'],
    ['1e3', 'EUR'],
    ['0x10', 'EUR'],
    ['--1', 'EUR'],
    ['1.005', 'EUR'],
    ['7.5', 'JPY'],
    ['9007199254740.992', 'KWD'],
    ['9999999999999.999', 'KWD'],
    ['12345678901234', 'JPY'],
    ['１', 'EUR'],
  ] as const
  for (const [text, currency] of cases)
    t.equal(parseAmount(text, currency).ok, false, `${text} ${currency}`)
})

t.test('writing an amount is the inverse of reading it', async t => {
  const random = newRandom(t)
  t.same(['EUR', 'JPY', 'BHD', 'CLF'].map(currencyPlaces), [2, 0, 3, 4])
  t.equal(formatAmount(-5, 'EUR'), '-0.05')
  t.equal(formatAmount(1250, 'JPY'), '1250')
  for (const currency of ['EUR', 'JPY', 'BHD', 'CLF'])
    for (let round = 0; round < 200; round += 1) {
      const amountMinor = below(random, 2 ** (1 + below(random, 39))) * (round % 2 === 0 ? 1 : -1)
      const text = formatAmount(amountMinor, currency)
      const back = parseAmount(text, currency)
      if (!back.ok || back.value !== amountMinor + 0) t.fail(`${text} ${currency}`)
    }
})
