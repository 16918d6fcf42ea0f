import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import t from 'tap'
import { z } from 'zod'

const lockSchema = z.object({
  packages: z.record(
    z.string(),
    z.object({
      dev: z.boolean().optional(),
      devOptional: z.boolean().optional(),
      integrity: z.string().optional(),
    }),
  ),
})
const text = readFileSync('package-lock.json', 'utf8')
const shipped = Object.entries(lockSchema.parse(JSON.parse(text)).packages).filter(
  ([path, { dev, devOptional }]) => path !== '' && !dev && !devOptional,
)

t.test('what a shop gets is pinned by its hash', async t => {
  t.ok(shipped.length > 50)
  for (const [path, { integrity }] of shipped) t.match(integrity, /^sha512-/, path)
  const { dependencies } = z
    .object({ dependencies: z.record(z.string(), z.string()) })
    .parse(JSON.parse(readFileSync('package.json', 'utf8')))
  for (const [name, version] of Object.entries(dependencies))
    t.match(version, /^(npm:.*@)?\d+\.\d+\.\d+$/, name)
})

t.test('no licence asks for more than to keep a notice', async t => {
  const script = resolve('scripts/licences.mjs')
  const listed = execFileSync(process.execPath, [script], { encoding: 'utf8' })
  t.equal(listed.trim().split('\n').length, shipped.length)
  const folder = t.testdir({})
  writeFileSync(join(folder, 'package-lock.json'), text.replaceAll('"MIT"', '"GPL-3.0-only"'))
  t.equal(spawnSync(process.execPath, [script], { cwd: folder }).status, 1)
})

t.test('the bill of materials names them', async t => {
  const bill = execFileSync('npm', ['run', '--silent', 'sbom'], { encoding: 'utf8' })
  const { components } = z
    .object({ components: z.array(z.object({ name: z.string(), version: z.string() })) })
    .parse(JSON.parse(bill))
  for (const name of ['classic-level', '@serialport/bindings-cpp', 'mqtt'])
    t.ok(
      components.some(component => component.name.endsWith(name.split('/').at(-1) ?? name)),
      name,
    )
})
