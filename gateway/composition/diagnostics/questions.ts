import { arch, platform, release, uptime } from 'node:os'
import { z } from 'zod'
import { rfc3339, systemClock } from '../../core/clock.js'
import { checkBluetooth } from '../../diagnostics/machine/bluetooth.js'
import type { Finding } from '../../diagnostics/machine/check.js'
import { checkDisk } from '../../diagnostics/machine/disk.js'
import { checkHeadquarters } from '../../diagnostics/machine/headquarters.js'
import { measureReach } from '../../diagnostics/machine/reach.js'
import { reportLines } from '../../diagnostics/machine/report.js'
import { checkWallClock } from '../../diagnostics/machine/wall-clock.js'
import { checkWear } from '../../diagnostics/machine/wear.js'
import { type PortReport, reportPorts } from '../../diagnostics/port-report.js'
import type { GatewayVerb } from '../../downlink/gateway-verb.js'
import { parseBrokerUrl } from '../../mqtt/broker-url.js'
import type { AnswerPart } from '../../wire/answer-part.js'
import type { StoreStatus } from '../../wire/status.js'
import { type Diagnosed, machineOf, noArguments, question, unknownTerminal } from './diagnosed.js'
import { reportTerminals, terminalText } from './terminal-report.js'

const REACH_TRIES = 10

/** Questions that are answered at once, from what is known or from a look at the machine. */
export function questions(diagnosed: Diagnosed): readonly GatewayVerb[] {
  const of = (name: string, answer: (signal: AbortSignal) => Promise<AnswerPart>): GatewayVerb =>
    question({ name, arguments: noArguments, answer: (_, { signal }) => answer(signal) })
  const machine = machineOf(diagnosed.shop)
  return [
    of('status', () => statusAnswer(diagnosed)),
    question({
      name: 'terminals',
      arguments: z.strictObject({ terminal: z.string().exactOptional() }),
      answer: async ({ terminal }) => {
        const all = await reportTerminals(diagnosed)
        const asked = all.filter(({ status }) => [undefined, status.terminal].includes(terminal))
        if (terminal !== undefined && asked.length === 0)
          return unknownTerminal(diagnosed, terminal)
        return { text: asked.flatMap(terminalText), data: asked }
      },
    }),
    of('ports', async () => {
      const ports = await reportPorts(diagnosed.shop.config)
      return { text: ports.flatMap(portText), data: ports }
    }),
    of('ble', () => bleAnswer(diagnosed)),
    of('network', signal => networkAnswer(diagnosed, signal)),
    of('clock', () => clockAnswer(diagnosed)),
    of('disk', async () => {
      const findings = [...(await checkDisk(machine)), ...(await checkWear(machine))]
      const { journal } = diagnosed.status()
      return { text: [...reportLines(findings), journalText(journal)], data: { findings, journal } }
    }),
  ]
}

/** What runs here. */
export function versionsOf({ shop }: Diagnosed) {
  return {
    software: shop.software,
    startedAt: shop.startedAt,
    node: process.version,
    system: `${platform()} ${release()} ${arch()}`,
    uptimeHours: Math.floor(uptime() / 3600),
    memoryBytes: process.memoryUsage.rss(),
  }
}

async function statusAnswer(diagnosed: Diagnosed): Promise<AnswerPart> {
  const status = diagnosed.status()
  const versions = versionsOf(diagnosed)
  const terminals = await reportTerminals(diagnosed)
  const { uplink, journal, alarms, copies, clock, retention } = status
  const because = (reason: string | undefined): string =>
    reason === undefined ? '' : `: ${reason}`
  const text = [
    `${status.store}  tillbridge ${versions.software}, Node ${versions.node}, ${versions.system}`,
    `started ${versions.startedAt}, ${Math.round(versions.memoryBytes / 2 ** 20)} MiB`,
    `HQ       ${uplink.state}${because(uplink.reason)}; confirmed records kept by ${retention}`,
    `journal  ${journalText(journal)}`,
    `copies   ${copies.state}${because(copies.reason)}`,
    `clock    ${clock}`,
    ...openText(status.commands?.open ?? []),
    ...alarms.map(({ alarm, since, reason }) => `alarm    ${alarm} since ${since}: ${reason}`),
    ...terminals.flatMap(terminalText),
  ]
  return { text, data: { status, versions, terminals } }
}

/** Money that is not through, and how it is resolved where nobody knows what came of it. */
function openText(open: NonNullable<StoreStatus['commands']>['open']): readonly string[] {
  return open.map(({ id, target, verb, since, amountMinor = '', state }) => {
    const end = state === 'unknown' ? `unknown; payment-resolve intent=${id}` : 'at work'
    return `money    ${verb} ${amountMinor} of ${target} since ${since}: ${end}`
  })
}

