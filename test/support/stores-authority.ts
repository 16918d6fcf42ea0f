import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { systemClock } from '../../gateway/core/clock.js'
import { systemRandom } from '../../gateway/core/random.js'
import { StoreRegister } from '../../gateway/hq/stores/store-register.js'
import { freshDirectory } from './shop.js'

const DAY_MS = 24 * 3600 * 1000

/** Who issues the certificates of stores, in a folder that goes with the test. */
export function makeStoresAuthority(t: Test) {
  const folder = freshDirectory(t)
  mkdirSync(join(folder, 'public'))
  const [key, certificate] = [join(folder, 'authority.key'), join(folder, 'public/authority.pem')]
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '9']
  const files = ['-keyout', key, '-out', certificate]
  const subject = ['-subj', '/CN=tillbridge stores']
  execFileSync('openssl', ['req', '-x509', ...kind, ...files, ...subject], { stdio: 'pipe' })
  const read = (path: string): string => readFileSync(path, 'utf8')
  return { folder, certificate: read(certificate), key: read(key) }
}

export function openRegister(folder: string, options: { readonly validMs?: number } = {}) {
  const { validMs = 100 * DAY_MS } = options
  return StoreRegister.open({ folder, validMs, clock: systemClock, random: systemRandom })
}
