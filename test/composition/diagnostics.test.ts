import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { diagnosticVerbs } from '../../gateway/composition/diagnostics/verbs.js'
import { openRegistry, resolveDialects } from '../../gateway/composition/dialects.js'
import { profileSource } from '../../gateway/composition/profile-source.js'
import { createShop } from '../../gateway/composition/shop.js'
import { createTerminals } from '../../gateway/composition/terminals.js'
import { loadConfig } from '../../gateway/config/load.js'
import { systemClock } from '../../gateway/core/clock.js'
import { LIMITS } from '../../gateway/core/limits.js'
import { createLogger } from '../../gateway/core/log.js'
import { systemRandom } from '../../gateway/core/random.js'
import { AlarmLog } from '../../gateway/diagnostics/alarm-log.js'
import { CableWatch } from '../../gateway/diagnostics/cable-watch.js'
import { LogRing } from '../../gateway/diagnostics/log-ring.js'
import type { GatewayVerb } from '../../gateway/downlink/gateway-verb.js'
import { JournalIngest } from '../../gateway/ingest/journal-ingest.js'
import { keyedDigestOf } from '../../gateway/security/keyed-digest.js'
import { type AnswerPart, decodeAnswerPart } from '../../gateway/wire/answer-part.js'
import type { CommandOutcome, CommandValues } from '../../gateway/wire/command.js'
import { chunksOf, parseCapture } from '../../gateway/workbench/capture/capture-file.js'
import { decodedLines } from '../../gateway/workbench/decoded-lines.js'
import { captureNow } from '../../gateway/workbench/explain.js'
import { journalIn } from '../journal/open.js'
import { onlineStatus } from '../support/online-status.js'
import { openPtyPair } from '../support/pty-pair.js'
import { receipt } from '../support/receipt.js'
import { freshDirectory } from '../support/shop.js'
import { until } from '../support/until.js'

// Most of the time they wait.
t.jobs = 3

/** Longer than any of it takes: what is asked ends when enough was seen. */
const AGES_S = LIMITS.captureSeconds

interface Answered {
  readonly outcome: CommandOutcome
  readonly text: string
  readonly parts: readonly AnswerPart[]
  readonly bytes: Buffer
}

function askerOf(verbs: readonly GatewayVerb[]) {
  return async (
    name: string,
    values: CommandValues = {},
    signal = new AbortController().signal,
  ): Promise<Answered> => {
    const chunks: Uint8Array[] = []
    const emit = async (chunk: Uint8Array): Promise<void> => void chunks.push(chunk)
    const verb = verbs.find(one => one.name === name)
    if (verb === undefined) throw new Error(`no verb ${name}`)
    const outcome = await verb.run(values, { signal, issuer: 'alice', emit })
    const bytes = Buffer.concat(chunks)
    const lines = name === 'bundle' ? [] : bytes.toString().split('\n').slice(0, -1)
    const parts = lines.map(line => {
      const part = decodeAnswerPart(Buffer.from(line))
      if (!part.ok) throw new Error(part.error)
      return part.value
    })
    return { outcome, bytes, parts, text: parts.flatMap(({ text = [] }) => text).join('\n') }
  }
}

function configOf(folder: string, ports: { readonly till: string; readonly scale: string }) {
  const terminal = (id: string, profile: string, path: string): string =>
    `  - { id: ${id}, profile: ${profile}, firmware: '1.0', line: { serial: { path: ${path} } } }\n`
  const yaml =
    `store: store-001\ndataDir: ${folder}/data\n` +
    'hq: { url: mqtt://127.0.0.1:1, password: swordfish }\nterminals:\n' +
    terminal('till-7', 'tillbridge/reference-till', ports.till) +
    terminal('scale-1', 'mettler-toledo/toledo-8217', ports.scale)
  const loaded = loadConfig({ file: undefined, env: { TILLBRIDGE_CONFIG_YAML: yaml } })
  if (!loaded.ok) throw new Error(loaded.error.join('\n'))
  return loaded.value
}

