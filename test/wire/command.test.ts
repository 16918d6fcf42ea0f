import t from 'tap'
import { terminalId } from '../../gateway/core/ids.js'
import { decodeAnswerChunk, encodeAnswerChunk } from '../../gateway/wire/answer.js'
import {
  type CommandReport,
  type CommandRequest,
  decodeReport,
  decodeRequest,
  encodeReport,
  encodeRequest,
} from '../../gateway/wire/command.js'
import { STORE } from '../support/sample.js'

const request: CommandRequest = {
  v: 1,
  id: '0190aaaa-1111-7000-8000-000000000001',
  issuer: 'alice',
  issuedAt: '2026-11-22T11:00:00.000Z',
  expiresAt: '2026-11-22T12:02:00.000+01:00',
  store: STORE,
  target: terminalId('till-1'),
  verb: 'displayText',
  arguments: { text: 'Guten Tag', line: 1, bold: false },
}

t.test('a request comes back as it was said, and one that says less is none', async t => {
  t.same(decodeRequest(Buffer.from(encodeRequest(request))), { ok: true, value: request })
  const { verb: _, ...verbless } = request
  const wrong: readonly unknown[] = [
    verbless,
    { ...request, v: 2 },
    { ...request, more: 1 },
    { ...request, id: '../x' },
    { ...request, id: 'a+b' },
    { ...request, issuer: '' },
    { ...request, store: 'hq' },
    { ...request, issuedAt: 'yesterday' },
    { ...request, expiresAt: request.issuedAt },
    { ...request, expiresAt: '2026-11-22T11:02:00.000+01:00' },
    { ...request, arguments: { a: { b: 1 } } },
    { ...request, arguments: Object.fromEntries(Array.from({ length: 41 }, (_, n) => [n, n])) },
    { ...request, challenge: 'x' },
  ]
  for (const each of wrong)
    t.equal(decodeRequest(Buffer.from(JSON.stringify(each))).ok, false, JSON.stringify(each))
})

t.test('a report says how far it is, or how it ended', async t => {
  const reports: readonly CommandReport[] = [
    { v: 1, id: 'a', state: 'accepted' },
    { v: 1, id: 'a', state: 'executing' },
    { v: 1, id: 'a', state: 'challenged', challenge: 'ab'.repeat(16), epoch: '1-x' },
    { v: 1, id: 'a', state: 'ended', outcome: { type: 'successful', values: { weight: '1.5' } } },
    {
      v: 1,
      id: 'a',
      state: 'ended',
      outcome: { type: 'failed', reason: 'expired', detail: 'too late' },
      chunks: 3,
    },
  ]
  for (const report of reports)
    t.same(decodeReport(Buffer.from(encodeReport(report))), { ok: true, value: report })
  t.equal(decodeReport(Buffer.from('{"v":1,"id":"a","state":"ended"}')).ok, false)
})

t.test('a chunk carries any bytes', async t => {
  const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte)
  for (const chunk of [
    { id: 'a', n: 0, last: false, bytes },
    { id: 'a', n: 7, last: true, bytes: new Uint8Array(0) },
  ]) {
    const decoded = decodeAnswerChunk(encodeAnswerChunk(chunk))
    t.same(decoded.ok && { ...decoded.value, bytes: new Uint8Array(decoded.value.bytes) }, chunk)
  }
  for (const wrong of ['', '{}', '{}\n', '\n', '{"v":1,"id":"a","n":-1,"last":true}\nx'])
    t.equal(decodeAnswerChunk(Buffer.from(wrong)).ok, false, wrong)
})
