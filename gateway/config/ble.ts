import { z } from 'zod'

/** Full, or the four digits of one of the Bluetooth SIG. */
const uuid = z
  .string()
  .regex(/^([0-9a-f]{4}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i)
  .meta({ description: 'a UUID, or four digits of it', examples: ['181D'] })

const number = z
  .string()
  .regex(/^[0-9A-F]{4}$/)
  .meta({ description: 'four hexadecimal digits in quotes', examples: ["'2A9D'"] })

const NORDIC_UART = {
  service: '6e400001-b5a3-f393-e0a9-e50e24dcca9e',
  notify: '6e400003-b5a3-f393-e0a9-e50e24dcca9e',
  write: '6e400002-b5a3-f393-e0a9-e50e24dcca9e',
} as const

/** A terminal on Bluetooth Low Energy: which it is, how it is bonded with, and what is read. */
export const bleLine = z
  .strictObject({
    address: z
      .string()
      .regex(/^([0-9A-F]{2}:){5}[0-9A-F]{2}$/i)
      .meta({ description: 'the address of a device', examples: ['AA:BB:CC:DD:EE:FF'] })
      .exactOptional(),
    /** `*` stands for any characters. */
    name: z.string().min(1).max(60).exactOptional(),
    /** It advertises this service. */
    service: uuid.exactOptional(),
    /** Only a device that is bonded with. */
    bonded: z.literal(true).exactOptional(),
    pairing: z
      .union([
        z.enum(['none', 'just-works']),
        z.strictObject({ passkey: z.int().min(0).max(999_999) }),
      ])
      .default('none'),
    /** A serial line over a pair of characteristics; the Nordic UART where nothing is said. */
    serial: z.strictObject({ service: uuid, notify: uuid, write: uuid }).exactOptional(),
    /** Values of the Bluetooth SIG, by their numbers. */
    characteristics: z.array(number).min(1).max(20).exactOptional(),
    /** What does not tell its changes is read so often. */
    readEveryMs: z.int().min(1000).max(3_600_000).default(60_000),
    /** Only what it advertises is read. */
    advertisement: z.literal(true).exactOptional(),
    /** Of a BTHome sensor that encrypts. A secret, as the file is that it stands in. */
    key: z
      .string()
      .regex(/^[0-9a-f]{32}$/i)
      .meta({ description: 'a key of 32 hexadecimal digits in quotes' })
      .exactOptional(),
    /** Silence after which it is lost; 5 minutes for one that only advertises. */
    silentAfterMs: z.int().min(1000).max(86_400_000).exactOptional(),
  })
  .superRefine(({ address, name, service, bonded, key, ...content }, context) => {
    if ([address, name, service, bonded].every(one => one === undefined)) {
      const message = 'expected which device it is; write one of address, name, service, bonded'
      context.addIssue({ code: 'custom', path: [], message })
    }
    const { serial, characteristics, advertisement } = content
    if (key !== undefined && (address === undefined || advertisement === undefined)) {
      const message = 'expected the one sensor that has this key; write address and advertisement'
      context.addIssue({ code: 'custom', path: ['key'], message })
    }
    if ([serial, characteristics, advertisement].filter(one => one !== undefined).length < 2) return
    const message = 'expected one of serial, characteristics, advertisement; write one of them'
    context.addIssue({ code: 'custom', path: [], message })
  })
  .transform(({ serial, ...line }) => ({ ...line, serial: serial ?? NORDIC_UART }))

export type BleLine = z.infer<typeof bleLine>

/** The adapter that all terminals on Bluetooth share. */
export const bluetooth = z.strictObject({
  /** The first one that is there where it is left out. */
  adapter: z
    .string()
    .regex(/^hci\d$/)
    .meta({ description: 'an adapter as BlueZ names it', examples: ['hci0'] })
    .exactOptional(),
  /** Terminals connected at once; a controller has room for seven, some for fewer. */
  connections: z.int().min(1).max(20).default(5),
})

/** Two lines of the same are one device. */
export function bleAddress({ address, name, service }: BleLine): string {
  return `ble ${[address?.toUpperCase(), name, service].filter(Boolean).join(' ') || 'bonded'}`
}
