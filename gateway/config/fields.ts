import { z } from 'zod'
import { type DiskSize, parseDiskSize } from '../core/disk-size.js'
import { isStoreId, isTerminalId, STORE_ID_RULE, storeId, terminalId } from '../core/ids.js'

/** Where something listens or is reached. */
export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** Ids that topics and sources give a meaning of their own. */
const RESERVED_TERMINALS = ['gateway', 'hq']

/** A custom check's message must say it all: what was expected, and what to write. */
const advice = (expected: string, write: string): string =>
  `expected ${expected}; write \`${write}\``

export const storeName = z
  .string()
  .refine(isStoreId, {
    error: advice(`a store id: ${STORE_ID_RULE}`, 'store-001'),
  })
  .meta({ description: 'the id of this shop', examples: ['store-001'] })
  .transform(storeId)

export const terminalName = z
  .string()
  .refine(text => isTerminalId(text) && !RESERVED_TERMINALS.includes(text), {
    error: advice(
      `a terminal id: 1 to 40 of a-z, 0-9 and -, but not ${RESERVED_TERMINALS.join(' or ')}`,
      'register-1',
    ),
  })
  .meta({ description: 'the id of this terminal', examples: ['register-1'] })
  .transform(terminalId)

export const timeZone = z
  .string()
  .refine(isTimeZone, {
    error: advice('a time zone by its IANA name', 'Europe/Berlin'),
  })
  .meta({ description: 'a time zone by its IANA name', examples: ['Europe/Berlin'] })

function isTimeZone(name: string): boolean {
  try {
    // Node 22 also takes offsets (+01:00), which know no daylight saving time.
    new Intl.DateTimeFormat('en-US', { timeZone: name })
    return /^[A-Za-z]/.test(name)
  } catch {
    // The one thing that fails here: a name that the time zone database lacks.
    return false
  }
}

/** Relative to the folder of the configuration file, until it is loaded. */
export const path = z
  .string()
  .min(1)
  .meta({ description: 'the path of a file or folder', examples: ['./ca.pem'] })

export const diskSize = z
  .string()
  .refine(text => parseDiskSize(text) !== undefined, {
    error: advice('a size with its unit (KiB, MiB, GiB, TiB) or a share of the disk', '2GiB'),
  })
  .meta({ description: 'a size or a share of the disk', examples: ['2GiB'] })
  // What did not parse was refused above.
  .transform((text): DiskSize => parseDiskSize(text) ?? { bytes: 0 })

export const portNumber = z
  .int()
  .min(1)
  .max(65_535)
  .meta({ description: 'a port from 1 to 65535', examples: [9100] })

/** From a moment until the same one would be never, not always. */
const HOURS = /^(?!(.{5})-\1$)([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/

/** `02:00-05:00`, in the shop's time; `22:00-05:00` goes over midnight. */
export const hours = z
  .string()
  .regex(HOURS)
  .meta({ description: 'hours of the day, from and until', examples: ["'02:00-05:00'"] })

export const host = z
  .string()
  .regex(/^[^\s/:]+$|^[0-9a-f:.]+$/i)
  .meta({ description: 'a host name or address', examples: ['192.168.1.20'] })

const ENDPOINT = /^(?:\[([0-9a-f:.]+)\]|([^\s:/[\]]+)):(\d{1,5})$/i

/** `127.0.0.1:1883`, `[::1]:1883` */
export const endpoint = z
  .string()
  .refine(text => Number(ENDPOINT.exec(text)?.[3] ?? Number.NaN) <= 65_535, {
    error: advice('an address and a port up to 65535', '127.0.0.1:1883'),
  })
  .meta({ description: 'an address and a port', examples: ['127.0.0.1:1883'] })
  .transform((text): Endpoint => {
    const [, ipv6, name = '', port] = ENDPOINT.exec(text) ?? []
    return { host: ipv6 ?? name, port: Number(port) }
  })

/** Without user name and password: what stands in an address ends up in logs. */
export const brokerUrl = z
  .string()
  .regex(/^mqtts?:\/\/(?:\[[0-9a-f:.]+\]|[^\s/:@[\]]+)(?::\d{1,5})?\/?$/i)
  .meta({
    description: "HQ's broker as mqtts://host:port or mqtt://host:port, with nothing else in it",
    examples: ['mqtts://hq.example:8883'],
  })

/** A topic to publish on: MQTT 3.1.1 §4.7.1 and §4.7.2 leave it no wildcard and no `$`. */
export const topic = z
  .string()
  .regex(/^[^$+#\0][^+#\0]*$/)
  .max(200)
  .meta({ description: 'a topic of MQTT, without wildcards', examples: ['shop/till-1/sale'] })

/** MQTT 3.1.1 §4.7.1: `+` and `#` stand alone in their level, `#` only in the last. */
export const topicFilter = z
  .string()
  .regex(/^(?:(?:\+|[^+#/]*)\/)*(?:\+|#|[^+#/]*)$/)
  .min(1)
  .meta({ description: 'a topic filter of MQTT', examples: ['tillbridge/1/+/events/#'] })

/** 32 bytes of an Ed25519 key, as `tillbridge keys show` prints them. */
export const publicKey = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .meta({
    description: 'a public key of HQ, 64 hexadecimal digits',
    examples: [`'${'0123456789abcdef'.repeat(4)}'`],
  })