function journalText(journal: ReturnType<Diagnosed['status']>['journal']): string {
  const { records, backlog, oldestUnconfirmed, bytes, quotaBytes, autonomyHours } = journal
  const oldest = oldestUnconfirmed === undefined ? '' : `, the oldest of ${oldestUnconfirmed}`
  const lasts = autonomyHours === undefined ? '' : `, room for ${autonomyHours} h`
  const mib = (count: number): number => Math.round(count / 2 ** 20)
  const room = `${mib(bytes)} of ${mib(quotaBytes)} MiB${lasts}`
  return `${records} records, ${backlog} unconfirmed${oldest}; ${room}`
}

function portText(port: PortReport): readonly string[] {
  const { path, isThere, driver, usbPlace, product, usb, byId, usedBy, rs485, holders } = port
  const { uart } = port
  const device = usb === undefined ? '' : `USB ${usb.vendorId}:${usb.productId} `
  const openIn = holders.map(({ pid, name }) => `${pid} (${holderName(pid, name)})`)
  const facts = [
    ...(byId === undefined ? [] : [byId]),
    ...(usb === undefined ? [] : [`${device}${product ?? ''} at ${usbPlace ?? '?'}`]),
    ...(driver === undefined ? [] : [`driver ${driver}`]),
    `RS-485 ${rs485 ?? 'off'}`,
    ...(uart === undefined
      ? []
      : [
          `its UART: ${uart.framingErrors} framing, ${uart.parityErrors} parity errors, ` +
            `${uart.overruns} overruns, ${uart.breaks} breaks in ${uart.heardBytes} bytes`,
        ]),
    `used by ${usedBy.join(', ') || 'nobody'}`,
    `open in ${openIn.join(', ') || 'no process'}`,
  ]
  return [`${path}${isThere ? '' : '  NOT THERE'}`, ...facts.map(fact => `    ${fact}`)]
}

function holderName(pid: number, name: string): string {
  return pid === process.pid ? `${name}, this gateway` : name
}

async function bleAnswer(diagnosed: Diagnosed): Promise<AnswerPart> {
  const findings = await checkBluetooth(machineOf(diagnosed.shop))
  const { terminals } = diagnosed.status()
  const radio = diagnosed.spoken.flatMap(({ terminal: { id, line } }) =>
    line.type === 'ble' ? terminals.filter(({ terminal }) => terminal === id) : [],
  )
  const lines = radio.map(({ terminal, state, reason = '', address, rssiDbm }) => {
    const strength = rssiDbm === undefined ? 'not heard' : `${rssiDbm} dBm`
    return `${terminal}  ${state}  ${address}  ${strength}  ${reason}`.trimEnd()
  })
  return { text: [...reportLines(findings), ...lines], data: { findings, terminals: radio } }
}

async function networkAnswer(diagnosed: Diagnosed, signal: AbortSignal): Promise<AnswerPart> {
  const { shop } = diagnosed
  const findings = await checkHeadquarters(machineOf(shop))
  const { host, port } = parseBrokerUrl(shop.config.hq.url)
  const startMs = systemClock.monotonicMs()
  const reach = await measureReach({ host, port, tries: REACH_TRIES, clock: systemClock, signal })
  const { uplink } = diagnosed.status()
  const { tries, failed, leastMs, meanMs, mostMs } = reach
  const times = meanMs === undefined ? '' : `; ${leastMs} / ${meanMs} / ${mostMs} ms`
  const text = [
    ...reportLines(findings),
    `${tries} connections to ${host}:${port}, ${failed} failed${times}`,
    `MQTT ${uplink.state}${uplink.reason === undefined ? '' : `: ${uplink.reason}`}`,
  ]
  const tookMs = Math.round(systemClock.monotonicMs() - startMs)
  return { text, data: { findings, reach, uplink, tookMs } }
}

async function clockAnswer({ shop, clockWatch }: Diagnosed): Promise<AnswerPart> {
  const findings: readonly Finding[] = await checkWallClock(machineOf(shop))
  const { latest: correction } = clockWatch
  const now = rfc3339(systemClock.wallMs(), shop.config.timeZone)
  const corrected =
    correction === undefined
      ? 'never corrected since the start'
      : `corrected by ${correction.offsetMs} ms at ${correction.time} (${correction.cause})`
  const text = [...reportLines(findings), corrected]
  return { text, data: { now, state: shop.clockState(), findings, correction: correction ?? null } }
}
