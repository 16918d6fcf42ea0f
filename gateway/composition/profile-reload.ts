import { messageOf, type TillbridgeError } from '../core/errors.js'
import type { Logger } from '../core/log.js'
import { fail, ok, type Result } from '../core/result.js'
import { SerialQueue } from '../core/serial-queue.js'
import type { AlarmLog } from '../diagnostics/alarm-log.js'
import type { ProfileSource } from '../profile/profile-source.js'
import { ProfileRegistry } from '../profile/registry.js'
import type { TerminalSupervisor } from '../terminal/supervisor.js'
import { type Spoken, unprovenOf } from './dialects.js'
import type { Shop } from './shop.js'

/** Profiles that all terminals of the shop can speak by. */
interface Examined {
  readonly registry: ProfileRegistry
  readonly renewals: readonly ReturnType<Spoken['renewed']>[]
}

/** Somebody who wants profiles loaded anew calls back; returns the way to stop. */
export type ReloadRequests = (reload: () => void) => () => void

export interface ProfileReloadOptions {
  readonly shop: Shop
  readonly source: ProfileSource
  readonly spoken: readonly Spoken[]
  readonly terminals: TerminalSupervisor
  readonly alarms: AlarmLog
  readonly requests: ReloadRequests
}

/**
 * Profiles that change while the shop sells. Every terminal whose dialect reads otherwise now is
 * told, and speaks it from its next frame on. Where a file is invalid, or a profile in use is red,
 * nothing changes at all: the alarm `profile-invalid` names the line until it is mended.
 */
export class ProfileReload {
  readonly #shop: Shop
  readonly #source: ProfileSource
  readonly #spoken: readonly Spoken[]
  readonly #terminals: TerminalSupervisor
  readonly #alarms: AlarmLog
  readonly #logger: Logger
  readonly #requests: ReloadRequests
  readonly #queue = new SerialQueue()

  constructor(options: ProfileReloadOptions) {
    this.#shop = options.shop
    this.#source = options.source
    this.#spoken = options.spoken
    this.#terminals = options.terminals
    this.#alarms = options.alarms
    this.#requests = options.requests
    this.#logger = options.shop.logger.child({ room: 'profile' })
  }

  /** Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    const reload = (): void => void this.now()
    const stops = [this.#source.watch(reload), this.#requests(reload)]
    await new Promise<void>(resolve => signal.addEventListener('abort', () => resolve()))
    for (const stop of stops) stop()
    await this.#queue.run(async () => undefined)
  }

  /** Resolves when they are loaded, or refused. */
  now(): Promise<void> {
    return this.#queue.run(() => this.#reload())
  }

  /** What is wrong with these; nothing changes. */
  async faultsOf(source: ProfileSource): Promise<readonly string[]> {
    const examined = await this.#examine(source)
    return examined.ok ? [] : examined.error
  }

  async #examine(source: ProfileSource): Promise<Result<Examined, readonly string[]>> {
    const files = await source.load().catch(thrown => {
      return { ok: false, error: [messageOf(thrown)] } as const
    })
    if (!files.ok) return files
    const registry = new ProfileRegistry(files.value)
    const unproven = unprovenOf(this.#shop.config, registry)
    if (unproven !== undefined) return fail([unproven.message])
    const renewals = this.#spoken.map(({ renewed }) => renewed(registry))
    const failed = renewals.find(isFailed)
    return failed === undefined ? ok({ registry, renewals }) : fail([failed.error.message])
  }

  async #reload(): Promise<void> {
    const examined = await this.#examine(this.#source)
    if (!examined.ok) return this.#refuse(examined.error)
    const { registry, renewals } = examined.value
    let changed = 0
    for (const [index, renewal] of renewals.entries()) {
      const id = this.#spoken[index]?.terminal.id
      if (id === undefined || !renewal.ok) continue
      this.#spoken[index]?.adopt(registry)
      if (renewal.value === undefined) continue
      changed += 1
      this.#terminals.speak(id, renewal.value)
    }
    this.#alarms.clear('profile-invalid')
    this.#logger.info({ changed }, 'profiles loaded anew')
  }

  #refuse(faults: readonly string[]): void {
    const [first = ''] = faults
    for (const fault of faults) this.#logger.error({ code: 'TB_PROFILE_INVALID', fault }, 'refused')
    // The reason of a standing alarm is news, too: another file may be wrong now.
    this.#alarms.raise('profile-invalid', `the profiles before stay in use: ${first}`)
  }
}

function isFailed(renewal: {
  readonly ok: boolean
}): renewal is { readonly ok: false; readonly error: TillbridgeError } {
  return !renewal.ok
}
