import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { messageOf } from '../core/errors.js'
import { fail, ok, type Result } from '../core/result.js'
import { parseYaml, validateYaml } from '../core/yaml-source.js'
import { brokerClient } from './broker.js'

const hqClients = z.strictObject({ clients: z.array(brokerClient).max(10_000) })

/** Who may use the broker that `tillbridge hq --listen` brings along, and for what. */
export type HqClients = z.infer<typeof hqClients>['clients']

/** Failures are lines for the operator: where, what was expected, what to write instead. */
export function loadHqClients(file: string): Result<HqClients, readonly string[]> {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (thrown) {
    return fail([`${file}:1:1: expected a readable file (${messageOf(thrown)}); write its path`])
  }
  const source = parseYaml({ file, text })
  if (!source.ok) return source
  const { value } = source.value
  const clients = validateYaml({ source: source.value, value, schema: hqClients })
  return clients.ok ? ok(clients.value.clients) : clients
}
