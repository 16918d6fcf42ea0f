import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { rfc3339 } from '../../gateway/core/clock.js'
import { storeId, terminalId } from '../../gateway/core/ids.js'
import { type Random, seededRandom } from '../../gateway/core/random.js'
import type { Journal } from '../../gateway/journal/journal.js'
import { signingKeyOf } from '../../gateway/security/signature.js'
import { below, pick } from '../../gateway/simulator/till-sale.js'
import type { CommandRequest } from '../../gateway/wire/command.js'
import type { CommandStatus } from '../../gateway/wire/status.js'
import {
  countingSink,
  openDownlink,
  requestOf,
  signed,
  type TestDownlink,
  TOPICS,
} from '../downlink/hq.js'
import { journalIn } from '../journal/open.js'
import { everyRecord, jsonOf, NOON_MS, STORE, wallClock } from '../support/sample.js'
import { until } from '../support/until.js'
import { Tally, type UnitResult } from './unit.js'

/** What a message is, and so what must come of it. */
const KINDS = ['good', 'older', 'expired', 'forged', 'stranger', 'foreign', 'reused'] as const
type Kind = (typeof KINDS)[number]

interface Message {
  readonly kind: Kind
  readonly request: CommandRequest
  readonly topicId: string
  readonly payload: Uint8Array
}

/** How many commands are under way between HQ and the store: within it any may overtake any. */
const REORDERED = 40
const STRANGER = signingKeyOf(Buffer.alloc(32, 77))
const EVERY_MS = 2000
const HOUR_MS = 3_600_000

/**
 * HQ says so many things to a store, some of them twice or thrice, in a changed order, some out of
 * date, and others forged; now and then the gateway is started anew, in the middle of them. What was
 * carried out, counted and journaled is compared with what each message is.
 */
export async function stormOfCommands(options: {
  readonly unit: number
  readonly seed: number
  readonly messages: number
  readonly restarts: number
  readonly directory: string
}): Promise<UnitResult> {
  const { unit, seed, messages, restarts, directory } = options
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  const storm = new Storm({ random: seededRandom(seed), directory: join(directory, 'journal') })
  const what = await storm.rage({ messages, restarts })
  const findings = what.length === 0 ? [] : [{ unit, point: `seed ${seed}`, what, kept: directory }]
  return { points: messages, counts: storm.tally.counts, findings }
}

class Storm {
  readonly tally = new Tally()
  readonly #random: Random
  readonly #directory: string
  readonly #now = { wallMs: NOON_MS }
  readonly #sink = countingSink()
  /** What the gateway should have counted since it was started, by our own reckoning. */
  #expected = new Tally()
  /** Ids that HQ said, and the gateway should have carried out; and those that it never may. */
  readonly #good = new Set<string>()
  readonly #never = new Set<string>()
  readonly #expired = new Set<string>()
  readonly #waiting: Message[] = []
  readonly #findings: string[] = []
  #journal: Journal | undefined
  #shop: TestDownlink | undefined
  #openedMs = 0
  #count = 0

  constructor(options: { readonly random: Random; readonly directory: string }) {
    this.#random = options.random
    this.#directory = options.directory
  }

