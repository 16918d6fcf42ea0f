// Programs that the tests run for real, and the Debian packages that bring them. As root the missing
// ones are installed; otherwise they are named, and nothing runs: a skipped test proves nothing.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const PACKAGES = {
  'dbus-daemon': 'dbus-daemon',
  'docker-compose': 'docker-compose',
  fallocate: 'util-linux',
  findmnt: 'util-linux',
  losetup: 'mount',
  'mkfs.ext4': 'e2fsprogs',
  initdb: 'postgresql',
  mosquitto: 'mosquitto',
  mosquitto_passwd: 'mosquitto',
  mosquitto_pub: 'mosquitto-clients',
  mosquitto_sub: 'mosquitto-clients',
  mount: 'mount',
  openssl: 'openssl',
  pg_dump: 'postgresql',
  postgres: 'postgresql',
  script: 'bsdutils',
  setpriv: 'util-linux',
  socat: 'socat',
  strace: 'strace',
  'systemd-analyze': 'systemd',
  unshare: 'util-linux',
  xfs_io: 'xfsprogs',
}

// Debian keeps daemons in sbin, which is not on every user's path, and PostgreSQL on nobody's.
const POSTGRESQL = '/usr/lib/postgresql'

function folders() {
  let versions = []
  try {
    versions = readdirSync(POSTGRESQL)
  } catch {
    // None is installed yet.
  }
  const path = (process.env.PATH ?? '').split(delimiter)
  return [...path, '/usr/sbin', '/sbin', ...versions.map(each => join(POSTGRESQL, each, 'bin'))]
}

function isInstalled(program) {
  return folders().some(folder => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

function aptGet(...args) {
  const { status } = spawnSync('apt-get', ['--quiet', '--yes', ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })
  return status === 0
}

const missing = () => [
  ...new Set(
    Object.entries(PACKAGES)
      .filter(([program]) => !isInstalled(program))
      .map(([, name]) => name),
  ),
]

const wanted = missing()
const isRoot = process.getuid?.() === 0
if (wanted.length > 0 && isRoot) {
  aptGet('update')
  aptGet('install', '--no-install-recommends', ...wanted)
}
const left = missing()
if (left.length > 0) {
  console.error(`The tests need these packages: sudo apt-get install ${left.join(' ')}`)
  process.exit(1)
}
