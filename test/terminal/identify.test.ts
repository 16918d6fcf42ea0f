import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { resolveDialects } from '../../gateway/composition/dialects.js'
import { concatBytes, toHex } from '../../gateway/core/bytes.js'
import { systemClock } from '../../gateway/core/clock.js'
import type { Dialect } from '../../gateway/profile/dialect.js'
import { loadRegistry, type ProfileRegistry } from '../../gateway/profile/registry.js'
import { shopOf } from '../support/machine.js'
import { receipt } from '../support/receipt.js'
import { until } from '../support/until.js'
import { startSession, type TillEnd } from './shop.js'

const PROFILE = `format: 1
vendor: acme
model: till
name: a till of two languages
kind: till
source: constructed
firmware:
  - { from: "1.0", to: "1.9", dialect: ecr-line }
  - { from: "2.0", to: "2.9", dialect: ecr-lrc }
identify:
  - { type: usb, vendorId: "0403", productId: "6001" }
  - { type: query, send: "05", pattern: 'FW(?<firmware>[0-9.]{1,8})\\r', withinMs: 300 }
`

/** A registry with a till that can be asked what it is. */
async function registryWith(t: Test): Promise<{ registry: ProfileRegistry; folder: string }> {
  const folder = join(t.testdir({ journal: {}, profiles: { acme: {} } }), 'profiles')
  for (const dialect of ['ecr-line', 'ecr-lrc'])
    for (const kind of ['dialect', 'cases']) {
      const name = `${dialect}.${kind}.yaml`
      const text = await readFile(join('firmware-profiles/tillbridge', name), 'utf8')
      const own = text.replaceAll('tillbridge', 'acme')
      await writeFile(join(folder, 'acme', name), own)
    }
  await writeFile(join(folder, 'acme/till.profile.yaml'), PROFILE)
  const loaded = await loadRegistry({ extraFolders: [folder] })
  if (!loaded.ok) throw new RangeError(loaded.error.join('\n'))
  return { registry: loaded.value, folder }
}

function dialectNamed(registry: ProfileRegistry, firmware: string): Dialect {
  const dialect = registry.dialectOf({ profile: 'acme/till', firmware })
  if (!dialect.ok) throw dialect.error
  return dialect.value
}

/** A session of a terminal whose firmware the configuration leaves out. */
async function start(t: Test, registry: ProfileRegistry) {
  const shop = shopOf(
    'terminals: [ { id: till-1, profile: acme/till, line: { serial: { path: /dev/none } } } ]',
  )
  const [spoken] = resolveDialects(shop, registry)
  if (spoken?.identify === undefined) throw new RangeError('it is to be asked')
  const { dialect, identify } = spoken
  return startSession(t, { profile: 'tillbridge/plain-till', own: { dialect, identify } })
}

/** Says its firmware as soon as it is asked, with `before` right in front of it. */
async function answer(
  till: TillEnd,
  firmware: string,
  before: Uint8Array = Buffer.alloc(0),
): Promise<void> {
  await until('asked', () => toHex(till.heard()).endsWith('05'))
  const said = Buffer.from(`FW${firmware}\r`)
  await till.send(concatBytes([before, said.subarray(0, 3)]))
  await till.send(said.subarray(3))
}

t.test(
  'what it says it is decides how it is spoken with; what it said meanwhile counts',
  async t => {
    const { registry } = await registryWith(t)
    const shop = await start(t, registry)
    const sale = dialectNamed(registry, '2.0').encode('sale', receipt(1))
    await answer(shop.till, '2.1', sale)
    await until('sold', () => shop.session.status.eventsTotal === 1)
    t.match(shop.session.status, { profile: 'acme/ecr-lrc@1', state: 'connected' })
    t.equal(shop.session.status.reason, undefined)
    const identified = (await shop.events()).find(({ type }) => type === 'terminal.identified')
    t.match(identified, { data: { firmware: '2.1', by: 'query', dialect: 'acme/ecr-lrc@1' } })

    shop.modem.cut()
    const till = await shop.connect()
    await answer(till, '1.4')
    await until('switched', () => shop.session.status.profile === 'acme/ecr-line@1')
    await till.send(dialectNamed(registry, '1.0').encode('heartbeat', {}))
    await until('acknowledged', () => toHex(till.heard()).endsWith('06'))
    const firmware = (await shop.events()).flatMap(event =>
      event.type === 'terminal.identified' ? [event.data.firmware] : [],
    )
    t.strictSame(firmware, ['2.1', '1.4'])
  },
)

t.test(
  'without an answer, or with an unknown one, nothing is believed or acknowledged',
  async t => {
    const { registry } = await registryWith(t)
    const shop = await start(t, registry)
    const sale = dialectNamed(registry, '2.0').encode('sale', receipt(1))
    await answer(shop.till, '7.7')
    await until('unknown', () => shop.session.status.reason?.includes('firmware 7.7') === true)
    await shop.till.send(sale)
    await until('rejected', async () =>
      (await shop.events()).some(({ type }) => type === 'frame.rejected'),
    )
    t.equal(toHex(shop.till.heard()), '05', 'asked, and nothing acknowledged')
    const rejected = (await shop.events()).find(({ type }) => type === 'frame.rejected')
    t.match(rejected, {
      profile: 'acme/till-unknown@0',
      data: {
        issues: [/^TB_FIRMWARE_UNKNOWN: .*only for 1\.0 to 1\.9, 2\.0 to 2\.9/],
        raw: toHex(sale),
      },
    })
    t.match(shop.session.status, { state: 'connected', reason: /^TB_FIRMWARE_UNKNOWN/ })
  },
)

t.test('one that was off when its line opened is asked again once it speaks', async t => {
  const { registry } = await registryWith(t)
  let aheadMs = 0
  const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + aheadMs }
  const shop = shopOf(
    'terminals: [ { id: till-1, profile: acme/till, line: { serial: { path: /dev/none } } } ]',
  )
  const [spoken] = resolveDialects(shop, registry)
  const { dialect, identify } = spoken ?? {}
  if (dialect === undefined || identify === undefined) throw new RangeError('it is to be asked')
  const session = await startSession(t, {
    profile: 'tillbridge/plain-till',
    clock,
    own: { dialect, identify },
  })
  await until('listening', () => session.session.status.state === 'connected')
  aheadMs = 10_000
  await session.till.send(Buffer.from('hello\r\n'))
  await until('kept', () => session.session.status.rejectedTotal === 1)
  await until('asked again', () => toHex(session.till.heard()) === '0505')
  await session.till.send(Buffer.from('FW2.0\r'))
  await until('known', () => session.session.status.profile === 'acme/ecr-lrc@1')
  const types = (await session.events()).map(({ type }) => type)
  t.equal(types.filter(type => type === 'terminal.connected').length, 1, 'it was never lost')
})

t.test('a firmware that must be written is asked of the operator', async t => {
  const { registry } = await registryWith(t)
  t.match(registry.speechOf({ profile: 'tillbridge/plain-till' }), {
    ok: false,
    error: { code: 'TB_FIRMWARE_UNKNOWN', message: /cannot be asked/ },
  })
  t.match(registry.speechOf({ profile: 'transbank/pos', firmware: '99999' }), {
    ok: true,
    value: { cardData: true, doubt: /^TB_FIRMWARE_UNKNOWN/ },
  })
  t.match(registry.speechOf({ profile: 'no/such', firmware: '1' }), { ok: false })
})
