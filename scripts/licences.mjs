// usage: npm run --silent licences
// What a shop's card gets beside our own code: each package with its licence. Fails where a licence
// asks more of a shop than to keep a notice, or where none is stated.
import { readFileSync } from 'node:fs'

const ALLOWED = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-3-Clause',
  'ISC',
  'MIT',
  // As their authors wrote them.
  'Apache2',
  'MIT/X11',
])

const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'))
let refused = 0
for (const [path, { version, license, dev, devOptional }] of Object.entries(packages)) {
  if (path === '' || dev || devOptional) continue
  const isAllowed = [license].flat().every(one => ALLOWED.has(one))
  if (!isAllowed) refused += 1
  const name = path.replace(/.*node_modules\//, '')
  console.log(`${isAllowed ? '' : 'REFUSED '}${name} ${version} ${license ?? 'no licence'}`)
}
process.exit(refused === 0 ? 0 : 1)
