// usage: npm run deb -- --arch arm64|amd64 [--version V] [--out FOLDER]
// A Debian package with everything under /opt/tillbridge, Node included: Debian's own is older than
// what we need, and a shop must not depend on a third party's package repository.
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'

/** Of the line that the image runs on, too (deploy/Dockerfile). */
const NODE = '24.22.3'
const ARCHITECTURES = { arm64: 'arm64', amd64: 'x64' }

const { values } = parseArgs({
  options: {
    arch: { type: 'string' },
    out: { type: 'string', default: 'build/deb' },
    version: { type: 'string' },
  },
})
const cpu = ARCHITECTURES[values.arch ?? '']
if (cpu === undefined) {
  console.error('usage: npm run deb -- --arch arm64|amd64 [--version V] [--out FOLDER]')
  process.exit(2)
}
const out = resolve(values.out)
const root = join(out, values.arch)
const home = join(root, 'opt/tillbridge')
const app = join(home, 'package')
const manifest = JSON.parse(readFileSync('package.json', 'utf8'))
const version = values.version ?? manifest.version

rmSync(root, { recursive: true, force: true })
for (const folder of [
  'DEBIAN',
  'etc/tillbridge',
  'lib/systemd/system',
  'opt/tillbridge/package/bin',
  'opt/tillbridge/package/build',
  'usr/bin',
  'usr/share/doc/tillbridge',
])
  mkdirSync(join(root, folder), { recursive: true, mode: 0o755 })

for (const name of ['package.json', 'package-lock.json']) copyFileSync(name, join(app, name))
const npm = (folder, ...args) =>
  execFileSync('npm', [...args, `--cpu=${cpu}`, '--os=linux', '--ignore-scripts', '--no-audit'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
// What a version calls itself, in events and to the launcher, is what dpkg calls it.
writeFileSync(join(app, 'package.json'), JSON.stringify({ ...manifest, version }, undefined, 2))
// No script of a package runs: the native ones bring their binaries along.
npm(app, 'ci', '--omit=dev', '--libc=glibc')
removeForeignBinaries(join(app, 'node_modules'))

const node = join(out, `node-${values.arch}`)
mkdirSync(node, { recursive: true })
writeFileSync(join(node, 'package.json'), '{ "private": true }\n')
const runtime = `node-linux-${cpu}`
npm(node, 'install', '--force', `${runtime}@${NODE}`)
const nodeFile = name => join(node, 'node_modules', runtime, name)
copyFileSync(nodeFile('bin/node'), join(app, 'bin/node'))
copyFileSync(nodeFile('LICENSE'), join(root, 'usr/share/doc/tillbridge/LICENSE.node'))
chmodSync(join(app, 'bin/node'), 0o755)

execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' })
cpSync('build/gateway', join(app, 'build/gateway'), {
  recursive: true,
  filter: name => !name.endsWith('.map'),
})
cpSync('firmware-profiles', join(app, 'firmware-profiles'), { recursive: true })
cpSync('examples', join(root, 'usr/share/doc/tillbridge/examples'), { recursive: true })
for (const name of ['README.md', 'LICENSE', 'CHANGELOG.md'])
  copyFileSync(name, join(root, 'usr/share/doc/tillbridge', name))
copyFileSync('LICENSE', join(root, 'usr/share/doc/tillbridge/copyright'))
copyFileSync(
  'deploy/systemd/tillbridge.service',
  join(root, 'lib/systemd/system/tillbridge.service'),
)
writeFileSync(
  join(root, 'usr/bin/tillbridge'),
  '#!/bin/sh\nin=/opt/tillbridge/current\nexec $in/bin/node $in/build/gateway/cli/main.js "$@"\n',
  { mode: 0o755 },
)

copyFileSync('deploy/debian/launch', join(home, 'launch'))
chmodSync(join(home, 'launch'), 0o755)
for (const name of ['postinst', 'prerm', 'postrm']) {
  copyFileSync(join('deploy/debian', name), join(root, 'DEBIAN', name))
  chmodSync(join(root, 'DEBIAN', name), 0o755)
}
const kilobytes = execFileSync('du', ['-sk', root], { encoding: 'utf8' }).split('\t')[0]
writeFileSync(
  join(root, 'DEBIAN/control'),
  `Package: tillbridge
Version: ${version}
Architecture: ${values.arch}
Maintainer: tillbridge maintainers
Installed-Size: ${kilobytes}
Depends: adduser, libc6 (>= 2.28), libstdc++6
Section: net
Priority: optional
Description: store gateway between tills and headquarters
 ${manifest.description}
`,
)
const file = join(out, `tillbridge_${version}_${values.arch}.deb`)
execFileSync('dpkg-deb', ['--root-owner-group', '--build', root, file], { stdio: 'inherit' })
console.log(file)

/** Packages bring the binaries of every platform; a shop's card needs those of its own. */
function removeForeignBinaries(modules) {
  for (const name of readdirSync(modules, { recursive: true })) {
    const [, platform] = /\/prebuilds\/([^/]+)$/.exec(name) ?? []
    if (platform !== undefined && platform !== `linux-${cpu}`)
      rmSync(join(modules, name), { recursive: true })
  }
}
