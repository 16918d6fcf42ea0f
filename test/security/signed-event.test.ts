import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { epochId, eventId } from '../../gateway/core/ids.js'
import { encodeEvent } from '../../gateway/event/event.js'
import {
  publicKeyFromPem,
  publicKeyToPem,
  signingKeyFromPem,
  signingKeyOf,
} from '../../gateway/security/signature.js'
import {
  makeSignedEvent,
  readSignedEvent,
  signedText,
} from '../../gateway/security/signed-event.js'
import { NOON_MS, STORE } from '../support/sample.js'

const KEY = signingKeyOf(new Uint8Array(32).fill(7))
const PUBLIC_KEY = 'ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c'
const HEAD = 'ab'.repeat(32)
const EPOCH = epochId(`1-${'0'.repeat(32)}`)

/** The vector: whoever verifies without this program must come to exactly these bytes. */
const TEXT = `tillbridge signed 1
journal.checkpoint
store-001
2026-11-22T12:00:00.000+01:00
{"epoch":"${EPOCH}","head":"${HEAD}","publicKey":"${PUBLIC_KEY}","seq":4711}
`
const SIGNATURE =
  '2bab105a5dce63c3696d71c53c52b37e7a19ccd1cdd16e7f1115d02de6b60b45' +
  '0758e4287ae3031617296339e4a53b1cf5feedc689cd5de91cc7ccd7c3d58108'

const checkpoint = () =>
  makeSignedEvent({
    key: KEY,
    type: 'journal.checkpoint',
    data: { epoch: EPOCH, seq: 4711, head: HEAD },
    id: eventId('checkpoint-1'),
    store: STORE,
    wallMs: NOON_MS,
    timeZone: 'Europe/Berlin',
    clockState: 'synced',
  })

t.test('the vector: exact text, key and signature', async t => {
  const event = checkpoint()
  t.equal(signedText(event), TEXT)
  t.match(event, { data: { publicKey: PUBLIC_KEY, signature: SIGNATURE } })
  t.match(readSignedEvent(encodeEvent(event)), { ok: true, value: { publicKey: PUBLIC_KEY } })
})

t.test('openssl comes to the same, with nothing but the public key', async t => {
  const folder = t.testdir({ 'key.pem': publicKeyToPem(KEY.publicKey), text: TEXT })
  const signature = join(folder, 'signature')
  writeFileSync(signature, Buffer.from(SIGNATURE, 'hex'))
  const verify = () =>
    execFileSync('openssl', [
      ...['pkeyutl', '-verify', '-pubin', '-inkey', join(folder, 'key.pem'), '-rawin'],
      ...['-in', join(folder, 'text'), '-sigfile', signature],
    ])
  t.match(verify().toString(), /Signature Verified Successfully/)
  writeFileSync(join(folder, 'text'), TEXT.replace('4711', '4712'))
  t.throws(verify)
})

t.test('whatever of it is changed, the signature is wrong', async t => {
  const text = Buffer.from(encodeEvent(checkpoint())).toString()
  const changes = [
    ['"seq":4711', '"seq":4712'],
    ['"store":"store-001"', '"store":"store-002"'],
    ['12:00:00.000', '12:00:00.001'],
    ['"type":"journal.checkpoint"', '"type":"journal.statement"'],
    [HEAD, HEAD.replace('a', 'b')],
    [SIGNATURE, SIGNATURE.replace(/^./, digit => (digit === '0' ? '1' : '0'))],
    [PUBLIC_KEY, signingKeyOf(new Uint8Array(32)).publicKey],
    [PUBLIC_KEY, 'zz'],
    ['"seq":4711', '"seq":4711,"more":1'],
  ] as const
  for (const [from, to] of changes) {
    const changed = text.replace(from, to)
    t.not(changed, text, from)
    t.match(readSignedEvent(Buffer.from(changed)), { ok: false, error: /signature is wrong/ }, to)
  }
  t.match(readSignedEvent(Buffer.from('{"type":"x"}')), { ok: false })
})

t.test('a newer gateway may state more: it is signed all the same', async t => {
  const event = { ...checkpoint(), data: { publicKey: PUBLIC_KEY, more: [1, 'ü'] } }
  const data = { ...event.data, signature: KEY.sign(signedText(event)) }
  const bytes = Buffer.from(JSON.stringify({ ...event, data }))
  t.match(readSignedEvent(bytes), { ok: true, value: { data: { more: [1, 'ü'] } } })
})

t.test('keys survive as PEM; a private one is refused where evidence is checked', async t => {
  t.equal(publicKeyFromPem(publicKeyToPem(KEY.publicKey)), KEY.publicKey)
  t.equal(signingKeyFromPem(KEY.toPem()).publicKey, KEY.publicKey)
  t.throws(() => publicKeyFromPem(KEY.toPem()), /private key/)
  t.throws(() => publicKeyFromPem('nonsense'))
  const rsa = execFileSync('openssl', ['genpkey', '-algorithm', 'RSA', '-quiet']).toString()
  t.throws(() => signingKeyFromPem(rsa), /rsa/)
  t.throws(() => signingKeyOf(new Uint8Array(31)), RangeError)
})
