import t, { type Test } from 'tap'
import { concatBytes, toHex } from '../../gateway/core/bytes.js'
import { maskPan } from '../../gateway/security/pan-scheme.js'
import { scrubBytes, scrubText, sensitiveIn } from '../../gateway/security/pan-scrub.js'
import { needlesOf, packedForms, TEST_CARDS, textForms } from '../support/test-cards.js'

const hide = (text: string): string => scrubText(text, { runs: 'whole', isAboutCards: false }).value

const bytesOf = (hex: string): Uint8Array => Buffer.from(hex, 'hex')
const hideIn = (hex: string): string => toHex(scrubBytes(bytesOf(hex)).value)
const dropped = (text: string) => sensitiveIn(Buffer.from(text, 'latin1'))

function holdsNone(t: Test, bytes: Uint8Array, pan: string): void {
  const text = Buffer.from(bytes).toString('latin1').toLowerCase()
  const found = `${text} ${toHex(bytes)}`
  const hit = needlesOf(pan).find(needle => found.includes(needle))
  if (hit !== undefined) t.fail(`${pan} as ${hit} in ${found}`)
}

t.test('the search of these tests finds every form that is not hidden', async t => {
  for (const pan of TEST_CARDS)
    for (const { name, bytes } of [...textForms(pan), ...packedForms(pan)]) {
      const found = [bytes, Buffer.from(toHex(bytes))]
        .map(one => Buffer.from(one).toString('latin1').toLowerCase())
        .join(' ')
      if (!needlesOf(pan).some(needle => found.includes(needle))) t.fail(`${pan}: ${name}`)
    }
  t.pass(`${TEST_CARDS.length} numbers`)
})

t.test('a number is hidden in every form, and nothing moves', async t => {
  for (const pan of TEST_CARDS)
    for (const { name, bytes } of textForms(pan)) {
      const given = Buffer.from(bytes).toString('latin1')
      for (const [before, after] of [
        ['', ''],
        ['Gift ', '!'],
        ['x', 'x'],
      ]) {
        // Letters beside base64 are base64, too; beside hexadecimal, x is not.
        const { value, hidden } = scrubText(`${before}${given}${after}`, {
          runs: 'whole',
          isAboutCards: false,
        })
        if (value.length !== given.length + `${before}${after}`.length) t.fail(`${name}: ${value}`)
        if (hidden === 0) t.fail(`${pan}: ${name} between "${before}" and "${after}"`)
        holdsNone(t, Buffer.from(value, 'latin1'), pan)
      }
    }
  t.pass(`${TEST_CARDS.length} numbers`)
})

t.test('in the bytes of a frame, columns and packed digits around it, too', async t => {
  const surroundings = [
    { before: '', after: '' },
    { before: '02530701', after: '2020312e3030300d' },
    { before: '535f303031303031', after: '303030313030300303' },
  ]
  for (const pan of TEST_CARDS)
    for (const { before, after } of surroundings) {
      for (const { bytes } of textForms(pan)) {
        const frame = concatBytes([bytesOf(before), bytes, bytesOf(after)])
        const { value } = scrubBytes(frame)
        t.equal(value.length, frame.length)
        holdsNone(t, value, pan)
      }
      for (const { bytes } of packedForms(pan)) {
        const element = concatBytes([bytesOf('040041'), Uint8Array.of(0x22, bytes.length), bytes])
        const frame = concatBytes([bytesOf('020010010153'), element, bytesOf('2304000010002404')])
        holdsNone(t, scrubBytes(frame).value, pan)
      }
    }
})

t.test('one truncation everywhere: six digits hidden at least', async t => {
  t.equal(hide('4111111111111111'), '411111******1111')
  t.equal(hide('378282246310005'), '37828******0005')
  t.equal(hide('30569309025904'), '3056******5904')
  t.equal(hide('6205500000000000004'), '620550*********0004')
  t.equal(hide('4111-1111-1111-1111'), '4111-11**-****-1111')
  t.equal(maskPan('4111 1111 1111 1111'), '411111******1111')
  t.equal(maskPan('41111111****1111'), '411111******1111', 'a terminal that shows eight')
  t.equal(maskPan('4111EEEEEEEE1111'), '4111********1111', 'as ZVT hides digits')
  t.equal(maskPan('************1234'), '************1234')
  t.equal(maskPan('6590'), '****6590')
  for (const wrong of ['', '123', '41111', 'MARIA', '4111111111111111111111'])
    t.equal(maskPan(wrong), undefined, wrong)
})

t.test('what a terminal masked too little is masked further', async t => {
  t.equal(hide('411111111111XXXX'), '411111******XXXX')
  t.equal(hide('**** **** 1234 5678'), '**** **** **** 5678')
  t.equal(hide('#### #### #### 5678'), '#### #### #### 5678')
  t.equal(hide('**** 20261122 ****'), '**** 20261122 ****', 'a number between stars')
  t.equal(hide('******* TOTAL 12345678'), '******* TOTAL 12345678')
})

