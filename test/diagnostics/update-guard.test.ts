import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { LIMITS } from '../../gateway/core/limits.js'
import { silentLogger } from '../../gateway/core/log.js'
import type { UpdateHold } from '../../gateway/core/update-lock.js'
import { UpdateGuard } from '../../gateway/diagnostics/update-guard.js'
import { steppedClock } from '../support/stepped-clock.js'

function guarded() {
  const { clock, step } = steppedClock()
  const world = {
    answer: 'held' as UpdateHold,
    isHeld: false,
    isSupervisors: false,
    isQuiet: true,
    reasons: [] as string[],
  }
  const alarms = new Map<string, string>()
  const guard = new UpdateGuard({
    lock: {
      get isSupervisors() {
        return world.isSupervisors
      },
      take: () => {
        world.isHeld = world.answer === 'held'
        return world.answer
      },
      release: () => {
        world.isHeld = false
      },
    },
    isQuiet: () => world.isQuiet,
    reasons: () => world.reasons,
    alarms: {
      raise: (name, text) => void alarms.set(name, text),
      clear: name => void alarms.delete(name),
    },
    clock,
    logger: silentLogger,
  })
  const stop = new AbortController()
  const done = guard.run(stop.signal)
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 1_000) {
      step(Math.min(left, 1_000))
      await turn()
    }
  }
  const end = async (): Promise<void> => {
    stop.abort()
    await pass(1_000)
    await done
  }
  return { guard, world, alarms, pass, end }
}

t.test('held from before the first step until the last is made', async t => {
  const { guard, world, end } = guarded()
  t.notOk(world.isHeld)
  const one = guard.hold('payment a')
  t.equal(one.hold, 'held')
  t.ok(world.isHeld)
  const other = guard.hold('payment b')
  one.release()
  t.ok(world.isHeld, 'as long as one is under way')
  t.strictSame(guard.heldFor, ['payment b'])
  other.release()
  t.notOk(world.isHeld)
  await end()
})

t.test('held while the shop is in the middle of something', async t => {
  const { world, pass, end } = guarded()
  world.reasons = ['undelivered']
  await pass(1_000)
  t.ok(world.isHeld)
  world.reasons = []
  await pass(1_000)
  t.notOk(world.isHeld)
  world.reasons = ['undelivered']
  await pass(1_000)
  await end()
  t.notOk(world.isHeld, 'nor by one that has ended')
})

t.test('what stands for too long rings, and keeps no update away any more', async t => {
  const { guard, world, alarms, pass, end } = guarded()
  const { release } = guard.hold('payment a')
  await pass(LIMITS.updateHeldMs - 1_000)
  t.ok(world.isHeld)
  await pass(2_000)
  t.notOk(world.isHeld)
  t.strictSame([...alarms], [['update-held', 'payment a']])
  const other = guard.hold('payment b')
  t.ok(world.isHeld, 'another reason has its own time')
  other.release()
  release()
  await pass(1_000)
  t.strictSame([...alarms], [])
  await end()
})

t.test('outside the quiet hours it is held, and nothing rings', async t => {
  const { guard, world, alarms, pass, end } = guarded()
  world.isQuiet = false
  await pass(LIMITS.updateHeldMs + 2_000)
  t.ok(world.isHeld)
  t.strictSame([[...alarms], guard.heldFor], [[], []])
  world.isQuiet = true
  await pass(1_000)
  t.notOk(world.isHeld)
  await end()
})

t.test('the supervisor is about to stop us', async t => {
  const { guard, world, end } = guarded()
  world.answer = 'closing'
  const { hold, release } = guard.hold('payment a')
  t.equal(hold, 'closing')
  release()
  await end()
})

t.test('once an update is announced terminals are told to wait, for a minute at most', async t => {
  const { guard, world, pass, end } = guarded()
  t.notOk(guard.isClosing)
  world.isSupervisors = true
  await pass(1_000)
  t.ok(guard.isClosing)
  await pass(LIMITS.closingMs - 1_000)
  t.ok(guard.isClosing)
  await pass(2_000)
  t.notOk(guard.isClosing, 'it was not stopped: the shop sells on')
  world.isSupervisors = false
  await pass(1_000)
  world.isSupervisors = true
  await pass(1_000)
  t.ok(guard.isClosing, 'another one')
  world.isSupervisors = false
  await pass(1_000)
  t.notOk(guard.isClosing)
  await end()
})
