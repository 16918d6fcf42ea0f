// usage: npm run test:deb [-- --built] (as root, on Debian; --built: takes the package of the last build)
// The package on a fresh Debian 12 (debootstrap, in a chroot): installed, run as its unit runs it,
// upgraded, removed, purged. No service manager runs in a chroot, so the unit's sandbox is not seen.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const UPGRADED = '0.1.1'
const CONFIG = `store: store-001
timeZone: Europe/Berlin
dataDir: /var/lib/tillbridge
hq: { url: mqtt://127.0.0.1:9 }
terminals:
  - id: register-1
    profile: tillbridge/reference-till
    firmware: '1.0'
    line: { tcp: { host: 127.0.0.1, port: 9 } }
`

const run = (program, ...args) =>
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'inherit'] })
if (spawnSync('debootstrap', ['--version']).error !== undefined)
  run('apt-get', 'install', '--yes', '--no-install-recommends', 'debootstrap')

const root = mkdtempSync(join(tmpdir(), 'tillbridge-deb-'))
chmodSync(root, 0o755)
const chroot = (...args) => execFileSync('chroot', [root, ...args], { encoding: 'utf8' })
const here = path => existsSync(join(root, path))
let failed = 0
function check(name, isSo) {
  console.log(`${isSo ? 'ok    ' : 'not ok'} ${name}`)
  if (!isSo) failed += 1
}

/** As the unit starts it, until it sells; then SIGTERM. Its exit code, and what it said. */
async function sell() {
  const unit = readFileSync(join(root, 'lib/systemd/system/tillbridge.service'), 'utf8')
  const command = /^ExecStart=(.*)$/m.exec(unit)[1].split(' ')
  const state = 'install -d -o tillbridge -g tillbridge -m 0700 /var/lib/tillbridge'
  chroot('sh', '-c', state)
  const as = ['--reuid=tillbridge', '--regid=tillbridge', '--init-groups', '--no-new-privs']
  const gateway = spawn('chroot', [root, 'setpriv', ...as, ...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [gateway.stdout, gateway.stderr])
    stream.setEncoding('utf8').on('data', text => {
      const isFirst = !said.includes('selling')
      said += text
      if (isFirst && said.includes('selling')) gateway.kill('SIGTERM')
    })
  const code = await new Promise(resolve => gateway.on('close', resolve))
  return { code, said }
}

try {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
  if (!process.argv.includes('--built')) run('node', 'scripts/deb.mjs', '--arch', 'amd64')
  const first = `tillbridge_${version}_amd64.deb`
  const second = `tillbridge_${UPGRADED}_amd64.deb`
  const control = 'build/deb/amd64/DEBIAN/control'
  const text = readFileSync(control, 'utf8')
  writeFileSync(control, text.replace(`Version: ${version}`, `Version: ${UPGRADED}`))
  run('dpkg-deb', '--root-owner-group', '--build', 'build/deb/amd64', `build/deb/${second}`)
  writeFileSync(control, text)
  run('debootstrap', '--variant=minbase', '--include=adduser,libstdc++6', 'bookworm', root)
  run('mount', '--bind', '/proc', join(root, 'proc'))
  for (const file of [first, second]) copyFileSync(join('build/deb', file), join(root, file))
  const install = file => chroot('dpkg', '--install', `/${file}`)

  check('says what is left to do', install(first).includes('write /etc/tillbridge/shop.yaml'))
  check('its version', chroot('tillbridge', '--version').trim() === version)
  writeFileSync(join(root, 'etc/tillbridge/shop.yaml'), CONFIG)
  chroot('tillbridge', 'config', 'check', '--config', '/etc/tillbridge/shop.yaml')
  const one = await sell()
  check('it sells, and ends as asked', one.said.includes('selling') && one.code === 0)
  if (one.code !== 0) console.log(one.said)
  const key = readFileSync(join(root, 'var/lib/tillbridge/store-key.pem'))

  install(second)
  check('upgraded', chroot('dpkg-query', '-W', '-f', '${Version}', 'tillbridge') === UPGRADED)
  const two = await sell()
  check('sells on after it', two.said.includes('selling') && two.code === 0)
  check(
    'with the same key',
    key.equals(readFileSync(join(root, 'var/lib/tillbridge/store-key.pem'))),
  )

  chroot('dpkg', '--remove', 'tillbridge')
  check('removed: the program is gone', !here('opt/tillbridge/build'))
  check('the configuration stays', here('etc/tillbridge/shop.yaml'))
  check('the journal stays', here('var/lib/tillbridge/store-key.pem'))
  const said = chroot('dpkg', '--purge', 'tillbridge')
  check('purged: the configuration is gone', !here('etc/tillbridge'))
  check('the journal stays, and it says so', here('var/lib/tillbridge/store-key.pem') && said.includes('TILLBRIDGE_PURGE_DATA'))

  install(second)
  chroot('env', 'TILLBRIDGE_PURGE_DATA=yes', 'dpkg', '--purge', 'tillbridge')
  check('unless it is asked for', !here('var/lib/tillbridge'))
} finally {
  spawnSync('umount', [join(root, 'proc')])
  rmSync(root, { recursive: true, force: true, maxRetries: 3 })
}
console.log(failed === 0 ? 'all as it should be' : `${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
