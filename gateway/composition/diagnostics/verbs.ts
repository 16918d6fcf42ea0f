import type { GatewayVerb } from '../../downlink/gateway-verb.js'
import { bundleVerb } from './bundle.js'
import { captureVerb } from './capture.js'
import { changingVerbs } from './changes.js'
import type { Diagnosed } from './diagnosed.js'
import { journalQuestion } from './journal-question.js'
import { logsVerb } from './logs.js'
import { pingQuestion } from './ping.js'
import { questions } from './questions.js'

/** What HQ's technician may ask this gateway (docs/diagnostics.md). */
export function diagnosticVerbs(rooms: Omit<Diagnosed, 'captures'>): readonly GatewayVerb[] {
  const diagnosed: Diagnosed = { ...rooms, captures: new Map() }
  return [
    ...questions(diagnosed),
    journalQuestion(diagnosed),
    pingQuestion(diagnosed),
    captureVerb(diagnosed),
    logsVerb(diagnosed),
    bundleVerb(diagnosed),
    ...changingVerbs(diagnosed),
  ]
}
