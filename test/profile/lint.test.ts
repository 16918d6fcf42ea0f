import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { testProfiles } from '../../gateway/profile/lint.js'
import { BUILT_IN_PROFILES } from '../../gateway/profile/registry.js'

/** A copy of the scale's profile with one file changed. */
async function changed(
  test: Test,
  options: { readonly file: string; readonly from: string; readonly to: string },
) {
  const folder = test.testdir({})
  const vendor = 'mettler-toledo'
  await cp(join(BUILT_IN_PROFILES, vendor), join(folder, vendor), { recursive: true })
  const path = join(folder, vendor, options.file)
  const text = await readFile(path, 'utf8')
  if (!text.includes(options.from)) throw new RangeError(`no ${options.from} in ${options.file}`)
  await writeFile(path, text.replace(options.from, options.to))
  const report = await testProfiles([folder])
  if (!report.ok) throw new RangeError(report.error.join('\n'))
  const failed = report.value.cases.filter(({ failures }) => failures.length > 0)
  return { failed, findings: report.value.findings }
}

t.test('a case that is not as it says fails, with its place', async t => {
  const cases = { file: 'sics-1.cases.yaml' }
  const wrongWeight = await changed(t, {
    ...cases,
    from: 'quantity: "100.00"',
    to: 'quantity: "1"',
  })
  t.match(wrongWeight.failed, [
    { name: 'sics-stable-100g', place: /sics-1\.cases\.yaml:\d+$/, failures: [/^data: expected/] },
  ])
  const wrongBytes = await changed(t, {
    ...cases,
    from: '53205320202020203130302e',
    to: '5320532020202020203130302e',
  })
  t.match(wrongBytes.failed, [{ failures: [/^encode: expected/] }])
  const wrongOutcome = await changed(t, {
    ...cases,
    from: 'ignored: moving',
    to: 'rejected: moving',
  })
  t.match(wrongOutcome.failed, [{ failures: [/expected a rejection with "moving", found moving/] }])
})

t.test('what no case shows is named', async t => {
  // The only case of this message, as one of another.
  const unshown = await changed(t, {
    file: 'sics-1.cases.yaml',
    from: `hex: 5a20490d0a
    expect: { ignored: refused }
    encode: { message: refused, values: { command: Z, state: I } }`,
    to: `hex: 53202b0d0a
    expect: { ignored: no-weight }`,
  })
  t.match(unshown.findings, [/sics-1\.dialect\.yaml:\d+: message refused: expected a case/])
  const neverBad = await changed(t, {
    file: 'sics-1.cases.yaml',
    from: 'name: weight-two-points',
    to: 'name: weight-two-points-again',
  })
  t.strictSame(neverBad.findings, [])
})
