import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Command } from 'commander'
import { systemClock } from '../../core/clock.js'
import { messageOf } from '../../core/errors.js'
import { loadRegistry } from '../../profile/registry.js'
import { lockDirectory } from '../../simulator/single-instance.js'
import { storePaths } from '../../simulator/store.js'
import type { ProcessState } from '../../simulator/supervised-process.js'
import { Demo, forget } from '../demo.js'
import { EXIT, exitCodeOf } from '../exit-codes.js'
import type { CliIo } from '../io.js'
import { onKeys } from '../keys.js'
import { airlessText, type DemoView, Screen, screenOf, summaryOf } from '../screen.js'
import { stopSignal } from '../stop-signal.js'

const REDRAW_MS = 500
const SUMMARY_MS = 5_000

interface StartOptions {
  readonly data: string
  readonly fresh?: true
}

/** `tillbridge start`: a whole shop and its HQ, simulated, to watch and to break. */
export function startCommand(io: CliIo): Command {
  return new Command('start')
    .description('run a simulated shop and its HQ on this machine, to watch and to break')
    .option('--data <dir>', 'everything it keeps goes here', 'data/demo')
    .option('--fresh', 'forget what an earlier run left there')
    .action(async (options: StartOptions) => {
      const dataDir = resolve(options.data)
      try {
        const lock = await lockDirectory(dataDir)
        if (lock === undefined) {
          io.complain(`another \`tillbridge start\` runs on ${dataDir}; stop it or use --data`)
          io.exit(EXIT.locked)
        }
        if (options.fresh) await forget(dataDir)
        await runDemo(io, dataDir)
        await lock.release()
      } catch (thrown) {
        io.complain(messageOf(thrown))
        io.exit(exitCodeOf(thrown))
      }
      io.exit(EXIT.ok)
    })
}

async function runDemo(io: CliIo, dataDir: string): Promise<void> {
  const registry = await loadRegistry({ extraFolders: [] })
  if (!registry.ok) throw new Error(registry.error.join('\n'))
  const isScreen = process.stdout.isTTY && process.stdin.isTTY
  const quit = new AbortController()
  const signal = AbortSignal.any([
    quit.signal,
    stopSignal({ clock: systemClock, exit: code => io.exit(code) }),
  ])
  const demo = await Demo.start({
    dataDir,
    script: process.argv[1] ?? '',
    env: childEnvironment(io),
    registry: registry.value,
    onChange: (name, state) => {
      if (state.type === 'failed') quit.abort(state.reason)
      if (!isScreen && !signal.aborted) io.print(changeOf(name, state, dataDir))
    },
  })
  const last = isScreen
    ? await watchOnScreen({ demo, signal, quit: () => quit.abort() })
    : await watchInLog({ io, demo, signal, dataDir })
  io.print(farewellOf(last))
  if (typeof quit.signal.reason === 'string')
    throw new Error(`a process did not come up (${quit.signal.reason}):\n${lastWords(dataDir)}`)
}

async function watchOnScreen(options: {
  readonly demo: Demo
  readonly signal: AbortSignal
  readonly quit: () => void
}): Promise<DemoView> {
  const { demo, signal, quit } = options
  const { stdout } = process
  const screen = new Screen({
    write: text => stdout.write(text),
    size: () => ({ columns: stdout.columns, rows: stdout.rows }),
  })
  const release = onKeys({
    l: () => demo.toggleLink(),
    k: () => demo.killGateway(),
    q: quit,
    'ctrl-c': quit,
  })
  try {
    while (!signal.aborted) {
      screen.draw(screenOf(await demo.look()))
      await systemClock.sleep(REDRAW_MS, signal)
    }
    const last = await demo.stop()
    screen.draw(screenOf(last))
    return last
  } finally {
    release()
  }
}

async function watchInLog(options: {
  readonly io: CliIo
  readonly demo: Demo
  readonly signal: AbortSignal
  readonly dataDir: string
}): Promise<DemoView> {
  const { io, demo, signal, dataDir } = options
  const toggle = (): void => {
    demo.toggleLink()
    demo.look().then(
      view => io.print(`link to HQ: ${view.link}`),
      () => undefined, // the next summary says it
    )
  }
  process.on('SIGUSR2', toggle)
  io.print(`everything it keeps is under ${dataDir}`)
  if (demo.airless !== undefined)
    io.print(`terminals on Bluetooth:         ${airlessText(demo.airless)}`)
  io.print(`listen as HQ would:            ${demo.listenCommand}`)
  io.print(`pull or restore the HQ link:   kill -USR2 ${process.pid}`)
  io.print('kill the gateway mid-sale:     kill -9 <its pid, above>')
  io.print(`end:                           kill ${process.pid}`)
  while (!signal.aborted) {
    io.print(summaryOf(await demo.look()))
    await systemClock.sleep(SUMMARY_MS, signal)
  }
  return await demo.stop()
}

/** The demo configures itself by its file alone: an override meant for a real gateway stays out. */
function childEnvironment(io: CliIo): Record<string, string | undefined> {
  const own = Object.entries(io.env).filter(([name]) => !name.startsWith('TILLBRIDGE_'))
  // See the first lines of main.ts.
  return { ...Object.fromEntries(own), UV_THREADPOOL_SIZE: '16' }
}

function changeOf(name: string, state: ProcessState, dataDir: string): string {
  switch (state.type) {
    case 'running':
      return `${name}: running, pid ${state.pid}, log ${storePaths(dataDir).log(name)}`
    case 'restarting':
    case 'failed':
      return `${name}: ${state.reason}`
    case 'stopped':
      return `${name}: stopped`
  }
}

function farewellOf({ check, ledgerRows }: DemoView): string {
  const waiting =
    check.waiting === 0
      ? ''
      : ` In the journal wait ${check.waiting}, which arrive after the next start.`
  const counts = `lost ${check.lost}, doubled ${check.doubled}.${waiting}`
  return `ended: ${check.found} sales in HQ's ledger of ${ledgerRows} records, ${counts}`
}

function lastWords(dataDir: string): string {
  const { log } = storePaths(dataDir)
  return ['hq', 'gateway']
    .map(name => {
      const last = readFileSync(log(name), 'utf8').trim().split('\n').at(-1)
      return `${log(name)}: ${last}`
    })
    .join('\n')
}