  async rage(options: {
    readonly messages: number
    readonly restarts: number
  }): Promise<readonly string[]> {
    const { messages, restarts } = options
    await this.#open()
    const every = Math.ceil(messages / (restarts + 1))
    for (let heard = 1; heard <= messages; heard += 1) {
      while (this.#waiting.length < REORDERED) this.#say()
      const at = below(this.#random, this.#waiting.length)
      const [message] = this.#waiting.splice(at, 1)
      if (message !== undefined) await this.#hear(message)
      this.#now.wallMs += EVERY_MS
      if (heard % every === 0) await this.#restart()
    }
    await this.#settle()
    await this.#judge()
    await this.#close()
    return this.#findings
  }

  /** HQ says something new, or somebody else does; and perhaps again. */
  #say(): void {
    const message = this.#message(pick(this.#random, KINDS))
    const copies = 1 + (below(this.#random, 3) === 0 ? 1 + below(this.#random, 2) : 0)
    this.#waiting.push(...Array.from({ length: copies }, () => message))
  }

  #message(kind: Kind): Message {
    this.#count += 1
    const id = `c-${this.#count}`
    const atMs = this.#now.wallMs
    const good = requestOf(id, { atMs, arguments: { text: `text ${id}` } })
    const say = (request: CommandRequest, payload = signed(request)): Message => {
      return { kind, request, topicId: request.id, payload }
    }
    switch (kind) {
      case 'good':
        return say({ ...good, expiresAt: rfc3339(atMs + HOUR_MS, 'UTC') })
      case 'older':
        return say({
          ...good,
          issuedAt: rfc3339(NOON_MS - 60_000, 'UTC'),
          expiresAt: rfc3339(atMs + HOUR_MS, 'UTC'),
        })
      case 'expired':
        return say({ ...good, expiresAt: rfc3339(atMs + 1, 'UTC') })
      case 'forged': {
        const payload = signed(good)
        const at = below(this.#random, payload.length)
        return say(good, payload.with(at, (payload[at] ?? 0) ^ (1 + below(this.#random, 255))))
      }
      case 'stranger':
        return say(good, signed(good, STRANGER))
      case 'foreign':
        return below(this.#random, 2) === 0
          ? say({ ...good, store: storeId('store-002') })
          : { ...say(good), topicId: `d-${this.#count}` }
      case 'reused': {
        const [first] = [...this.#good].slice(-1)
        return first === undefined
          ? this.#message('good')
          : say({ ...good, id: first, target: terminalId('other') })
      }
    }
  }

  async #hear({ kind, request, topicId, payload }: Message): Promise<void> {
    this.tally.add(kind)
    const { id } = request
    if (kind === 'expired') this.#now.wallMs += 1
    const challenge = this.#shop?.downlink.status.challenge ?? ''
    await this.#deliver(topicId, payload)
    switch (kind) {
      case 'good':
        this.#heardGood(request)
        await this.#answerChallenge(request, challenge)
        break
      case 'older':
        if (this.#good.has(id)) this.#expect('repeated')
        else this.#expect('challenged')
        await this.#answerChallenge(request, challenge)
        break
      case 'expired':
        this.#expired.add(id)
        this.#expect('expired')
        break
      case 'reused':
        this.#expect('denied')
        break
      default:
        this.#never.add(id)
        this.#expect('denied')
    }
  }

  #heardGood(request: CommandRequest): void {
    const isOlder = Date.parse(request.issuedAt) < this.#openedMs
    if (this.#good.has(request.id)) this.#expect('repeated')
    else if (isOlder) this.#expect('challenged')
    else {
      this.#good.add(request.id)
      this.#expect('accepted')
    }
  }

  /** HQ signs again what came over a restart of the gateway. */
  async #answerChallenge(request: CommandRequest, challenge: string): Promise<void> {
    if (this.#good.has(request.id)) return
    this.#good.add(request.id)
    this.#expect('accepted')
    await this.#deliver(request.id, signed({ ...request, challenge }))
  }

  #expect(what: keyof CommandStatus): void {
    this.#expected.add(what)
  }

  async #deliver(id: string, payload: Uint8Array): Promise<void> {
    await this.#shop?.connection.deliver({ topic: TOPICS.command(STORE, id), payload })
    // More at once than the gateway carries out are not answered: that is tested elsewhere.
    await until('there is a place', () => this.#underWay() < 8)
  }

  #underWay(): number {
    const { accepted = 0, successful = 0, failed = 0 } = this.#shop?.downlink.status ?? {}
    return accepted - successful - failed
  }

  async #open(): Promise<void> {
    this.#journal = await journalIn(this.#directory, { wallMs: NOON_MS, clock: 'synced' })
    this.#openedMs = this.#now.wallMs
    const clock = { ...wallClock(this.#now), monotonicMs: () => this.#now.wallMs }
    this.#shop = await openDownlink({ journal: this.#journal, sink: this.#sink, clock })
  }

  async #close(): Promise<void> {
    await this.#shop?.downlink.stop()
    await this.#journal?.close()
  }

  async #restart(): Promise<void> {
    await this.#settle()
    await this.#close()
    this.tally.add('restarts')
    await this.#open()
  }

  /** Nothing is under way: what was counted since the start is what was to be counted. */
  async #settle(): Promise<void> {
    await until('all ended', () => this.#underWay() === 0)
    const {
      challenge: _,
      open: __,
      successful,
      failed,
      ...counted
    } = this.#shop?.downlink.status ?? {}
    for (const [what, count] of Object.entries(counted))
      if (count !== this.#expected.of(what))
        this.#findings.push(`${what}: ${count}, not ${this.#expected.of(what)}`)
    if (successful !== this.#expected.of('accepted'))
      this.#findings.push(`${successful} successful`)
    if (failed !== 0) this.#findings.push(`${failed} failed`)
    this.#expected = new Tally()
  }

  async #judge(): Promise<void> {
    const { runs } = this.#sink
    for (const id of this.#good)
      if (runs.get(id) !== 1)
        this.#findings.push(`${id} was carried out ${runs.get(id) ?? 0} times`)
    for (const id of runs.keys())
      if (!this.#good.has(id) || this.#never.has(id)) this.#findings.push(`${id} was carried out`)
    this.tally.add('carried out once', runs.size)
    const states = await this.#journaled()
    for (const [state, expected] of [
      ['accepted', this.#good],
      ['executing', this.#good],
      ['successful', this.#good],
      ['failed', this.#expired],
    ] as const)
      if (states.get(state)?.size !== expected.size)
        this.#findings.push(`${states.get(state)?.size} journaled ${state}, not ${expected.size}`)
  }

  async #journaled(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
    const states = new Map<string, Set<string>>()
    for (const record of this.#journal === undefined ? [] : await everyRecord(this.#journal)) {
      if (record.header.type !== 'gateway.command') continue
      const { command, state } = Object(jsonOf(record).data)
      const ids = states.get(state) ?? new Set()
      if (ids.has(command)) this.#findings.push(`${command}: journaled ${state} twice`)
      states.set(state, ids.add(command))
    }
    return states
  }
}
