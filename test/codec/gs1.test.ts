import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'
import { parseElementString, readElementString } from '../../gateway/codec/gs1.js'
import { GS1_IDENTIFIERS, type Gs1Identifier } from '../../gateway/codec/gs1-identifiers.js'
import { LINTERS, type LinterName } from '../../gateway/codec/gs1-linters.js'

t.test('elements, with and without separators', async t => {
  const good = [
    ['0112345678901231', { '01': '12345678901231' }],
    ['011234567890123110ABC\x1d2112', { '01': '12345678901231', '10': 'ABC', '21': '12' }],
    ['0112345678901231\x1d10ABC', { '01': '12345678901231', '10': 'ABC' }],
    ['3103001250', { '3103': '001250' }],
    ['7007260101260201', { '7007': '260101260201' }],
    ['2531234567890128', { '253': '1234567890128' }],
    ['803012=', { '8030': '12=' }],
    ['80301234X=', { '8030': '1234X=' }],
    ['8003012345678901281', { '8003': '012345678901281' }],
  ] as const
  for (const [text, elements] of good)
    t.strictSame(readElementString(text), { ok: true, value: elements }, text)
})

t.test('what is not an element string is refused, and why', async t => {
  const bad = [
    ['', /at least one element/],
    ['\x1d', /exists/],
    ['0112345678901234', /\(01\): a valid check digit/],
    ['011234567890123', /\(01\): 14 characters/],
    ['0512', /exists/],
    ['10', /\(10\): 1 to 20 characters/],
    [`10${'A'.repeat(21)}`, /\(10\): no more characters/],
    ['10AB{', /\(10\): characters that GS1 allows/],
    ['17261301', /\(17\): a date/],
    ['7007260101260', /\(7007\): 6 characters/],
    ['10A\x1d10B', /\(10\): one value/],
    ['3103001x50', /\(3103\): characters/],
    ['8030123=', /\(8030\): characters/],
    ['80301=34', /\(8030\): characters/],
  ] as const
  for (const [text, reason] of bad) t.match(readElementString(text), { ok: false, error: reason })
})

// gs1/gs1-syntax-dictionary (Apache-2.0), src/lint_yymmd0.c @ ff2eb4bfc8f6
t.test('dates', async t => {
  const isDate = (element: string) => readElementString(element).ok
  t.ok(isDate('17250606'))
  t.notOk(isDate('17200132'))
  t.ok(isDate('17250200'), 'day 00: the last of the month')
  t.notOk(isDate('4326250200'), 'a full date')
})

t.test('the table holds together', async t => {
  const identifiers = [...GS1_IDENTIFIERS.keys()]
  const ambiguous = identifiers.filter(one =>
    identifiers.some(other => other !== one && one.startsWith(other)),
  )
  t.strictSame(ambiguous, [], 'no identifier begins with another')
  const most = ({ parts }: Gs1Identifier) => parts.reduce((total, part) => total + part.max, 0)
  const table = [...GS1_IDENTIFIERS.entries()]
  t.strictSame(
    table.filter(([, meaning]) => most(meaning) > 90),
    [],
    'no value exceeds 90 characters',
  )
  const mismatched = table.filter(
    ([identifier, meaning]) =>
      meaning.predefined &&
      PREDEFINED_LENGTHS.get(identifier.slice(0, 2)) !== identifier.length + most(meaning),
  )
  t.strictSame(mismatched, [], 'predefined lengths are those of the General Specifications')
  const variable = table.filter(([, { parts }]) =>
    parts.slice(0, -1).some(part => part.min !== part.max),
  )
  t.strictSame(variable, [], 'only the last part varies')
  t.ok(table.length > 500)
})

t.test('the table is GS1’s own', async t => {
  const run = promisify(execFile)(process.execPath, ['scripts/gs1-identifiers.mjs', '--check'])
  await t.resolves(run)
})

