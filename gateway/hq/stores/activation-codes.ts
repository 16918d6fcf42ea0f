import { z } from 'zod'
import type { Clock } from '../../core/clock.js'
import { writeDurably } from '../../core/durable-file.js'
import { deviceIdSchema, storeIdSchema } from '../../core/id-schema.js'
import type { StoreId } from '../../core/ids.js'
import { LIMITS } from '../../core/limits.js'
import type { Random } from '../../core/random.js'
import { decodeJson } from '../../core/schema.js'
import { codeProof, type EnrolRequest } from '../../wire/enrol.js'
import { type RegisterFolder, readIfThere } from './register-folder.js'

/** Without those that are taken for one another when they are read out. */
const LETTERS = '23456789ABCDEFGHJKLMNPQRSTUVWXYZ'
const LENGTH = 12

const activationCodes = z.array(
  z.strictObject({
    code: z.string(),
    store: storeIdSchema,
    until: z.string(),
    /** The gateway that became the store by it. */
    usedBy: deviceIdSchema.exactOptional(),
  }),
)

type ActivationCode = z.infer<typeof activationCodes>[number]
type Told = Pick<EnrolRequest, 'device' | 'code'>

/** What a technician tells a new gateway, so that HQ knows its store: good for one gateway. */
export class ActivationCodes {
  readonly #folder: RegisterFolder
  readonly #clock: Clock
  readonly #random: Random

  constructor(options: {
    readonly folder: RegisterFolder
    readonly clock: Clock
    readonly random: Random
  }) {
    this.#folder = options.folder
    this.#clock = options.clock
    this.#random = options.random
  }

  /** In place of the store's older one. @throws TillbridgeError TB_ENROL_AUTHORITY */
  issue(store: StoreId): Promise<Pick<ActivationCode, 'code' | 'until'>> {
    return this.#folder.alone(async () => {
      const letters = [...this.#random.bytes(LENGTH)].map(byte => LETTERS[byte % LETTERS.length])
      const code = letters.join('').replace(/(.{4})(?=.)/g, '$1-')
      const until = new Date(this.#clock.wallMs() + LIMITS.activationCodeMs).toISOString()
      const others = (await this.#valid()).filter(other => other.store !== store)
      await this.#write([...others, { code, store, until }])
      return { code, until }
    })
  }

  /** The store whose code the gateway was told; nothing where another became a store by it. */
  async storeOf(told: Told): Promise<StoreId | undefined> {
    const codes = await this.#valid()
    return codes.find(code => isFor(code, told))?.store
  }

  /**
   * The gateway becomes this store: its code is good for no other. By whoever has the register
   * alone.
   */
  async spend(told: Told, store: StoreId): Promise<void> {
    const { device: usedBy } = told
    const codes = await this.#valid()
    const spent = codes.find(code => code.store === store && isFor(code, told))
    if (spent === undefined || spent.usedBy === usedBy) return
    await this.#write(codes.map(code => (code === spent ? { ...code, usedBy } : code)))
  }

  async #write(codes: readonly ActivationCode[]): Promise<void> {
    await writeDurably(this.#folder.codes, { text: JSON.stringify(codes), mode: 0o600 })
  }

  async #valid(): Promise<readonly ActivationCode[]> {
    const bytes = await readIfThere(this.#folder.codes)
    const codes = bytes === undefined ? undefined : decodeJson(activationCodes, bytes)
    const nowMs = this.#clock.wallMs()
    return codes?.ok ? codes.value.filter(({ until }) => Date.parse(until) > nowMs) : []
  }
}

function isFor({ code, usedBy }: ActivationCode, { device, code: proof }: Told): boolean {
  return codeProof(device, code) === proof && (usedBy === undefined || usedBy === device)
}
