import { TillbridgeError } from '../../core/errors.js'
import { isLineFailure } from './line-error.js'
import { portsNamed, readPortName } from './port-name.js'
import type { SerialPortInfo } from './serial-port-list.js'
import type { Connection, Transport } from './transport.js'

/**
 * A serial port by what its USB adapter says of itself: found anew each time it is opened, wherever
 * it is plugged in by then. Where several adapters say the same, the terminal behind each is asked;
 * one that cannot be asked is not guessed.
 */
export class NamedPort implements Transport {
  readonly #name: string
  readonly #list: () => Promise<readonly SerialPortInfo[]>
  readonly #open: (path: string) => Transport
  readonly #recognise: ((connection: Connection) => Promise<Connection | undefined>) | undefined
  #found: string | undefined

  constructor(options: {
    readonly name: string
    readonly list: () => Promise<readonly SerialPortInfo[]>
    readonly open: (path: string) => Transport
    /** The connection with all that was heard on it, where its terminal is the right one. */
    readonly recognise: ((connection: Connection) => Promise<Connection | undefined>) | undefined
  }) {
    this.#name = options.name
    this.#list = options.list
    this.#open = options.open
    this.#recognise = options.recognise
  }

  get address(): string {
    return this.#found === undefined ? this.#name : `${this.#name} ${this.#found}`
  }

  async connect(signal: AbortSignal): Promise<Connection> {
    const name = readPortName(this.#name)
    const ports = name === undefined ? [] : portsNamed(name, await this.#list())
    const [only, ...others] = ports
    if (only === undefined) throw this.#unavailable('no such adapter is plugged in')
    if (others.length === 0) return this.#connect(only.path, signal)
    const recognise = this.#recognise
    if (recognise === undefined) {
      const places = ports.map(({ byPath, path }) => byPath ?? path).join(', ')
      throw this.#unavailable(`${ports.length} adapters are called so; write one of ${places}`)
    }
    for (const { path } of ports) {
      const connection = await this.#tried(path, signal)
      const known = connection && (await this.#asked(connection, recognise))
      if (known !== undefined) return known
    }
    throw this.#unavailable(`none of ${ports.length} such adapters has this terminal behind it`)
  }

  async #connect(path: string, signal: AbortSignal): Promise<Connection> {
    this.#found = path
    return this.#open(path).connect(signal)
  }

  /** Another session may have it, with another terminal behind it. */
  async #tried(path: string, signal: AbortSignal): Promise<Connection | undefined> {
    try {
      return await this.#connect(path, signal)
    } catch (thrown) {
      if (isLineFailure(thrown) && !signal.aborted) return undefined
      throw thrown
    }
  }

  async #asked(
    connection: Connection,
    recognise: (connection: Connection) => Promise<Connection | undefined>,
  ): Promise<Connection | undefined> {
    try {
      const known = await recognise(connection)
      if (known === undefined) await connection.close()
      return known
    } catch (thrown) {
      await connection.close()
      if (isLineFailure(thrown)) return undefined
      throw thrown
    }
  }

  #unavailable(reason: string): TillbridgeError {
    this.#found = undefined
    return new TillbridgeError('TB_LINE_UNAVAILABLE', `${this.#name}: ${reason}`)
  }
}
