import { stripVTControlCharacters } from 'node:util'
import t from 'tap'
import { type DemoView, Screen, screenOf, summaryOf } from '../../gateway/cli/screen.js'

const VIEW: DemoView = {
  store: 'store-001',
  dataDir: 'data/demo',
  uptimeMs: 134_000,
  terminals: [
    { id: 'register-1', profile: 'tillbridge/reference-till', state: 'connected', events: 41 },
    { id: 'scale-1', profile: 'mettler-toledo/mt-sics', state: 'lost', events: 1 },
  ],
  airless: undefined,
  salesPerMinute: 38,
  backlog: 12,
  autonomyHours: 412,
  link: 'pulled',
  gateway: { text: 'running, pid 4711', pid: 4711 },
  hq: 'running',
  ledgerRows: 312,
  check: { found: 84, waiting: 2, lost: 0, doubled: 0, verified: 312, findings: [] },
  listen: `mosquitto_sub -h 127.0.0.1 -p 1883 -t 'tillbridge/1/+/events/#' -v`,
}

t.test('the screen says what matters, and alarms on a loss', t => {
  const text = screenOf(VIEW)
    .map(line => line.text)
    .join('\n')
  const waiting = '12 records wait for HQ; room for 412 hours'
  for (const part of ['2 min 14 s', 'data/demo', waiting, 'PULLED', VIEW.listen])
    t.ok(text.includes(part), part)
  t.ok(screenOf(VIEW).some(line => line.text.includes('lost 0    doubled 0')))
  t.notOk(screenOf(VIEW).some(line => line.style === 'alarm'))
  const lost = { ...VIEW, check: { ...VIEW.check, lost: 1, findings: ['register-1: sale 7'] } }
  t.equal(screenOf(lost).filter(line => line.style === 'alarm').length, 2)
  t.end()
})

t.test('a log line holds the same counts', t => {
  t.match(summaryOf(VIEW), /terminals 1\/2 .*backlog 12 · link pulled .*lost 0 · doubled 0$/)
  t.match(summaryOf({ ...VIEW, backlog: undefined }), /backlog \?/)
  t.end()
})

t.test('it redraws in place and never wraps a line', t => {
  const written: string[] = []
  let rows = 50
  const size = () => ({ columns: 20, rows })
  const screen = new Screen({ write: text => written.push(text), size })
  const lines = screenOf(VIEW)
  screen.draw(lines)
  screen.draw([{ text: 'short' }])
  rows = 6
  screen.draw(lines)
  const [first = '', second = '', third = ''] = written
  t.ok(first.startsWith('\x1b[2K'), 'nothing above it is touched')
  t.ok(second.startsWith(`\x1b[${lines.length}A`))
  t.ok(second.endsWith('\x1b[J'), 'what the longer screen left is cleared')
  t.equal(stripVTControlCharacters(third).split('\n').length, rows)
  t.ok(
    stripVTControlCharacters(first)
      .split('\n')
      .every(line => line.length <= 19),
  )
  t.end()
})
