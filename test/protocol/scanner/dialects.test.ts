import t from 'tap'
import { loadRegistry } from '../../../gateway/profile/registry.js'
import { captureAt, dialectContract } from '../../contract/dialect.js'

const SEED = 20261130

const loaded = await loadRegistry({ extraFolders: [] })
if (!loaded.ok) throw new Error(loaded.error.join('\n'))
const registry = loaded.value

/** A line has no checksum of its own; a GTIN has its check digit. */
const SCANNERS = [
  { profile: 'generic/aim-scanner', notices: 'none' },
  { profile: 'zebra/ssi', notices: 'single' },
  { profile: 'zebra/ssi-ble', notices: 'single' },
  { profile: 'honeywell/msgget', notices: 'none' },
] as const

for (const { profile, notices } of SCANNERS) {
  const found = registry.dialectOf({ profile, firmware: '1' })
  if (!found.ok) throw found.error
  dialectContract(
    t,
    {
      dialect: found.value,
      message: 'gs1',
      sample: random => {
        const weight = String(Math.floor(random.unit() * 1_000_000)).padStart(6, '0')
        return { symbology: 'C1', text: `01123456789012313103${weight}10LOT` }
      },
      stated: event => (event.type === 'code.scanned' ? event.data.text : event.type),
      expected: ({ text }) => String(text),
      keyed: false,
      notices,
      crossChecked: false,
    },
    SEED,
  )
}

t.test('a single digit that was hit never makes another article', async t => {
  const found = registry.dialectOf({ profile: 'generic/aim-scanner', firmware: '1' })
  if (!found.ok) throw found.error
  const line = '2112345678900'
  const accepted = [...line].flatMap((digit, at) =>
    Array.from({ length: 10 }, (_, other) => String(other))
      .filter(other => other !== digit)
      .map(other => `]E0${line.slice(0, at)}${other}${line.slice(at + 1)}`)
      .filter(text => found.value.decode(Buffer.from(text), captureAt(0)).type === 'events'),
  )
  t.same(accepted, [])
})
