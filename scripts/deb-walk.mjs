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
const BAD = '0.1.2'
const TREE = 'build/deb/amd64'
/** Of a bad version: it acknowledges what it does not write. */
const BROKEN = {
  file: `${TREE}/opt/tillbridge/package/build/gateway/ingest/journal-ingest.js`,
  from: 'await this.#journal.append(flagged, fragments)',
  to: "flagged.map(() => 'stored')",
}
const CONFIG = `store: store-001
timeZone: Europe/Berlin
dataDir: /var/lib/tillbridge
hq: { url: mqtt://127.0.0.1:9 }
broker: off
terminals:
  - id: register-1
    profile: tillbridge/reference-till
    firmware: '1.0'
    line: { tcp: { host: 127.0.0.1, port: 9 } }
`

const UNFIT = 'TB_UPDATE_UNFIT'

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

/** The package that was built last, once more under another version, and with one thing changed. */
function rebuild(from, to, change) {
  edit(textsOf(from, to, change))
  const file = `build/deb/tillbridge_${to}_amd64.deb`
  run('dpkg-deb', '--root-owner-group', '-Zgzip', '-z1', '--build', TREE, file)
}

function textsOf(from, to, change) {
  return [
    { file: `${TREE}/DEBIAN/control`, from: `Version: ${from}`, to: `Version: ${to}` },
    {
      file: `${TREE}/opt/tillbridge/package/package.json`,
      from: `"version": "${from}"`,
      to: `"version": "${to}"`,
    },
    ...(change === undefined ? [] : [change]),
  ]
}

function edit(texts) {
  for (const one of texts) {
    const text = readFileSync(one.file, 'utf8')
    if (!text.includes(one.from)) throw new Error(`${one.file}: ${one.from} is not in it`)
    writeFileSync(one.file, text.replace(one.from, one.to))
  }
}

/** As the unit starts it, until it sells; then SIGTERM. Its exit code, and what it said. */
async function sell(until = 'selling') {
  const unit = readFileSync(join(root, 'lib/systemd/system/tillbridge.service'), 'utf8')
  const command = /^ExecStart=(.*)$/m.exec(unit)[1].split(' ')
  const state = 'install -d -o tillbridge -g tillbridge -m 0700 /var/lib/tillbridge'
  chroot('sh', '-c', state)
  const as = ['--reuid=tillbridge', '--regid=tillbridge', '--init-groups', '--no-new-privs']
  chroot('/opt/tillbridge/launch', 'choose')
  const gateway = spawn('chroot', [root, 'setpriv', ...as, ...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [gateway.stdout, gateway.stderr])
    stream.setEncoding('utf8').on('data', text => {
      const isFirst = !said.includes(until)
      said += text
      if (isFirst && said.includes(until)) gateway.kill('SIGTERM')
    })
  const code = await new Promise(resolve => gateway.on('close', resolve))
  return { code, said }
}

try {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
  if (!process.argv.includes('--built')) run('node', 'scripts/deb.mjs', '--arch', 'amd64')
  const first = `tillbridge_${version}_amd64.deb`
  const second = `tillbridge_${UPGRADED}_amd64.deb`
  const bad = `tillbridge_${BAD}_amd64.deb`
  rebuild(version, UPGRADED)
  rebuild(UPGRADED, BAD, BROKEN)
  edit(textsOf(BAD, version, { ...BROKEN, from: BROKEN.to, to: BROKEN.from }))
  run('debootstrap', '--variant=minbase', '--include=adduser,libstdc++6', 'bookworm', root)
  run('mount', '--bind', '/proc', join(root, 'proc'))
  for (const file of [first, second, bad]) copyFileSync(join('build/deb', file), join(root, file))
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
  check('the version before is kept', here(`opt/tillbridge/releases/${version}/package.json`))
  check('upgraded', chroot('dpkg-query', '-W', '-f', '${Version}', 'tillbridge') === UPGRADED)
  const two = await sell()
  check('sells on after it', two.said.includes('selling') && two.code === 0)
  check(
    'with the same key',
    key.equals(readFileSync(join(root, 'var/lib/tillbridge/store-key.pem'))),
  )

  writeFileSync(join(root, 'var/lib/tillbridge/release-verdict'), `fit ${UPGRADED}\n`)
  install(bad)
  const three = await sell(UNFIT)
  check('a bad version ends before it sells', three.code === 4 && three.said.includes(UNFIT))
  const four = await sell(`${BAD} went back to ${UPGRADED}`)
  check('the one before sells on', four.said.includes('selling') && four.code === 0)
  check('and says why', four.said.includes(`${BAD} went back to ${UPGRADED}`))
  check('it is in use', chroot('tillbridge', '--version').trim() === UPGRADED)

  chroot('dpkg', '--remove', 'tillbridge')
  check('removed: the program is gone', !here('opt/tillbridge'))
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
