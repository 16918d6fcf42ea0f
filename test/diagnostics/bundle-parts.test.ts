import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { LIMITS } from '../../gateway/core/limits.js'
import { LogRing } from '../../gateway/diagnostics/log-ring.js'
import { redacted } from '../../gateway/diagnostics/redact.js'
import { tarGz } from '../../gateway/diagnostics/tar.js'
import { shopOf } from '../support/machine.js'

t.test('tar reads what is archived', async t => {
  const folder = t.testdir({})
  const archive = join(folder, 'a.tar.gz')
  const long = `captures/${'x'.repeat(91)}`
  const files = [
    { name: 'empty', content: '' },
    { name: 'block', content: Buffer.alloc(512, 7) },
    { name: long, content: 'Grüße\n' },
  ]
  writeFileSync(archive, await tarGz(files, Date.UTC(2026, 10, 22)))
  const tar = (...args: readonly string[]) =>
    execFileSync('tar', [...args], {
      encoding: 'utf8',
      env: { TZ: 'UTC', PATH: process.env['PATH'] },
    })
  t.match(tar('tvzf', archive).split('\n'), [
    /^-rw------- 0\/0 +0 2026-11-22 00:00 empty$/,
    / 512 .* block$/,
    / 8 .* captures\/x+$/,
  ])
  t.equal(tar('xzOf', archive, long), 'Grüße\n')
  await t.rejects(tarGz([{ name: `${long}x`, content: '' }], 0), RangeError)
})

t.test('a configuration without its secrets', async t => {
  const config = shopOf(
    "broker: { clients: [ { name: app, passwordHash: 'scrypt$32768$8$3$c2FsdA==$aGFzaA==' } ] }\n" +
      "terminals: [ { id: b1, profile: a/b, firmware: '1', line: { ble: { name: X, pairing: { passkey: 123456 } } } } ]",
    'url: mqtt://hq.example, password: swordfish',
  )
  const text = JSON.stringify(redacted(config))
  t.notMatch(text, /swordfish|c2FsdA|aGFzaA|123456/)
  t.match(text, /"password":"\[hidden\]"/)
  t.match(text, /"url":"mqtt:\/\/hq.example"/)
  t.same(redacted({ keyFile: 'a.pem', hq: { key: 'x', keys: ['public'] }, none: undefined }), {
    keyFile: 'a.pem',
    hq: { key: '[hidden]', keys: ['public'] },
    none: undefined,
  })
})

t.test('the ring forgets the oldest lines and tells the next', async t => {
  const ring = new LogRing()
  const heard: string[] = []
  const stop = ring.listen(line => heard.push(line))
  ring.add('one')
  stop()
  ring.add('two')
  t.same(heard, ['one'])
  t.same(ring.last(5), ['one', 'two'])
  t.same(ring.last(1), ['two'])
  t.same(ring.last(0), [])
  const long = 'x'.repeat(1000)
  for (let index = 0; index < LIMITS.logRingBytes / 1000 + 10; index += 1) ring.add(long)
  t.notMatch(ring.last(10_000), ['one'])
  t.ok(ring.last(10_000).join('').length <= LIMITS.logRingBytes)
})
