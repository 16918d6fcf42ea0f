import { get, type IncomingMessage } from 'node:http'
import { z } from 'zod'
import { parseJson, parseWith } from '../core/schema.js'

const QUERY_TIMEOUT_MS = 5_000

const position = z.object({ position: z.int() })

/** Follows the ledger of a running `tillbridge hq` through its query socket. */
export class LedgerFeed {
  readonly #socketPath: string
  #after: number

  /** `after`: the position behind which it begins. */
  constructor(options: { readonly socketPath: string; readonly after?: number }) {
    this.#socketPath = options.socketPath
    this.#after = options.after ?? 0
  }

  /** Of the last row that was read. */
  get position(): number {
    return this.#after
  }

  /**
   * The export lines of rows committed since the last call. A query that breaks off half way gives
   * the whole lines it got. @throws Error while HQ is not there.
   */
  async read(): Promise<string[]> {
    const response = await this.#request()
    response.setEncoding('utf8')
    let text = ''
    try {
      for await (const chunk of response) text += chunk
    } catch {
      // HQ went away meanwhile: what came whole counts, the rest comes next time.
    }
    const lines = text
      .slice(0, text.lastIndexOf('\n') + 1)
      .split('\n')
      .slice(0, -1)
    for (const line of lines) this.#advance(line)
    return lines
  }

  #request(): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const path = `/rows?after=${this.#after}`
      const options = { socketPath: this.#socketPath, path, timeout: QUERY_TIMEOUT_MS }
      const request = get(options, resolve)
      request.on('timeout', () => request.destroy(new Error('HQ does not answer')))
      request.on('error', reject)
    })
  }

  #advance(line: string): void {
    const json = parseJson(line)
    const row = json.ok ? parseWith(position, json.value) : json
    if (!row.ok) throw new SyntaxError(`not a ledger row: ${line.slice(0, 80)}`)
    this.#after = row.value.position
  }
}