// gs1/gs1-syntax-engine (Apache-2.0), src/c-lib/ai.c @ 50657dbd04ce, test_ai_linters
const FAULTY = [
  ['00A23456789012345675', 'non digit character'],
  ['10 ', 'invalid cset82 character'],
  ['8010123456_', 'invalid cset39 character'],
  ['8030ABC:123', 'invalid cset64 character'],
  ['00123456789012345670', 'incorrect check digit'],
  ['8013123456ABXX', 'incorrect check pair'],
  ['8013A', 'too short for check pair'],
  ['401123', 'too short for gcp'],
  ['702312A4', 'invalid gcp prefix'],
  ['70401AB=', 'invalid import idx character'],
  ['800112340000012311', 'illegal zero value'],
  ['8003112345678901281234567890123456', 'not zero'],
  ['8011023456789012', 'illegal zero prefix'],
  ['43212', 'not zero or one'],
  ['800112341234512321', 'invalid winding direction'],
  ['426987', 'not iso3166'],
  ['7030987ABC', 'not iso3166 or 999'],
  ['4307AA', 'not iso3166 alpha2'],
  ['39109870', 'not iso4217'],
  ['8007FR1234', 'iban too short'],
  ['8007FR12_45678901234', 'invalid iban character'],
  ['8007AB12345678901234', 'illegal iban country code'],
  ['8007FR12345678901234', 'incorrect iban checksum'],
  ['4326201300', 'illegal month'],
  ['4326201200', 'illegal day'],
  ['43242012252400', 'illegal hour'],
  ['43242012252360', 'illegal minute'],
  ['8008201225230060', 'illegal second'],
  ['8026123456789012310099', 'zero piece number'],
  ['8026123456789012310100', 'zero total pieces'],
  ['8026123456789012310302', 'piece number exceeds total'],
  ['4300ABC%0g', 'invalid percent sequence'],
  ['8112201234561234560123456', 'coupon invalid format code'],
  ['81120', 'coupon missing funder vli'],
  ['811207', 'coupon invalid funder length'],
  ['811201123456', 'coupon truncated funder'],
  ['811200123456', 'coupon truncated offer code'],
  ['811200123456123456', 'coupon missing serial number vli'],
  ['8112001234561234560', 'coupon truncated serial number'],
  ['811071234567890123', 'coupon invalid gcp length'],
  ['8110012345', 'coupon truncated gcp'],
  ['81100123456123456', 'coupon missing save value vli'],
  ['811001234561234560', 'coupon invalid save value length'],
  ['811001234561234561', 'coupon truncated save value'],
  ['8110012345612345611', 'coupon missing 1st purchase requirement vli'],
  ['81100123456123456116123456', 'coupon invalid 1st purchase requirement length'],
  ['81100123456123456111', 'coupon truncated 1st purchase requirement'],
  ['811001234561234561111', 'coupon missing 1st purchase requirement code'],
  ['8110012345612345611115', 'coupon invalid 1st purchase requirement code'],
  ['8110012345612345611119', 'coupon truncated 1st purchase family code'],
  ['81100123456123456111101231', 'coupon missing additional purchase rules code'],
  ['811001234561234561111012314', 'coupon invalid additional purchase rules code'],
  ['811001234561234561111012310', 'coupon missing 2nd purchase requirement vli'],
  ['8110012345612345611110123106123456', 'coupon invalid 2nd purchase requirement length'],
  ['8110012345612345611110123101', 'coupon truncated 2nd purchase requirement'],
  ['81100123456123456111101231011', 'coupon missing 2nd purchase requirement code'],
  ['811001234561234561111012310115', 'coupon invalid 2nd purchase requirement code'],
  ['811001234561234561111012310119', 'coupon truncated 2nd purchase family code'],
  ['811001234561234561111012310110123', 'coupon missing 2nd purchase gcp vli'],
  ['81100123456123456111101231011012371234567890123', 'coupon invalid 2nd purchase gcp length'],
  ['8110012345612345611110123101101230', 'coupon truncated 2nd purchase gcp'],
  ['81100123456123456111101232', 'coupon missing 3rd purchase requirement vli'],
  ['811001234561234561111012320', 'coupon invalid 3rd purchase requirement length'],
  ['811001234561234561111012321', 'coupon truncated 3rd purchase requirement'],
  ['8110012345612345611110123211', 'coupon missing 3rd purchase requirement code'],
  ['81100123456123456111101232115', 'coupon invalid 3rd purchase requirement code'],
  ['81100123456123456111101232110', 'coupon truncated 3rd purchase family code'],
  ['81100123456123456111101232110123', 'coupon missing 3rd purchase gcp vli'],
  ['8110012345612345611110123211012371234567890123', 'coupon invalid 3rd purchase gcp length'],
  ['811001234561234561111012321101230', 'coupon truncated 3rd purchase gcp'],
  ['81100123456123456111101233', 'coupon too short for expiration date'],
  ['81100123456123456111101233200010', 'coupon invalid exipiration date'],
  ['81100123456123456111101234', 'coupon too short for start date'],
  ['81100123456123456111101234200010', 'coupon invalid start date'],
  ['811001234561234561111012335006064500607', 'coupon expiration before start'],
  ['81100123456123456111101236', 'coupon missing retailer gcp or gln vli'],
  ['811001234561234561111012360', 'coupon invalid retailer gcp or gln length'],
  ['811001234561234561111012361', 'coupon truncated retailer gcp or gln'],
  ['81100123456123456111101239', 'coupon missing save value code'],
  ['811001234561234561111012393', 'coupon invalid save value code'],
  ['811001234561234561111012390', 'coupon missing save value applies to item'],
  ['8110012345612345611110123903', 'coupon invalid save value applies to item'],
  ['8110012345612345611110123900', 'coupon missing store coupon flag'],
  ['81100123456123456111101239000', 'coupon missing dont multiply flag'],
  ['811001234561234561111012390002', 'coupon invalid dont multiply flag'],
  ['8110012345612345611110123900000', 'coupon excess data'],
  ['430918000000010000000000', 'invalid latitude'],
  ['430900000000003600000001', 'invalid longitude'],
  ['4330000000X', 'not hyphen'],
  ['72525', 'invalid biological sex code'],
  ['7258111', 'position in sequence malformed'],
  ['72580/3', 'illegal zero prefix'],
  ['72582/1', 'position exceeds end'],
] as const

t.test('every check of the dictionary finds its fault', async t => {
  for (const [text, reason] of FAULTY)
    t.match(parseElementString(text), { fault: { reason } }, text)
})

t.test('sound values pass every check', async t => {
  const sound: Partial<Record<LinterName, string>> = {
    csumalpha: '1987654Ad4X4bL5ttr2310c2K',
    iban: 'GB82WEST12345698765432',
    couponcode: '106141411234562891101201212085010048000214025610048000310123191000',
    couponposoffer: '001234561234560123456',
    packagetype: '1A',
    mediatype: '10',
    yyyymmdd: '20240229',
    posinseqslash: '2/3',
    hasnondigit: '12A',
    importeridx: '_',
  }
  for (const [name, text] of Object.entries(sound))
    t.equal(LINTERS[name as LinterName](text), undefined, `${name} ${text}`)
})

const PREDEFINED_LENGTHS: ReadonlyMap<string, number> = new Map([
  ['00', 20],
  ['01', 16],
  ['02', 16],
  ['03', 16],
  ['04', 18],
  ...['11', '12', '13', '14', '15', '16', '17', '18', '19'].map(two => [two, 8] as const),
  ['20', 4],
  ...['31', '32', '33', '34', '35', '36'].map(two => [two, 10] as const),
  ['41', 16],
])
