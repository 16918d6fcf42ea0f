import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import {
  accessSync,
  chownSync,
  constants,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { until } from './until.js'

const run = promisify(execFile)
const SUPERUSER = 'tillbridge'
/** The one user that has to know its password. */
export const LOCKED = { user: 'locked', password: 'pa ss/w%rd?&#' } as const

/** A cluster of its own in a temporary directory, on a unix socket and no port. */
export interface Postgres {
  /** Of a database that is made where there is none; the same name gives the same one. */
  url(
    name: string,
    options?: { readonly user?: string; readonly template?: string },
  ): Promise<string>
  /** One statement, or several, as the superuser. */
  query<Row extends object>(url: string, sql: string): Promise<readonly Row[]>
  /** A session that stays open, as the superuser. */
  session(url: string): Promise<Client>
  /** pg_dump, pg_restore …, on the cluster. */
  tool(program: string, args: readonly string[]): Promise<string>
  /** As a power cut leaves it; `start` brings it back. */
  kill(): Promise<void>
  start(): Promise<void>
  /** Every process of the server stands still, as on a machine that hangs, until `thaw`. */
  freeze(): void
  thaw(): void
  stop(): Promise<void>
  readonly pid: number | undefined
  /** Whom its files belong to. */
  readonly uid: number
}

/** Where Debian keeps initdb and postgres, newest version first; then the path. */
function folders(): readonly string[] {
  const root = '/usr/lib/postgresql'
  let versions: string[] = []
  try {
    versions = readdirSync(root).sort((left, right) => Number(right) - Number(left))
  } catch {
    // Another system: its programs are on the path.
  }
  const { PATH = '' } = process.env
  return [...versions.map(version => join(root, version, 'bin')), ...PATH.split(delimiter)]
}

function find(program: string): string {
  for (const folder of folders())
    try {
      const path = join(folder, program)
      accessSync(path, constants.X_OK)
      return path
    } catch {
      // Not there.
    }
  throw new Error(`${program} is not installed: apt-get install postgresql`)
}

/** The real PostgreSQL of the system, which refuses to run as root: then as `postgres`. */
export async function startPostgres(
  options: { readonly settings?: readonly string[] } = {},
): Promise<Postgres> {
  const directory = mkdtempSync(join(tmpdir(), 'tillbridge-postgres-'))
  const isRoot = process.getuid?.() === 0
  // Where this process is killed, the server must not stay behind.
  const asUser = ['--pdeathsig=QUIT']
  const uid = isRoot ? Number((await run('id', ['--user', 'postgres'])).stdout) : undefined
  if (uid !== undefined) {
    chownSync(directory, uid, -1)
    asUser.push('--reuid=postgres', '--regid=postgres', '--init-groups')
  }
  const data = join(directory, 'data')
  const env = { ...process.env, LC_ALL: 'C.UTF-8', PGHOST: directory, PGUSER: SUPERUSER }
  const as = (program: string, args: readonly string[]) =>
    run('setpriv', [...asUser, find(program), ...args], { cwd: directory, env })
  await as('initdb', [
    `--pgdata=${data}`,
    `--username=${SUPERUSER}`,
    '--auth=trust',
    '--encoding=UTF8',
    '--no-sync',
  ])
  const access = `local all ${LOCKED.user} scram-sha-256\nlocal all all trust\n`
  writeFileSync(join(data, 'pg_hba.conf'), access)
  const server = new Server({ directory, data, asUser, settings: options.settings ?? [], env })
  await server.start()
  const databases = new Map<string, Promise<void>>()
  const urlOf = (database: string, user = SUPERUSER): string =>
    `postgres:///${database}?host=${encodeURIComponent(directory)}&user=${user}`
  return {
    url: async (name, { user, template = 'template1' } = {}) => {
      const database = `t_${createHash('sha256').update(name).digest('hex').slice(0, 20)}`
      const made =
        databases.get(database) ??
        query(urlOf('postgres'), `CREATE DATABASE ${database} TEMPLATE ${template}`)
      databases.set(
        database,
        Promise.resolve(made).then(() => undefined),
      )
      await made
      return urlOf(database, user)
    },
    query,
    session: async url => {
      const client = new Client({ connectionString: url })
      await client.connect()
      return client
    },
    tool: async (program, args) =>
      (await run(find(program), [...args], { cwd: directory, env })).stdout,
    kill: () => server.end('SIGQUIT'),
    start: () => server.start(),
    freeze: () => server.signalAll('SIGSTOP'),
    thaw: () => server.signalAll('SIGCONT'),
    uid: uid ?? process.getuid?.() ?? 0,
    stop: async () => {
      await server.end('SIGQUIT')
      rmSync(directory, { recursive: true, force: true })
    },
    get pid() {
      return server.pid
    },
  }
}

async function query<Row extends object>(url: string, sql: string): Promise<readonly Row[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<Row>(sql)
    return rows
  } finally {
    await client.end()
  }
}

class Server {
  readonly #options: {
    readonly directory: string
    readonly data: string
    readonly asUser: readonly string[]
    readonly settings: readonly string[]
    readonly env: NodeJS.ProcessEnv
  }
  #child: ChildProcess | undefined

  constructor(options: Server['options']) {
    this.#options = options
  }

  get options() {
    return this.#options
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  async start(): Promise<void> {
    const { directory, data, asUser, settings, env } = this.#options
    const all = ['listen_addresses=', `unix_socket_directories=${directory}`, ...settings]
    const flags = all.flatMap(setting => ['-c', setting])
    const child = spawn('setpriv', [...asUser, find('postgres'), '-D', data, ...flags], {
      cwd: directory,
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#child = child
    let said = ''
    child.stderr.on('data', chunk => {
      said = `${said}${chunk}`.slice(-4000)
    })
    await until('PostgreSQL answers', async () => {
      if (child.exitCode !== null) throw new Error(`PostgreSQL ended: ${said}`)
      return await query(
        `postgres:///postgres?host=${encodeURIComponent(directory)}&user=${SUPERUSER}`,
        'SELECT 1',
      ).then(
        () => true,
        () => false,
      )
    })
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    this.signalAll('SIGCONT')
    child.kill(signal)
    await exited
  }

  signalAll(signal: NodeJS.Signals): void {
    const { pid } = this
    if (pid === undefined) return
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    const all = [String(pid), ...children.split(' ').filter(text => text !== '')]
    for (const each of all) signalTo(Number(each), signal)
  }
}

function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // One that has ended meanwhile.
  }
}
