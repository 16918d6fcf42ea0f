import t, { type Test } from 'tap'
import { type Clock, systemClock } from '../../gateway/core/clock.js'
import { type Database, openDatabase } from '../../gateway/core/database.js'
import { type Mirror, MirroredDatabase } from '../../gateway/journal/mirrored-database.js'
import { FaultyDatabase } from '../support/faulty-database.js'

/** A second medium that is as slow, and fails, as the test says. */
class TestMirror implements Mirror {
  readonly payloads: Uint8Array[] = []
  #gate: Promise<void> = Promise.resolve()
  #failure: Error | undefined

  async append(payload: Uint8Array): Promise<void> {
    await this.#gate
    if (this.#failure !== undefined) throw this.#failure
    this.payloads.push(payload)
  }

  async close(): Promise<void> {
    await this.#gate
  }

  /** Writes wait until the function that it gives is called. */
  hold(): () => void {
    let open = (): void => undefined
    this.#gate = new Promise(resolve => {
      open = resolve
    })
    return open
  }

  fail(): void {
    this.#failure = new Error('EIO: i/o error, write')
  }
}

/** Time limits pass a hundred times as fast. */
const HASTY: Clock = { ...systemClock, after: (ms, call) => systemClock.after(ms / 100, call) }

async function mirrored(
  t: Test,
  options: { readonly clock?: Clock; readonly through?: (database: Database) => Database } = {},
): Promise<{ database: MirroredDatabase; mirror: TestMirror; lost: string[] }> {
  const opened = await openDatabase(t.testdir())
  if (!opened.ok) throw new Error(opened.error.message)
  const mirror = new TestMirror()
  const lost: string[] = []
  const database = new MirroredDatabase({
    first: options.through?.(opened.value) ?? opened.value,
    clock: options.clock ?? systemClock,
    resume: async () => mirror,
    onLost: (_, reason) => lost.push(reason),
  })
  await database.begin()
  t.teardown(() => database.close())
  return { database, mirror, lost }
}

function put(database: Database, name: string): Promise<void> {
  const operation = { type: 'put', key: Buffer.from(name), value: Buffer.from(name) } as const
  return database.batch([operation], { sync: true })
}

async function isPending(work: Promise<unknown>): Promise<boolean> {
  const waited = systemClock.sleep(50).then(() => true)
  return Promise.race([work.then(() => false), waited])
}

t.test('a synced write resolves when it is durable on both', async t => {
  const { database, mirror, lost } = await mirrored(t)
  const release = mirror.hold()
  const written = put(database, 'one')
  t.ok(await isPending(written), 'the first medium alone is not enough')
  t.same(await database.get(Buffer.from('one')), Buffer.from('one'))
  release()
  await written
  t.equal(mirror.payloads.length, 1)
  t.same(lost, [])
})

t.test('a second medium that fails is let go of, and the write that met it is good', async t => {
  const { database, mirror, lost } = await mirrored(t)
  mirror.fail()
  await put(database, 'one')
  await put(database, 'two')
  t.same(lost, ['EIO: i/o error, write'], 'said once')
  t.notOk(database.isMirroredIn(mirror))
})

t.test('a second medium that hangs holds a sale up for two seconds, and no other', async t => {
  const { database, mirror, lost } = await mirrored(t, { clock: HASTY })
  const release = mirror.hold()
  await put(database, 'one')
  t.same(lost, ['it took no write for 2 s'])
  await put(database, 'two')
  await database.close()
  await database.open()
  t.notOk(database.isMirroredIn(mirror), 'not written on while an older write may yet arrive')
  release()
})

t.test('what the first medium refuses is refused, whatever the second one has', async t => {
  let faulty: FaultyDatabase | undefined
  const { database, mirror, lost } = await mirrored(t, {
    through: first => {
      faulty = new FaultyDatabase(first)
      return faulty
    },
  })
  faulty?.failWrite({ in: 1 })
  await t.rejects(put(database, 'one'), /No space left/)
  t.equal(mirror.payloads.length, 1)
  t.same(lost, [])
})

t.test('who follows misses no write that was under way when the snapshot was taken', async t => {
  const { database, mirror } = await mirrored(t)
  await database.release(mirror)
  await put(database, 'before')
  const writes = Array.from({ length: 50 }, (_, index) => put(database, `under-way-${index}`))
  const follower = new TestMirror()
  const entries = database.follow(follower)
  await Promise.all([...writes, put(database, 'after')])
  const seen: string[] = []
  for await (const [key] of entries) seen.push(Buffer.from(key).toString())
  const followed = follower.payloads.map(payload => Buffer.from(payload).toString('latin1'))
  t.ok(seen.includes('before'))
  for (let index = 0; index < 50; index += 1) {
    const name = `under-way-${index}`
    const isThere = seen.includes(name) || followed.some(payload => payload.endsWith(name))
    if (!isThere) t.fail(`${name} is nowhere`)
  }
  t.ok(followed.some(payload => payload.endsWith('after')))
  t.notOk(seen.includes('after'))
  t.ok(database.attach(follower))
  t.ok(database.isMirroredIn(follower))
})
