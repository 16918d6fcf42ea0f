import { z } from 'zod'
import { ok, type Result } from '../core/result.js'
import { brokerClient } from './broker.js'
import { loadYamlFile } from './yaml-file.js'

const hqClients = z.strictObject({ clients: z.array(brokerClient).max(10_000) })

/** Who may use the broker that `tillbridge hq --listen` brings along, and for what. */
export type HqClients = z.infer<typeof hqClients>['clients']

/** As `loadYamlFile`. */
export function loadHqClients(file: string): Result<HqClients, readonly string[]> {
  const loaded = loadYamlFile(file, hqClients)
  return loaded.ok ? ok(loaded.value.clients) : loaded
}
