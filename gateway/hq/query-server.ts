import { chmod, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { messageOf, TillbridgeError } from '../core/errors.js'
import type { Logger } from '../core/log.js'
import { ok, type Result } from '../core/result.js'
import { decodeJson } from '../core/schema.js'
import { answerAudit, auditQuestion } from './audit-desk.js'
import type { HqStatus } from './hq-server.js'
import type { Ledger, LedgerRow } from './ledger.js'
import { answerDesk, deskQuestion } from './ledger-desk.js'
import { answerTracking, trackingQuestion } from './tracking-desk.js'

/** Rows read from the ledger at a time while an export runs. */
const PAGE_ROWS = 500
const QUESTION_BYTES = 4096
/** `sun_path` of Linux without its final zero; unix(7). A longer one would be cut silently. */
const SOCKET_PATH_BYTES = 107

/**
 * A row as one line of an export: the event exactly as it is stored, so that whoever reads it can
 * recompute the chain without this program.
 */
export function encodeRow(row: LedgerRow): string {
  const { position, store, kind, historical, recordedMs, hash, header } = row
  const event = row.event === undefined ? null : Buffer.from(row.event).toString('utf8')
  const { epoch, seq } = header
  return JSON.stringify({
    position,
    store,
    epoch,
    seq,
    kind,
    historical,
    recordedMs,
    hash,
    header,
    event,
  })
}

/** Every row after a position as NDJSON lines, oldest first. */
export async function* exportRows(
  ledger: Pick<Ledger, 'rows'>,
  after: number,
): AsyncGenerator<string> {
  for (let position = after; ; ) {
    const rows = await ledger.rows(position, PAGE_ROWS)
    for (const row of rows) yield `${encodeRow(row)}\n`
    const last = rows.at(-1)
    if (last === undefined) return
    position = last.position
  }
}

/**
 * Questions to a running HQ, over a unix socket that only its user can open: `GET /rows?after=N`
 * answers with NDJSON, `POST /desk` takes a `DeskQuestion`, `POST /audit` an `AuditQuestion`, `POST
 * /track` a `TrackingQuestion`. The ledger itself is locked by its process.
 */
export class QueryServer {
  readonly #ledger: Ledger
  readonly #path: string
  readonly #logger: Logger
  readonly #status: () => HqStatus
  #server: Server | undefined

  constructor(options: {
    readonly ledger: Ledger
    readonly path: string
    readonly logger: Logger
    readonly status: () => HqStatus
  }) {
    this.#ledger = options.ledger
    this.#status = options.status
    this.#path = options.path
    this.#logger = options.logger
  }

  /**
   * The ledger's lock proves that no other HQ lives here, so a socket left over is removed.
   * @throws TillbridgeError TB_QUERY_SOCKET
   */
  async start(): Promise<void> {
    const bytes = Buffer.byteLength(this.#path)
    if (bytes > SOCKET_PATH_BYTES)
      throw new TillbridgeError(
        'TB_QUERY_SOCKET',
        `${this.#path}: ${bytes} bytes, a socket's path has ${SOCKET_PATH_BYTES} at most`,
      )
    try {
      await this.#listen()
      await chmod(this.#path, 0o600)
    } catch (thrown) {
      await this.stop()
      throw new TillbridgeError('TB_QUERY_SOCKET', `${this.#path}: ${messageOf(thrown)}`)
    }
  }

  async #listen(): Promise<void> {
    await rm(this.#path, { force: true })
    const server = createServer((request, response) => {
      this.#answer(request, response).catch(thrown => {
        this.#logger.warn({ reason: messageOf(thrown) }, 'a query failed')
        response.destroy()
      })
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(this.#path, resolve)
    })
    this.#server = server
  }

  async stop(): Promise<void> {
    const server = this.#server
    if (server === undefined) return
    server.closeAllConnections()
    await new Promise<void>(resolve => server.close(() => resolve()))
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://hq')
    const after = Number(url.searchParams.get('after') ?? '0')
    const asked = `${request.method} ${url.pathname}`
    if (asked === 'POST /desk')
      return answerJson(request, response, question => this.#askDesk(question))
    if (asked === 'POST /audit')
      return answerJson(request, response, question => this.#audit(question))
    if (asked === 'POST /track')
      return answerJson(request, response, question => this.#track(question))
    if (asked === 'GET /rows' && Number.isSafeInteger(after) && after >= 0)
      return this.#answerRows(after, response)
    response.writeHead(404).end('GET /rows?after=N, POST /desk, /audit or /track\n')
  }

  async #answerRows(after: number, response: ServerResponse): Promise<void> {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' })
    for await (const line of exportRows(this.#ledger, after)) {
      if (response.destroyed) return
      if (!response.write(line)) await drained(response)
    }
    response.end()
  }

  async #askDesk(body: Uint8Array): Promise<Result<object, string>> {
    const question = decodeJson(deskQuestion, body)
    if (!question.ok) return question
    return ok({ ...(await answerDesk(this.#ledger, question.value)), server: this.#status() })
  }

  async #audit(body: Uint8Array): Promise<Result<object, string>> {
    const question = decodeJson(auditQuestion, body)
    if (!question.ok) return question
    const { value } = question
    if (value.ask === 'trust-key') await this.#ledger.trustKey(value.store, value.publicKey)
    return ok(await answerAudit(this.#ledger, value))
  }

  async #track(body: Uint8Array): Promise<Result<object, string>> {
    const question = decodeJson(trackingQuestion, body)
    return question.ok ? ok(await answerTracking(this.#ledger, question.value)) : question
  }
}

/** `answer` fails where it was asked no question, and throws what kept it from answering one. */
async function answerJson(
  request: IncomingMessage,
  response: ServerResponse,
  answer: (body: Uint8Array) => Promise<Result<object, string>>,
): Promise<void> {
  const say = (status: number, body: object): void => {
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(body))
  }
  try {
    const answered = await answer(await bodyOf(request))
    if (answered.ok) return say(200, answered.value)
    say(400, { code: 'TB_INTERNAL', message: answered.error })
  } catch (thrown) {
    if (!(thrown instanceof TillbridgeError)) throw thrown
    say(409, { code: thrown.code, message: thrown.message })
  }
}

/** @throws Error where it is longer than any question */
async function bodyOf(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of request) {
    bytes += chunk.length
    if (bytes > QUESTION_BYTES) throw new Error(`a question of more than ${QUESTION_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

async function drained(response: ServerResponse): Promise<void> {
  await new Promise<void>(resolve => {
    const settle = (): void => {
      response.off('drain', settle).off('close', settle)
      resolve()
    }
    response.once('drain', settle).once('close', settle)
  })
}
