import t from 'tap'
import { keyId, signJws, verifyJws } from '../../gateway/security/jws.js'
import { type SigningKey, signingKeyOf } from '../../gateway/security/signature.js'

const current = signingKeyOf(Buffer.alloc(32, 1))
const next = signingKeyOf(Buffer.alloc(32, 2))
const stranger = signingKeyOf(Buffer.alloc(32, 3))
const pinned = [current.publicKey, next.publicKey]
const PAYLOAD = '{"v":1,"verb":"ping"}'

const base64url = (text: string) => Buffer.from(text).toString('base64url')
/** A JWS with any header, its signature right. */
const signedWith = (header: string, key: SigningKey, payload = PAYLOAD) => {
  const signed = `${base64url(header)}.${base64url(payload)}`
  return `${signed}.${Buffer.from(key.sign(signed), 'hex').toString('base64url')}`
}

t.test('a thumbprint is that of RFC 8037, appendix A.3', async t => {
  const x = Buffer.from('11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo', 'base64url')
  t.equal(keyId(x.toString('hex')), 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k')
})

t.test('what either pinned key signed is believed, byte for byte', async t => {
  for (const key of [current, next])
    t.same(verifyJws(signJws(PAYLOAD, key), pinned), {
      ok: true,
      value: Buffer.from(PAYLOAD),
    })
  const empty = verifyJws(signJws('', current), pinned)
  t.same(empty, { ok: true, value: Buffer.alloc(0) })
})

t.test('a stranger, a retired key and a shop that pins none', async t => {
  const refused = { ok: false, error: 'unknown-key' } as const
  t.same(verifyJws(signJws(PAYLOAD, stranger), pinned), refused)
  t.same(verifyJws(signJws(PAYLOAD, current), [next.publicKey]), refused)
  t.same(verifyJws(signJws(PAYLOAD, current), []), refused)
})

t.test('one header alone is taken: no other algorithm, order, member or spelling', async t => {
  const kid = keyId(current.publicKey)
  const headers = [
    `{"alg":"none","kid":"${kid}"}`,
    `{"alg":"HS256","kid":"${kid}"}`,
    `{"kid":"${kid}","alg":"EdDSA"}`,
    `{"alg":"EdDSA","kid":"${kid}","crit":["b64"],"b64":false}`,
    `{"alg":"EdDSA", "kid":"${kid}"}`,
    `{"alg":"EdDSA"}`,
    `{"alg":"EdDSA","kid":"${kid}","jwk":{"kty":"OKP"}}`,
    '',
  ]
  for (const header of headers)
    t.same(verifyJws(signedWith(header, current), pinned), { ok: false, error: 'malformed' })
  const own = signedWith(`{"alg":"EdDSA","kid":"${kid}"}`, current)
  t.equal(own, signJws(PAYLOAD, current), 'and this is it')
})

t.test('the name of one key under the signature of another', async t => {
  const header = `{"alg":"EdDSA","kid":"${keyId(current.publicKey)}"}`
  const refused = { ok: false, error: 'bad-signature' } as const
  t.same(verifyJws(signedWith(header, stranger), pinned), refused)
  t.same(verifyJws(signedWith(header, next), pinned), refused)
})

t.test('no changed, added or missing character is forgiven', async t => {
  const jws = signJws(PAYLOAD, current)
  for (let at = 0; at < jws.length; at += 1) {
    const other = jws[at] === 'A' ? 'B' : 'A'
    for (const changed of [other, '', `${jws[at]}.`, '=', '\n'])
      t.equal(
        verifyJws(jws.slice(0, at) + changed + jws.slice(at + 1), pinned).ok,
        false,
        `${at} ${changed}`,
      )
  }
  for (const wrong of ['', '.', '..', `${jws}.`, `${jws}\n`, ` ${jws}`, `${jws}=`, 'a.b.c'])
    t.same(verifyJws(wrong, pinned), { ok: false, error: 'malformed' })
})
