import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Headquarters } from './headquarters.js'
import type { RunningJournal } from './running-journal.js'
import { Till } from './till.js'

const TILLS = ['register-1', 'register-2', 'register-3']

/** What stands outside the journal and survived: lines of the tills' own logs, HQ's rows. */
export interface Evidence {
  readonly tills: readonly string[]
  readonly rows: readonly string[]
}

/** Tills and HQ around a journal that is killed again and again; they themselves never are. */
export class TorturedShop {
  readonly #tills: readonly Till[]
  readonly #logs: readonly string[]
  readonly headquarters: Headquarters

  private constructor(options: {
    readonly directory: string
    readonly seed: number
    readonly headquarters: Headquarters
  }) {
    const { directory, seed, headquarters } = options
    this.headquarters = headquarters
    const shop = TILLS.map((id, index) => {
      return { id, seed: seed + index, path: join(tillsOf(directory), `${id}.ndjson`) }
    })
    this.#logs = shop.map(({ path }) => path)
    this.#tills = shop.map(till => new Till(till))
  }

  /** In a directory that holds the tills' logs and the ledger, not the journal. */
  static async open(directory: string, seed: number): Promise<TorturedShop> {
    const headquarters = await Headquarters.open(join(directory, 'ledger'))
    return new TorturedShop({ directory, seed, headquarters })
  }

  /**
   * Sells over this process until it dies, or so many sales were acknowledged and it is told to
   * end. `watch` hears each line right when it was said. Resolves when it is dead and all that it
   * said was acted upon.
   */
  async sellThrough(
    running: RunningJournal,
    options: { readonly sales: number; readonly watch?: (line: string) => void },
  ): Promise<void> {
    let left = options.sales
    let idle = 0
    let work: Promise<void> = Promise.resolve()
    const sellNext = (till: Till): void => {
      left -= 1
      if (left >= 0) running.tell(till.sell())
      else idle += 1
      if (idle === this.#tills.length) running.finish()
    }
    let isOpen = false
    running.onSaid(line => {
      options.watch?.(line)
      const [word, first = '', second = ''] = line.split(' ')
      if (word === 'opened' && !isOpen) {
        isOpen = true
        for (const till of this.#tills) sellNext(till)
      }
      if (word === 'acknowledged') {
        const till = this.#till(first)
        till.acknowledged(Number(second))
        sellNext(till)
      }
      if (word === 'batch') {
        work = work.then(async () => {
          const receipt = await this.headquarters.take(Buffer.from(first, 'base64'))
          running.tell({ receipt })
        })
        work.catch(() => running.kill())
      }
    })
    running.tell({ start: true })
    const { signal, complaint } = await running.ended
    await work
    if (complaint !== '') throw new Error(`the journal's process (${signal}): ${complaint}`)
  }

  async evidence(): Promise<Evidence> {
    const tills = this.#logs.flatMap(path => readFileSync(path, 'utf8').trimEnd().split('\n'))
    return { tills, rows: await this.headquarters.rows() }
  }

  async close(): Promise<void> {
    for (const till of this.#tills) till.close()
    await this.headquarters.close()
  }

  #till(id: string): Till {
    const till = this.#tills.find(till => till.id === id)
    if (till === undefined) throw new Error(`no till ${id}`)
    return till
  }
}

/** Where the tills write what they saw, a file each. */
export function tillsOf(directory: string): string {
  return join(directory, 'tills')
}
