import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { messageOf, TillbridgeError } from '../core/errors.js'
import type { Health } from './health.js'

const LOOPBACK = '127.0.0.1'

/** Answers Prometheus and whoever asks for health, on the loopback alone. */
export class MetricsServer {
  readonly #port: number
  readonly #metrics: () => Promise<{ readonly type: string; readonly text: string }>
  readonly #health: () => Health
  readonly #server: Server

  constructor(options: {
    readonly port: number
    readonly metrics: () => Promise<{ readonly type: string; readonly text: string }>
    readonly health: () => Health
  }) {
    this.#port = options.port
    this.#metrics = options.metrics
    this.#health = options.health
    this.#server = createServer((request, response) => {
      this.#answer(request.url ?? '', response).catch(thrown => {
        response.writeHead(500).end(messageOf(thrown))
      })
    })
  }

  /** @throws TillbridgeError TB_METRICS_LISTEN */
  async start(): Promise<void> {
    try {
      await once(this.#server.listen(this.#port, LOOPBACK), 'listening')
    } catch (thrown) {
      const reason = `${LOOPBACK}:${this.#port}: ${messageOf(thrown)}`
      throw new TillbridgeError('TB_METRICS_LISTEN', reason, { cause: thrown })
    }
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }

  async #answer(path: string, response: ServerResponse): Promise<void> {
    if (path === '/metrics') {
      const { type, text } = await this.#metrics()
      response.writeHead(200, { 'content-type': type }).end(text)
    } else if (path === '/healthz') {
      const health = this.#health()
      const status = health.state === 'well' ? 200 : 503
      const text = JSON.stringify(health)
      response.writeHead(status, { 'content-type': 'application/json' }).end(`${text}\n`)
    } else response.writeHead(404).end('here are /metrics and /healthz\n')
  }
}
