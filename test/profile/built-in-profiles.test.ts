import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'
import { testProfiles } from '../../gateway/profile/lint.js'
import { BUILT_IN_PROFILES, loadRegistry } from '../../gateway/profile/registry.js'

t.test('every case of every built-in profile passes, and none is missing', async t => {
  const report = await testProfiles([BUILT_IN_PROFILES])
  t.ok(report.ok, report.ok ? '' : report.error.join('\n'))
  if (!report.ok) return
  for (const { place, name, failures } of report.value.cases)
    t.strictSame(failures, [], `${name} (${place.replace(BUILT_IN_PROFILES, '')})`)
  t.strictSame(report.value.findings, [])
  t.ok(report.value.cases.length > 90)
})

t.test('an unknown firmware or profile gets no dialect', async t => {
  const registry = await loadRegistry({ extraFolders: [] })
  t.ok(registry.ok)
  if (!registry.ok) return
  const names = registry.value.profiles.map(({ vendor, model }) => `${vendor}/${model}`)
  t.strictSame(names, [...names].sort(), 'in the order of their names')
  t.ok(names.includes('generic/aim-scanner') && names.includes('transbank/pos'))
  const ask = (profile: string, firmware: string) => registry.value.dialectOf({ profile, firmware })
  t.match(ask('tillbridge/reference-till', '1.4'), {
    ok: true,
    value: { id: 'tillbridge/ecr-lrc@1' },
  })
  t.match(ask('tillbridge/reference-till', '2.0'), {
    ok: false,
    error: { code: 'TB_FIRMWARE_UNKNOWN', message: /only for 1\.0 to 1\.9/ },
  })
  t.match(ask('tillbridge/no-till', '1.4'), { ok: false, error: { code: 'TB_PROFILE_UNKNOWN' } })
})

t.test('the schema files say what gateway/profile says', async t => {
  const run = promisify(execFile)(process.execPath, ['scripts/profile-schemas.mjs', '--check'])
  await t.resolves(run)
})
