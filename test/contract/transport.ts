import type { Test } from 'tap'
import { concatBytes, equalBytes } from '../../gateway/core/bytes.js'
import { seededRandom } from '../../gateway/core/random.js'
import type { Connection, Transport } from '../../gateway/line/transport/transport.js'
import { until } from '../support/until.js'

/** A transport, and the device at the other end of its line. */
export interface Rig {
  readonly transport: Transport
  /** Connects, with whatever the device has to do for it. */
  connect(): Promise<Connection>
  send(bytes: Uint8Array): void
  /** What the device has got so far. */
  received(): Uint8Array
  /** The line breaks, as an unplugged cable or a crashed device breaks it. */
  lose(): void
  /** After `lose`: the device is there again. */
  restore(): Promise<void>
  dispose(): Promise<void>
}

const SEED = 20_261_122
const text = (characters: string): Uint8Array => new TextEncoder().encode(characters)

/** What every transport promises; see `gateway/line/transport/transport.ts`. */
export function transportContract(t: Test, createRig: () => Promise<Rig>): void {
  for (const [name, promise] of Object.entries(PROMISES))
    t.test(name, async t => {
      const rig = await createRig()
      t.teardown(() => rig.dispose())
      await promise(t, rig)
    })
}

const PROMISES: Readonly<Record<string, (t: Test, rig: Rig) => Promise<void>>> = {
  [`bytes go both ways, all of them and in order (seed ${SEED})`]: async (t, rig) => {
    const random = seededRandom(SEED)
    const connection = await rig.connect()
    const reader = new Reader(connection)
    const sent: Uint8Array[] = []
    for (let index = 0; index < 60; index++) {
      const bytes = random.bytes(1 + Math.floor(random.unit() * 300))
      sent.push(bytes)
      rig.send(bytes)
      await connection.write(bytes)
    }
    const all = concatBytes(sent)
    await until('the device has all', () => rig.received().length >= all.length)
    await until('the gateway has all', () => reader.bytes.length >= all.length)
    t.ok(equalBytes(rig.received(), all), 'to the device')
    t.ok(equalBytes(reader.bytes, all), 'from the device')
    t.same(
      reader.times,
      reader.times.toSorted((left, right) => left - right),
      'arrival times grow',
    )
    await connection.close()
  },

  'closing ends the reading, and may be done twice': async (t, rig) => {
    const connection = await rig.connect()
    const reader = new Reader(connection)
    await Promise.all([connection.close(), connection.close()])
    await connection.close()
    t.equal(await reader.end, 'ended')
  },

  'what is written after closing is refused, and never goes out': async (t, rig) => {
    const first = await rig.connect()
    await first.close()
    await t.rejects(first.write(text('stale')), { code: 'TB_LINE_CLOSED' })
    await rig.restore()
    const second = await rig.connect()
    await second.write(text('fresh'))
    await until('the fresh bytes', () => rig.received().length >= 5)
    t.same(rig.received(), text('fresh'))
    await second.close()
  },

  'a loss is told to the reader and to who writes': async (t, rig) => {
    const connection = await rig.connect()
    const reader = new Reader(connection)
    rig.lose()
    t.equal(await reader.end, 'TB_LINE_CLOSED')
    await t.rejects(connection.write(text('gone')), { code: 'TB_LINE_CLOSED' })
    await connection.close()
  },

  'after a loss the line can be opened again': async (t, rig) => {
    const first = await rig.connect()
    rig.lose()
    t.equal(await new Reader(first).end, 'TB_LINE_CLOSED')
    await first.close()
    await rig.restore()
    const second = await rig.connect()
    const reader = new Reader(second)
    rig.send(text('back'))
    await until('bytes on the new line', () => reader.bytes.length === 4)
    await second.close()
  },

  'what arrived before the loss is read first': async (t, rig) => {
    const connection = await rig.connect()
    const reader = new Reader(connection)
    rig.send(text('last words'))
    await until('they arrived', () => reader.bytes.length === 10)
    rig.lose()
    t.equal(await reader.end, 'TB_LINE_CLOSED')
    t.same(reader.bytes, text('last words'))
  },

  'connecting that was aborted fails, and can be tried again': async (t, rig) => {
    await t.rejects(rig.transport.connect(AbortSignal.abort()), { code: 'TB_LINE_UNAVAILABLE' })
    const abort = new AbortController()
    const connecting = rig.transport.connect(abort.signal)
    abort.abort()
    // One that was too fast for it must be a usable line.
    await connecting.then(
      connection => connection.close(),
      thrown => t.match(thrown, { code: 'TB_LINE_UNAVAILABLE' }),
    )
    await rig.restore()
    await (await rig.connect()).close()
  },
}

/** Reads a connection to its end. */
export class Reader {
  readonly times: number[] = []
  readonly end: Promise<string>
  #bytes: Uint8Array = new Uint8Array(0)

  constructor(connection: Connection) {
    this.end = this.#read(connection)
  }

  get bytes(): Uint8Array {
    return this.#bytes
  }

  async #read(connection: Connection): Promise<string> {
    try {
      for await (const { bytes, atMs } of connection) {
        this.times.push(atMs)
        this.#bytes = concatBytes([this.#bytes, bytes])
      }
      return 'ended'
    } catch (thrown) {
      return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : String(thrown)
    }
  }
}