/** The terminals of a shop on real ports, and what HQ may ask of them. */
async function open(t: Test) {
  const folder = freshDirectory(t)
  const ends = {
    till: openPtyPair(t, join(folder, 'till')),
    scale: openPtyPair(t, join(folder, 'scale')),
  }
  const config = configOf(folder, { till: ends.till.port, scale: ends.scale.port })
  const logs = new LogRing()
  const logger = createLogger({
    level: 'debug',
    destination: { write: line => logs.add(line.trimEnd()) },
  })
  const shop = createShop({ config, logger, logs })
  const registry = await openRegistry(profileSource(config))
  const spoken = resolveDialects(config, registry)
  const journal = await journalIn(join(folder, 'journal'))
  const ingest = new JournalIngest({ journal, logger })
  const common = { clock: systemClock, random: systemRandom, clockState: shop.clockState, logger }
  const alarms = new AlarmLog({
    ...common,
    journal: async () => true,
    store: shop.store,
    timeZone: 'UTC',
  })
  const terminals = createTerminals({
    shop,
    dialects: spoken,
    lines: { buses: new Map(), publishLines: new Map() },
    ingest: (events, fragments) => ingest.ingest(events, fragments),
    fragments: source => ingest.fragments(source),
    keyedDigest: keyedDigestOf(Uint8Array.of(1)),
    isClosing: () => false,
    alarms,
  })
  let restarts = 0
  const verbs = diagnosticVerbs({
    shop,
    journal,
    spoken,
    cables: new CableWatch({ lines: () => terminals.statuses, alarms, clock: systemClock }),
    status: () => ({ ...onlineStatus(), terminals: [...terminals.statuses] }),
    clockWatch: { latest: undefined },
    restart: () => {
      restarts += 1
    },
  })
  const stop = new AbortController()
  const running = terminals.run(stop.signal)
  t.teardown(async () => {
    stop.abort()
    await running
    await journal.close()
  })
  await until('connected', () => terminals.statuses.every(({ state }) => state !== 'opening'))
  const ask = askerOf(verbs)
  const known = registry.dialectOf({ profile: 'tillbridge/reference-till', firmware: '1.0' })
  if (!known.ok) throw known.error
  const dialect = known.value
  const scaleDialect = spoken[1]?.dialect ?? dialect
  /** As a till does: again until it is answered. */
  const sell = async (number: number): Promise<void> => {
    const before = ends.till.received().length
    const say = (): void => ends.till.send(dialect.encode('sale', receipt(number)))
    const repeating = setInterval(say, 500)
    say()
    await until('answered', () => ends.till.received().length > before)
    clearInterval(repeating)
  }
  return {
    ...ends,
    folder,
    dialect,
    scaleDialect,
    terminals,
    journal,
    verbs,
    ask,
    sell,
    restarts: () => restarts,
  }
}

function statusOf({ terminals }: Awaited<ReturnType<typeof open>>, name: string) {
  const status = terminals.statuses.find(({ terminal }) => terminal === name)
  if (status === undefined) throw new RangeError(`no ${name}`)
  return status
}

t.test('what is asked is answered, for people and for programs', { buffered: true }, async t => {
  const shop = await open(t)
  const { ask } = shop
  await shop.sell(1234)
  const status = await ask('status')
  t.match(status.text, /^store-001 {2}tillbridge .*\n/)
  t.match(status.text, /till-7 {2}connected .*\(9600 8N1\).*\n {4}ok: it is heard/)
  t.match(status.parts[0]?.data, { status: { store: 'store-001' }, versions: {} })
  const one = await ask('terminals', { terminal: 'till-7' })
  t.match(one.text, /CommunicationErrorCount 0/)
  t.notMatch(one.text, /scale-1/)
  t.match(await ask('terminals', { terminal: 'till-9' }), {
    outcome: { type: 'failed', reason: 'rejected', detail: /no terminal is called till-9.*till-7/ },
  })
  t.match(await ask('terminals', { terminals: 'x' }), { outcome: { type: 'failed' } })
  const ports = await ask('ports')
  t.match(ports.text, new RegExp(`used by till-7\n {4}open in ${process.pid} \\(.*, this gateway`))
  const journal = await ask('journal')
  t.match(journal.text, /\d+ records, .*\nepoch 1-.*: 1 to \d+, unconfirmed 1 to \d+/s)
  const where = await ask('journal', { receipt: '001234' })
  t.match(where.text, /sale.completed .* of till-7.*\n +captured .*\n +journaled +before this/)
  t.match(where.text, /committed {2}not yet: no receipt covers it/)
  t.match((await ask('journal', { receipt: '9' })).text, /the journal holds no 9/)
  t.match((await ask('clock')).text, /never corrected/)
  t.match((await ask('disk')).text, /data directory .*\n/)
  t.match((await ask('ble')).text, /Bluetooth/)
  const network = await ask('network')
  t.match(network.text, /fail +HQ port .*10 connections to 127\.0\.0\.1:1, 10 failed/s)
  const logs = await ask('logs', { last: 5, level: 'info' })
  t.match(logs.text, /INFO {2}terminal connected room="terminal" terminal="(till-7|scale-1)"/)
})

