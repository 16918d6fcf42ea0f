import t from 'tap'
import { storeId } from '../../gateway/core/ids.js'
import { LIMITS } from '../../gateway/core/limits.js'
import {
  type Admission,
  admit,
  type Moment,
  readCommand,
} from '../../gateway/downlink/admission.js'
import { signJws } from '../../gateway/security/jws.js'
import { type SigningKey, signingKeyOf } from '../../gateway/security/signature.js'
import { encodeRequest } from '../../gateway/wire/command.js'
import { NOON_MS, STORE } from '../support/sample.js'
import { HQ_KEY, requestOf, signed } from './hq.js'

const at = { keys: [HQ_KEY.publicKey], store: STORE, id: 'a' }
const moment: Moment = {
  wallMs: NOON_MS + 1000,
  isSure: true,
  openedWallMs: NOON_MS - 1000,
  signedWithinMs: undefined,
}
const HOUR_MS = 3_600_000

function judged(changes: Partial<Moment>, request = requestOf('a')): Admission['type'] {
  return admit(request, { ...moment, ...changes }).type
}

t.test('what HQ said to this store under this id is a request', async t => {
  const request = requestOf('a')
  t.match(readCommand(signed(request), at), { type: 'request', request })
  const digests = [request, { ...request, challenge: 'ab'.repeat(16) }].map(each => {
    const reading = readCommand(signed(each), at)
    return reading.type === 'request' ? reading.digest : ''
  })
  t.equal(digests[0], digests[1], 'with a challenge it is the same command')
})

t.test('what it did not say so is denied, and why', async t => {
  const other = signingKeyOf(Buffer.alloc(32, 9))
  const broken = signed(requestOf('a')).map((byte, index) => (index === 200 ? byte ^ 1 : byte))
  const wrong: readonly (readonly [Uint8Array, string])[] = [
    [signed(requestOf('a'), other), 'unknown-key'],
    [signed(requestOf('a', { store: storeId('store-002') })), 'foreign'],
    [signed(requestOf('b')), 'foreign'],
    [Buffer.from(signJws('{}', HQ_KEY)), 'malformed'],
    [Buffer.from('{}'), 'malformed'],
    [Buffer.alloc(LIMITS.commandBytes + 1, 'a'), 'malformed'],
    [broken, 'bad-signature'],
  ]
  for (const [payload, reason] of wrong)
    t.match(readCommand(payload, at), { type: 'denied', reason }, reason)
})

t.test('what takes two is signed by two, each with a key of his own', async t => {
  const second = signingKeyOf(Buffer.alloc(32, 2))
  const stranger = signingKeyOf(Buffer.alloc(32, 9))
  const twoPerson = { keys: [second.publicKey], verbs: ['restart'] }
  const payload = (verb: string, ...keys: readonly SigningKey[]): Uint8Array =>
    Buffer.from(keys.reduce(signJws, encodeRequest(requestOf('a', { verb }))))
  const read = (bytes: Uint8Array): string => {
    const reading = readCommand(bytes, { ...at, twoPerson })
    return reading.type === 'denied' ? reading.reason : reading.type
  }
  t.equal(read(payload('restart', HQ_KEY)), 'one-signature')
  t.equal(read(payload('restart', HQ_KEY, second)), 'request')
  t.equal(read(payload('ping', HQ_KEY)), 'request', 'the others take one')
  t.equal(read(payload('ping', HQ_KEY, second)), 'request')
  t.equal(read(payload('ping', second)), 'malformed', 'the second commands nothing alone')
  t.equal(read(payload('restart', second, second)), 'unknown-key')
  t.equal(read(payload('restart', second, HQ_KEY)), 'malformed', 'nor the other way round')
  t.equal(read(payload('restart', HQ_KEY, HQ_KEY)), 'malformed')
  t.equal(read(payload('restart', stranger, second)), 'unknown-key')
  t.equal(read(payload('restart', HQ_KEY, stranger)), 'unknown-key')
})

t.test('by a clock that is right: in time, and not older than the memory', async t => {
  t.equal(judged({}), 'admitted')
  t.equal(judged({ wallMs: NOON_MS + 59_999 }), 'admitted')
  t.equal(judged({ wallMs: NOON_MS + 60_000 }), 'refused')
  t.equal(judged({ wallMs: NOON_MS - HOUR_MS, openedWallMs: 0 }), 'refused', 'from the future')
  t.equal(judged({ openedWallMs: NOON_MS + 1 }), 'challenged')
  t.equal(judged({ openedWallMs: NOON_MS + 1, signedWithinMs: 9 }), 'admitted')
  t.equal(
    judged({ wallMs: NOON_MS + 60_000, signedWithinMs: 9 }),
    'refused',
    'expired all the same',
  )
  const forEver = requestOf('a', { expiresAt: '2027-11-22T11:00:00Z' })
  t.equal(judged({}, forEver), 'refused')
})

t.test('by a clock that is not: signed since a challenge, for longer than that is ago', async t => {
  for (const wallMs of [0, NOON_MS, NOON_MS + HOUR_MS]) {
    t.equal(judged({ isSure: false, wallMs }), 'challenged')
    t.equal(judged({ isSure: false, wallMs, signedWithinMs: 59_999 }), 'admitted')
    t.equal(judged({ isSure: false, wallMs, signedWithinMs: 60_000 }), 'challenged')
  }
})