t.test('what is no card number stays', async t => {
  for (const text of [
    '4111111111111112', // Luhn
    '1111111111111117',
    '4222222222222', // 13-digit Visa
    '41111111111111110000', // longer than any card
    '20261122 184501 000017',
    'DE89 3704 0044 0532 0130 00',
    '501234567890', // short Maestro without a word
    '4111 11 11 11 11 11 11', // no card is written so
  ])
    t.equal(hide(text), text)
})

t.test('a word beside it makes a card of what would be none', async t => {
  t.equal(hide('Maestro 501800000009'), 'Maestro 50******0009')
  t.equal(hide('Karte 0041111111111111110000'), 'Karte 00411111******11110000')
  t.equal(hide('card: 41 11 11 11 11 11 11 11'), 'card: 41 11 11 ** ** ** 11 11')
  t.equal(hide(`${' '.repeat(60)}card${'.'.repeat(60)}501800000009`).endsWith('501800000009'), true)
})

t.test('a receipt number is left alone, but not one in groups', async t => {
  const exempt = { runs: 'none', isAboutCards: false } as const
  t.equal(scrubText('2611220010030174', exempt).value, '2611220010030174')
  t.equal(scrubText('4111111111111111', exempt).value, '4111111111111111')
  t.equal(scrubText('4111 1111 1111 1111', exempt).value, '4111 11** **** 1111')
})

t.test('tracks are sensitive in every form', async t => {
  const track2 = '4111111111111111=29121010000000000'
  t.equal(dropped(`;${track2}?`), 'track data')
  t.equal(dropped('x;123456789012345=2912101?'), 'track data', 'by its form alone')
  t.equal(dropped(track2), 'track data', 'without sentinel')
  t.equal(dropped('%B4111111111111111^DOE/JOHN^29121010000000000?'), 'track data')
  t.equal(dropped('B3782 822463 10005^DOE/JOHN^2912'), 'track data')
  t.equal(dropped(toHex(Buffer.from(`;${track2}?`))), 'track data', 'in hexadecimal')
  t.equal(dropped(Buffer.from(`a;${track2}?`).toString('base64')), 'track data', 'in base64')
  t.equal(dropped(Buffer.from(`;${track2}?`, 'utf16le').toString('latin1')), 'track data')
  t.equal(dropped('4111111111111111D2912101000'), 'track data')
  t.equal(dropped('4111111111111111=2913101000'), undefined, 'no month thirteen')
  t.equal(dropped('4111111111111112=2912101000'), undefined, 'no card')
  t.equal(dropped('1234567890123456=2912'), undefined)
})

t.test('elements of a chip', async t => {
  const track = '4111111111111111d29121010000000000000f'
  const others = '820219809f26081122334455667788950500000000009a03261122'
  t.equal(sensitiveIn(bytesOf(`5713${track}`)), 'track data')
  t.equal(sensitiveIn(bytesOf(`0210${track}20`)), 'track data', 'without a tag that is known')
  t.equal(sensitiveIn(bytesOf(`9f6b13${track}`)), 'track data')
  t.equal(sensitiveIn(bytesOf(`${others}9f1f0401020304`)), 'track data')
  t.equal(sensitiveIn(bytesOf(`${others}9f200401020304`)), 'track data')
  t.equal(sensitiveIn(bytesOf(`7028${others}5f20026162`)), undefined)
  t.equal(sensitiveIn(bytesOf(`${others}9908a1b2c3d4e5f60718`)), 'PIN data')
  t.equal(sensitiveIn(bytesOf(`e125${others}9908a1b2c3d4e5f60718`)), 'PIN data', 'in a template')
  t.equal(dropped(`EMV=${others}9908A1B2C3D4E5F60718`), 'PIN data', 'in hexadecimal')
  t.equal(sensitiveIn(bytesOf('9908a1b2c3d4e5f60718')), undefined, '99 alone may be anything')
  const holder = `${others}5f2403291231${'5f2008444f452f4a4f484e'}5a084111111111111111`
  const hidden = hideIn(holder)
  t.equal(hidden.length, holder.length)
  t.notMatch(hidden, /291231|444f452f4a4f484e|4111111111111111/)
  t.equal(hideIn('5a081234567890123452'), `5a08${'ee'.repeat(8)}`, 'of a scheme nobody knows')
})

t.test('hostile bytes take no more than their share of time', async t => {
  const size = 64 * 1024
  const floods = ['4', '4111111111111111', '1 ', '4111 ', 'card 4111 ', '**** ', '4*', '34', 'MTEx']
  const more = [';4111111111111=1', 'B4111111111111^', '4\0', '5f2a0200', '\x5f\x2a\x02\0', '=D']
  for (const flood of [...floods, ...more]) {
    const bytes = Buffer.from(flood.repeat(Math.ceil(size / flood.length)).slice(0, size), 'latin1')
    const before = process.cpuUsage()
    scrubBytes(bytes)
    const { user } = process.cpuUsage(before)
    t.ok(user < 1_500_000, `${JSON.stringify(flood)}: ${Math.round(user / 1000)} ms for 64 KiB`)
  }
})
