import {
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { backupCommand, restoreCommand } from '../../gateway/cli/commands/backup.js'
import { EXIT } from '../../gateway/cli/exit-codes.js'
import { archiveShop, restoreShop } from '../../gateway/cli/shop-archive.js'
import { lockFile } from '../../gateway/core/file-lock.js'
import { invoke } from '../support/command.js'
import { ended, MAIN, startProgram } from '../support/program.js'
import { freshDirectory } from '../support/shop.js'
import { until } from '../support/until.js'

let template = ''

/** A shop that sold nothing yet, but has its journal and its keys. */
t.before(async () => {
  template = t.testdir({
    'hq.password': 'secret\n',
    profiles: { acme: { 'odd.profile.yaml': 'v: 1\n' } },
    right: 'correct horse\nbattery\n',
    wrong: 'incorrect horse\n',
    empty: '',
    card: {},
    'shop.yaml': `store: store-001
dataDir: ./data
hq: { url: mqtt://127.0.0.1:9, passwordFile: ./hq.password }
broker: off
`,
  })
  const config = join(template, 'shop.yaml')
  const gateway = startProgram(t, [process.execPath, MAIN, 'run', '--config', config])
  gateway.stdout.on('data', chunk => {
    if (String(chunk).includes('selling')) gateway.kill()
  })
  t.match(await ended(gateway), { code: 0 })
})

/** A copy of it, and what is done with that. */
async function shop(t: Test) {
  const folder = freshDirectory(t)
  cpSync(template, folder, { recursive: true })
  const path = (name: string): string => join(folder, name)
  const config = path('shop.yaml')
  const backup = (pass = 'right', to = 'shop.age') =>
    invoke(backupCommand, {
      args: [path(to), '--config', config, '--passphrase-file', path(pass)],
    })
  const restore = (pass = 'right', root = 'card') =>
    invoke(restoreCommand, {
      args: [path('shop.age'), '--root', path(root), '--passphrase-file', path(pass)],
    })
  /** As on a new card: every file to where it belongs. */
  const restoreInPlace = () =>
    invoke(restoreCommand, { args: [path('shop.age'), '--passphrase-file', path('right')] })
  return { folder, path, backup, restore, restoreInPlace }
}

t.test('what was backed up is restored, byte for byte, and opens', async t => {
  const { folder, path, backup, restore } = await shop(t)
  const made = await backup()
  t.match(made, { code: EXIT.ok, stdout: /hq\.password\n.*\d+ files in .*shop\.age\n$/s })
  t.equal(statSync(path('shop.age')).mode & 0o777, 0o600)
  t.notOk(readFileSync(path('shop.age')).includes('secret'))
  t.match(await restore(), { code: EXIT.ok })
  const restored = (name: string): string => join(path('card'), folder, name)
  for (const name of ['shop.yaml', 'hq.password', 'data/store-key.pem', 'data/journal/CURRENT'])
    t.strictSame(readFileSync(restored(name)), readFileSync(path(name)), name)
  t.equal(statSync(restored('data/store-key.pem')).mode & 0o777, 0o600)
  t.notOk(existsSync(restored('data/journal/LOCK')))

  const config = restored('shop.yaml')
  const gateway = startProgram(t, [process.execPath, MAIN, 'run', '--config', config])
  let said = ''
  gateway.stdout.on('data', chunk => {
    said += chunk
  })
  await until('it sells', () => said.includes('selling'))
  gateway.kill()
  t.match(await ended(gateway), { code: 0 })
  t.match(said, /"epoch":"2-/, 'in a new epoch: no position is used twice')
})

t.test('what a link leads to is backed up, and stays its owner’s', async t => {
  const folder = t.testdir({
    disk: { data: { 'journal.lock': '', journal: { CURRENT: 'whole\n' } }, 'ca.pem': 'trust\n' },
    data: t.fixture('symlink', 'disk/data'),
    'ca.pem': t.fixture('symlink', 'disk/ca.pem'),
    card: {},
  })
  const path = (name: string): string => join(folder, name)
  // Root alone gives a file away.
  if (process.getuid?.() === 0) chownSync(path('disk/data'), 4242, 4242)
  const [to, dataDir] = [path('shop.age'), path('data')]
  const parts = [path('ca.pem'), dataDir]
  t.equal(await archiveShop({ parts, dataDir, passphrase: 'correct horse', to }), 2)
  const root = path('card')
  await restoreShop({ from: to, passphrase: 'correct horse', root })
  const restored = (name: string): string => join(root, folder, name)
  t.equal(readFileSync(restored('ca.pem'), 'utf8'), 'trust\n')
  t.equal(readFileSync(restored('data/journal/CURRENT'), 'utf8'), 'whole\n')
  t.ok(lstatSync(restored('data')).isDirectory())
  t.equal(statSync(restored('data')).uid, statSync(path('data')).uid)
  t.notOk(existsSync(restored('data/journal.lock')), 'nothing that the gateway may not open')
})

t.test('on a new card every file comes to where it belongs', async t => {
  const { path, backup, restoreInPlace } = await shop(t)
  await backup()
  const key = readFileSync(path('data/store-key.pem'))
  for (const name of ['shop.yaml', 'hq.password', 'data']) rmSync(path(name), { recursive: true })
  t.match(await restoreInPlace(), { code: EXIT.ok })
  t.strictSame(readFileSync(path('data/store-key.pem')), key)
  t.ok(existsSync(path('shop.yaml')))
  t.match(await restoreInPlace(), { code: EXIT.usage, stderr: /is there already/ })
})

t.test('nothing is replaced, neither a backup nor a shop', async t => {
  const { folder, path, backup, restore } = await shop(t)
  await backup()
  const before = readFileSync(path('shop.age'))
  t.match(await backup(), { code: EXIT.usage, stderr: /EEXIST.*new file/s })
  t.strictSame(readFileSync(path('shop.age')), before)
  await restore()
  writeFileSync(join(path('card'), folder, 'data/journal/CURRENT'), 'mine')
  t.match(await restore(), { code: EXIT.usage, stderr: /is there already; move it away first/ })
  t.equal(readFileSync(join(path('card'), folder, 'data/journal/CURRENT'), 'utf8'), 'mine')
})

t.test('a damaged backup, or another passphrase, restores nothing', async t => {
  const { path, backup, restore } = await shop(t)
  await backup()
  t.match(await restore('wrong'), {
    code: EXIT.usage,
    stderr: /shop\.age: no backup, damaged, or sealed by another passphrase/,
  })
  t.match(await restore('empty'), { code: EXIT.usage, stderr: /first line, which is empty/ })
  t.match(await restore('none'), {
    code: EXIT.usage,
    stderr: /expected a file with the passphrase/,
  })
  const whole = readFileSync(path('shop.age'))
  for (const cut of [0, 100, whole.length - 1]) {
    writeFileSync(path('shop.age'), whole.subarray(0, cut))
    t.match(await restore(), { code: EXIT.usage }, `${cut} bytes of ${whole.length}`)
  }
  const flipped = Buffer.from(whole)
  flipped[whole.length >> 1] = ~(flipped[whole.length >> 1] ?? 0)
  writeFileSync(path('shop.age'), flipped)
  t.match(await restore(), { code: EXIT.usage })
  t.strictSame(readdirSync(path('card')), [], 'not a file')
})

t.test('a gateway that runs keeps its journal to itself', async t => {
  const { path, backup } = await shop(t)
  const lock = await lockFile(join(path('data'), 'journal.lock'))
  t.match(await backup(), { code: EXIT.locked, stderr: /a gateway is at work here/ })
  t.notOk(existsSync(path('shop.age')))
  await lock?.close()
  t.match(await backup(), { code: EXIT.ok })
})
