import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import t, { type Test } from 'tap'
import { systemClock } from '../../../gateway/core/clock.js'
import { judgeCertificates } from '../../../gateway/diagnostics/machine/certificates.js'
import { checkHeadquarters } from '../../../gateway/diagnostics/machine/headquarters.js'
import { makeAuthority } from '../../support/certificates.js'
import { machineOf, shopOf } from '../../support/machine.js'

const DAY_MS = 24 * 3600 * 1000

/** The client hangs up as soon as it has seen enough, which is no error here. */
function answerPlainly(socket: Socket): void {
  socket.on('error', () => undefined)
  socket.end('no TLS here')
}

async function listen(t: Test, server: Server): Promise<number> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

t.test('plain: name and port', async t => {
  const port = await listen(
    t,
    createServer(socket => socket.destroy()),
  )
  const check = (url: string) => checkHeadquarters(machineOf({ config: shopOf('', `url: ${url}`) }))
  t.match(await check(`mqtt://localhost:${port}`), [
    { name: 'HQ name', state: 'ok', found: /^localhost is / },
    { name: 'HQ port', state: 'ok' },
  ])
  t.match(await check('mqtt://127.0.0.1:1'), [
    { state: 'ok', found: '127.0.0.1 is an address' },
    { state: 'fail', found: /ECONNREFUSED/, doThis: /firewall/ },
  ])
  t.match(await check('mqtts://no-such-host.invalid'), [
    { name: 'HQ name', state: 'fail', doThis: /DNS/ },
  ])
})

t.test('TLS: trusted, unknown authority, wrong name, out of its time, no TLS at all', async t => {
  const authority = makeAuthority()
  const folder = t.testdir({ 'ca.pem': authority.ca })
  const caFile = join(folder, 'ca.pem')
  const issued = authority.issue({ name: 'localhost' })
  const port = await listen(
    t,
    createTlsServer(issued, socket => socket.destroy()),
  )
  const check = async (tls: string, wallMs = Date.now()) => {
    const hq = `url: mqtts://localhost:${port}, tls: { ${tls} }`
    const clock = { ...systemClock, wallMs: () => wallMs }
    const findings = await checkHeadquarters(machineOf({ config: shopOf('', hq), clock }))
    t.equal(findings.length, 3)
    return findings[2]
  }
  t.match(await check(`caFile: ${caFile}`), {
    state: 'warn',
    found: /^trusted; the first to end is "(localhost|test authority)", on \d{4}-\d\d-\d\d$/,
  })
  t.match(await check(''), {
    state: 'fail',
    found: /^"localhost", issued by "test authority", is not trusted/,
    doThis: /hq\.tls\.caFile/,
  })
  t.match(await check(`caFile: ${caFile}, serverName: hq.example`), {
    state: 'fail',
    found: /the certificate is for "localhost"/,
    doThis: /serverName/,
  })
  t.match(await check(`caFile: ${caFile}`, Date.now() + 3 * DAY_MS), {
    state: 'fail',
    found: /^"localhost" was valid until \d{4}-/,
  })
  t.match(await check(`caFile: ${caFile}`, Date.now() - 3 * DAY_MS), {
    state: 'fail',
    doThis: /clock first/,
  })
  t.match(await check(`caFile: ${join(folder, 'gone.pem')}`), { state: 'fail', found: /ENOENT/ })

  const plain = await listen(t, createServer(answerPlainly))
  const hq = shopOf('', `url: mqtts://127.0.0.1:${plain}`)
  t.match((await checkHeadquarters(machineOf({ config: hq })))[2], {
    state: 'fail',
    doThis: /speaks TLS/,
  })
})

t.test('a chain is as good as the first of its certificates to end', async t => {
  const nowMs = Date.UTC(2026, 10, 22)
  const valid = { validFromMs: nowMs - DAY_MS, validToMs: nowMs + 400 * DAY_MS }
  const server = { subject: 'hq.example', issuer: 'Sub CA', ...valid }
  const sub = { subject: 'Sub CA', issuer: 'Root', ...valid, validToMs: nowMs + 40 * DAY_MS }
  const judge = (chain: readonly (typeof server)[], rejection?: string) =>
    judgeCertificates({ chain, rejection, nowMs })
  t.match(judge([server, sub]), { state: 'ok', found: /"Sub CA", on 2027-01-01$/ })
  t.match(judge([server, { ...sub, validToMs: nowMs + 29 * DAY_MS }]), { state: 'warn' })
  t.match(judge([server, { ...sub, validToMs: nowMs - 1 }], 'CERT_HAS_EXPIRED'), {
    found: '"Sub CA" was valid until 2026-11-21',
    doThis: /"Root"/,
  })
  t.match(judge([server, sub], 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'), {
    found: /^"Sub CA", issued by "Root", is not trusted/,
  })
})
