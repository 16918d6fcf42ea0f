import t from 'tap'
import { systemClock } from '../../gateway/core/clock.js'
import { LIMITS } from '../../gateway/core/limits.js'
import { systemRandom } from '../../gateway/core/random.js'
import type { Link } from '../../gateway/line/link/link.js'
import type { Connection } from '../../gateway/line/transport/transport.js'
import type { Dialect } from '../../gateway/profile/dialect.js'
import { loadRegistry } from '../../gateway/profile/registry.js'
import { keyedDigestOf } from '../../gateway/security/keyed-digest.js'
import { Conversation } from '../../gateway/terminal/conversation.js'
import { decodeFrame } from '../../gateway/terminal/frame-decoder.js'
import { STORE, TILL } from '../support/sample.js'
import { until } from '../support/until.js'

async function scanner(): Promise<Dialect> {
  const registry = await loadRegistry({ extraFolders: [] })
  if (!registry.ok) throw new Error(registry.error.join('\n'))
  const dialect = registry.value.dialectOf({ profile: 'generic/aim-scanner', firmware: '1' })
  if (!dialect.ok) throw dialect.error
  return dialect.value
}

t.test('a scanner is read no faster than the journal takes what it says', async t => {
  const dialect = await scanner()
  const scan = dialect.encode('ean-8', { text: '96385074' })
  const scans = 10 * LIMITS.linkQueueFrames
  let read = 0
  let settled = 0
  let letGo = (): void => undefined
  const held = new Promise<void>(resolve => {
    letGo = resolve
  })
  const connection: Connection = {
    write: async () => undefined,
    close: async () => undefined,
    async *[Symbol.asyncIterator]() {
      for (; read < scans; read += 1) yield { bytes: scan, atMs: 0 }
    },
  }
  const conversation = new Conversation({
    connection,
    dialect,
    clock: systemClock,
    host: {
      settle: async () => {
        await held
        settled += 1
        return 'journaled'
      },
      framed: () => undefined,
      counted: () => undefined,
      silent: () => undefined,
      isClosing: () => false,
      changed: () => undefined,
    },
  })
  const running = conversation.run()
  await until('it has read what it may', () => read === LIMITS.linkQueueFrames - 1)
  t.equal(settled, 0)
  letGo()
  await running
  t.equal(read, scans)
  t.equal(settled, scans)
})

t.test('a line that is gone arms no timer, and commands are answered at once', async t => {
  const scanner1 = await scanner()
  const armed: number[] = []
  let letGo = (): void => undefined
  const held = new Promise<void>(resolve => {
    letGo = resolve
  })
  const link: Link<unknown> = {
    initial: undefined,
    answers: false,
    next: (state, input) => {
      if (input.type === 'framed' && input.output.type === 'frame') {
        const { payload, raw } = input.output
        return { state, effects: [{ type: 'deliver', payload, raw }] }
      }
      const isSettled = input.type === 'settled'
      return { state, effects: isSettled ? [{ type: 'timer', afterMs: 50 }] : [] }
    },
  }
  const conversation = new Conversation({
    connection: {
      write: async () => undefined,
      close: async () => undefined,
      async *[Symbol.asyncIterator]() {
        yield { bytes: scanner1.encode('ean-8', { text: '96385074' }), atMs: 0 }
      },
    },
    dialect: { ...scanner1, link, createFramer: () => scanner1.createFramer() },
    clock: {
      ...systemClock,
      after: (ms, callback) => {
        armed.push(ms)
        return systemClock.after(ms, callback)
      },
    },
    host: {
      settle: async () => {
        await held
        return 'journaled'
      },
      framed: () => undefined,
      counted: () => undefined,
      silent: () => undefined,
      isClosing: () => false,
      changed: () => undefined,
    },
  })
  const running = conversation.run()
  await until('the line is lost while the frame settles', async () => {
    const outcome = await Promise.race([
      conversation.command({ id: `${performance.now()}`, verb: 'pay', values: {} }),
      systemClock.sleep(1),
    ])
    return outcome?.type === 'failed' && outcome.reason === 'rejected'
  })
  letGo()
  await running
  t.strictSame(armed, [])
})

t.test('a dialect that throws costs one frame, not the shop', async t => {
  const dialect: Dialect = {
    ...(await scanner()),
    id: 'test/broken@1',
    cardData: false,
    decode: () => {
      throw new RangeError('a defect')
    },
  }
  const raw = Uint8Array.of(0x41, 0x0d)
  const capture = {
    store: STORE,
    terminal: TILL,
    timeZone: 'UTC',
    clockState: 'synced',
    clock: systemClock,
    random: systemRandom,
  } as const
  const meaning = decodeFrame({
    dialect,
    capture,
    frame: { payload: raw.subarray(0, 1), raw },
    held: [],
    keyedDigest: keyedDigestOf(Uint8Array.of(1)),
  })
  t.match(meaning, {
    type: 'rejected',
    event: { type: 'frame.rejected', data: { issues: [/a defect/], raw: '410d' } },
  })
})
