import { systemClock } from '../../core/clock.js'
import { LIMITS } from '../../core/limits.js'
import { checkDisk } from '../../diagnostics/machine/disk.js'
import { checkHeadquarters } from '../../diagnostics/machine/headquarters.js'
import { checkWallClock } from '../../diagnostics/machine/wall-clock.js'
import { checkWear } from '../../diagnostics/machine/wear.js'
import { reportPorts } from '../../diagnostics/port-report.js'
import { redacted } from '../../diagnostics/redact.js'
import { type ArchivedFile, tarGz } from '../../diagnostics/tar.js'
import { type GatewayVerb, gatewayVerb } from '../../downlink/gateway-verb.js'
import { type Diagnosed, DONE, machineOf, noArguments } from './diagnosed.js'
import { journalReport } from './journal-question.js'
import { versionsOf } from './questions.js'
import { reportTerminals } from './terminal-report.js'

/** One archive of all that somebody far away may want to look at, and of no secret. */
export function bundleVerb(diagnosed: Diagnosed): GatewayVerb {
  return gatewayVerb({
    name: 'bundle',
    changes: false,
    arguments: noArguments,
    run: async (_, { emit }) => {
      const archive = await tarGz(await filesOf(diagnosed), systemClock.wallMs())
      for (let at = 0; at < archive.length; at += LIMITS.answerChunkBytes)
        await emit(archive.subarray(at, at + LIMITS.answerChunkBytes))
      return DONE
    },
  })
}

async function filesOf(diagnosed: Diagnosed): Promise<readonly ArchivedFile[]> {
  const { shop, captures } = diagnosed
  const machine = machineOf(shop)
  const ports = await reportPorts(shop.config)
  const checks = [checkDisk, checkWear, checkWallClock, checkHeadquarters]
  const findings = (await Promise.all(checks.map(check => check(machine)))).flat()
  const json = (name: string, value: unknown): ArchivedFile => ({
    name: `${name}.json`,
    content: `${JSON.stringify(value, null, 2)}\n`,
  })
  return [
    json('versions', versionsOf(diagnosed)),
    json('config', redacted(shop.config)),
    json('status', diagnosed.status()),
    json('terminals', await reportTerminals(diagnosed, ports)),
    json('ports', ports),
    json('machine', findings),
    json('journal', journalReport(diagnosed)),
    { name: 'log.ndjson', content: `${shop.instruments.logs.last(Infinity).join('\n')}\n` },
    ...[...captures].map(([terminal, content]) => ({
      name: `captures/${terminal}.ndjson`,
      content,
    })),
  ]
}