t.test('a log is followed until it is cancelled', { buffered: true }, async t => {
  const { ask, till } = await open(t)
  const cancel = new AbortController()
  const following = ask('logs', { last: 0, followSeconds: 60 }, cancel.signal)
  till.unplug()
  await until('logged', async () => /"?no line/.test((await ask('logs', { level: 'warn' })).text))
  cancel.abort()
  const { outcome, text } = await following
  t.equal(outcome.type, 'successful')
  t.match(text, /WARN {2}no line .*terminal="till-7"/)
})

t.test(
  'a capture is what `profile replay` reads, without cards, decoded beside',
  { buffered: true },
  async t => {
    const shop = await open(t)
    const enough = new AbortController()
    const values = { terminal: 'till-7', seconds: AGES_S }
    const capturing = shop.ask('capture', values, enough.signal)
    await shop.sell(7)
    shop.till.send(Buffer.from('card 4111111111111111 of Mr X'))
    await until('discarded', () => statusOf(shop, 'till-7').discardedBytes > 0)
    enough.abort()
    const { text, parts } = await capturing
    t.match(text, /frame, \d+ bytes\n.*message sale\n/s)
    t.match(text, /discarded, .*noise/s)
    const file = parts.flatMap(part => (part.file === undefined ? [] : [part.file])).join('\n')
    t.notMatch(file + text, /4111111111111111|34313131313131313131313131313131/)
    const capture = parseCapture(file)
    if (!capture.ok) throw new Error(capture.error)
    t.match(capture.value.head, { baudRate: 9600, mode: '8N1', address: shop.till.port })
    const froms = chunksOf(capture.value).map(({ from }) => from)
    t.ok(froms.includes('host') && froms.includes('terminal'), 'the sale, and its ACK')
    const { dialect } = shop
    const replayed = decodedLines({
      dialect,
      chunks: chunksOf(capture.value),
      capture: captureNow('UTC'),
    })
    t.match([...replayed][0], {
      event: { type: 'sale.completed', data: { receiptNumber: '000007' } },
    })
    t.match(await shop.ask('capture', { terminal: 'till-9' }), { outcome: { type: 'failed' } })
  },
)

t.test('a loop plug is measured while the session keeps off', { buffered: true }, async t => {
  const shop = await open(t)
  const nothing = await shop.ask('loopback', { terminal: 'till-7' })
  t.match(nothing.text, /none came back/)
  let looped = shop.till.received().length
  const plug = setInterval(() => {
    const came = shop.till.received()
    if (came.length > looped) shop.till.send(came.subarray(looped))
    looped = came.length
  }, 5)
  t.teardown(() => clearInterval(plug))
  t.match((await shop.ask('loopback', { terminal: 'till-7' })).text, /came back: port, adapter/)
  clearInterval(plug)
  await shop.sell(8)
  t.match(await shop.ask('restart', { terminal: 'till-7' }), { outcome: { type: 'successful' } })
  await shop.sell(9)
  t.match(await shop.ask('restart'), { outcome: { type: 'successful' } })
  await until('restarted', () => shop.restarts() === 1)
})

t.test(
  'who is asked by its protocol is timed; who is asked nothing is only heard',
  { buffered: true },
  async t => {
    const shop = await open(t)
    await until('silent', () => statusOf(shop, 'scale-1').state === 'silent')
    const silent = await shop.ask('terminals', { terminal: 'scale-1' })
    t.match(silent.text, /fail: it is asked and answers nothing: not one byte has come/)
    const ping = (terminal: string, enough: AbortController) =>
      shop.ask('ping-terminal', { terminal, seconds: LIMITS.pingSeconds }, enough.signal)
    const enough = new AbortController()
    const unheard = ping('scale-1', enough)
    const unasked = ping('till-7', enough)
    const asked = shop.scale.received().length
    shop.till.send(Buffer.from('noise'))
    await until('asked again', () => shop.scale.received().length > asked)
    await until('noise', () => statusOf(shop, 'till-7').discardedBytes === 5)
    enough.abort()
    t.match((await unheard).text, /^scale-1 answered 0 of [1-9]\d*; not a byte came$/)
    t.match((await unasked).text, /^till-7 is not asked anything in its protocol; 5 bytes came/)
    let heard = shop.scale.received().length
    let answers = 0
    const answering = setInterval(() => {
      const { length } = shop.scale.received()
      if (length === heard) return
      shop.scale.send(shop.scaleDialect.encode('status', { zero: true }))
      answers += 1
      heard = length
    }, 5)
    t.teardown(() => clearInterval(answering))
    // It ends by itself once it has seen enough.
    const { text } = await ping('scale-1', new AbortController())
    t.match(text, /^scale-1 answered 5 of [5-9] after [\d.]+, .* ms; /)
    t.ok(answers >= 5)
  },
)

t.test('the bundle is an archive without a secret', { buffered: true }, async t => {
  const shop = await open(t)
  const enough = new AbortController()
  const values = { terminal: 'till-7', seconds: AGES_S }
  const capturing = shop.ask('capture', values, enough.signal)
  await shop.sell(7)
  enough.abort()
  await capturing
  const { bytes } = await shop.ask('bundle')
  const archive = join(shop.folder, 'bundle.tar.gz')
  writeFileSync(archive, bytes)
  const all = execFileSync('tar', ['xzOf', archive], { encoding: 'utf8' })
  const names = execFileSync('tar', ['tzf', archive], { encoding: 'utf8' })
  t.match(names, /config\.json\n.*log\.ndjson\ncaptures\/till-7\.ndjson\n/s)
  t.match(all, /"password": "\[hidden\]"/)
  t.notMatch(all, /swordfish/)
})
