import t from 'tap'
import { seededRandom } from '../../gateway/core/random.js'
import { NEW_CABLE } from '../../gateway/diagnostics/cable-trend.js'
import { parityHint } from '../../gateway/diagnostics/parity-hint.js'
import { unifiedPosStatistics } from '../../gateway/diagnostics/statistics.js'
import {
  type TerminalFacts,
  terminalFindings,
} from '../../gateway/diagnostics/terminal-findings.js'
import { atWrongSpeed, withParityBit } from '../../gateway/simulator/garble.js'
import { GARBLED } from '../support/online-status.js'

const TEXT = Buffer.from('\x02SALE|0001|BREAD|1.25|SUM 1.25\x03')

const HEARD: TerminalFacts = {
  status: { ...GARBLED, state: 'connected', framesTotal: 40, discardedBytes: 0, burstTotal: 0 },
  activity: {
    openSinceMs: 0,
    heardBytes: 4000,
    writtenBytes: 40,
    heardMs: 99_000,
    writtenMs: 99_000,
    longestSilenceMs: 20_000,
  },
  recent: TEXT,
  nowMs: 100_000,
  settings: '9600 8N1',
  isPlugged: true,
  holders: [],
  trend: NEW_CABLE,
}

function found(facts: Partial<TerminalFacts>): string {
  return terminalFindings({ ...HEARD, ...facts })
    .map(({ state, found }) => `${state}: ${found}`)
    .join('\n')
}

t.test('seven bits and a parity are told from other bytes', async t => {
  t.equal(parityHint(withParityBit(TEXT)), '7E1')
  t.equal(parityHint(withParityBit(TEXT).map(byte => byte ^ 0x80)), '7O1')
  t.equal(parityHint(TEXT), undefined)
  t.equal(parityHint(withParityBit(TEXT).subarray(0, 20)), undefined, 'too few')
  t.equal(parityHint(atWrongSpeed(TEXT, { sentBaud: 9600, readBaud: 4800 })), undefined)
  const random = seededRandom(7)
  for (let index = 0; index < 1000; index += 1) t.equal(parityHint(random.bytes(32)), undefined)
})

t.test('each cause is named', async t => {
  t.match(found({}), /^ok: it is heard: the last of 4000 bytes came 1\.0 s ago, 40 frames$/)
  const status = { ...HEARD.status, state: 'garbled', discardedBytes: 640 } as const
  t.match(
    found({ status, recent: withParityBit(TEXT) }),
    /^fail: wrong parity: the terminal sends 7E1, the port is set to 9600 8N1 \(640 bytes/,
  )
  t.match(found({ status }), /^fail: bytes come and make no frame.* set to 9600 8N1/)
  const lost = { ...HEARD.status, state: 'lost', reason: '/dev/ttyUSB0 is locked' } as const
  t.match(
    found({ status: lost, holders: [{ pid: 4711, name: 'minicom' }] }),
    /^fail: its port is held by another process: 4711 \(minicom\)\nfail: no line: .* locked/,
  )
  t.match(
    found({ holders: [{ pid: 4711, name: 'minicom' }] }),
    /^ok: it is heard.*\nwarn: its port is held by another process: 4711/,
  )
  t.match(found({ status: lost, isPlugged: false }), /^fail: \/dev\/ttyUSB0 is not there/)
  t.match(found({ nowMs: 99_000 + 59_000 }), /^ok/, 'a silence as others before')
  t.match(
    found({ nowMs: 99_000 + 60_000 }),
    /^warn: its line is open and fell silent: the last .* came 60 s ago, never more than 20 s/,
  )
  const nothing = { ...HEARD.activity, heardBytes: 0, heardMs: undefined }
  t.match(found({ activity: nothing }), /^warn: its line is open, and not one byte .* in 100 s/)
  const silent = { ...HEARD.status, state: 'silent' } as const
  t.match(found({ status: silent }), /^fail: it is asked and answers nothing/)
  const rejected = { ...HEARD.status, rejectedTotal: 40 }
  t.match(found({ status: rejected }), /^warn: 40 of 40 frames were understood by nobody/)
  const trend = { ...NEW_CABLE, state: 'failing', minutes: [{ good: 9, bad: 1 }] } as const
  t.match(found({ trend }), /\nwarn: its cable begins to fail: 10\.0 % of what passed/)
})

t.test('statistics have the names of UnifiedPOS', async t => {
  const status = { ...GARBLED, repeatTotal: 2, timeoutTotal: 3 }
  const profile = 'tillbridge/reference-till'
  const common = {
    profile,
    line: 'serial',
    firmware: '1.0',
    connectedHours: 5,
    scans: 0,
    weighings: 7,
  }
  t.same(unifiedPosStatistics({ status, ...common }), {
    ManufacturerName: 'tillbridge',
    ModelName: 'reference-till',
    FirmwareRevision: '1.0',
    Interface: 'RS232',
    HoursPoweredCount: 5,
    CommunicationErrorCount: 6,
    GoodWeightReadCount: 7,
  })
})

t.test('a till on MQTT that has not connected is told from a port that does not open', async t => {
  const status = {
    ...HEARD.status,
    state: 'opening',
    address: 'mqtt:till-4 shop/till-4/sale',
  } as const
  t.equal(found({ status }), 'fail: its client is not connected to the in-store broker')
})
