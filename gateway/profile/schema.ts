import { z } from 'zod'
import { compilePattern, groupNames } from '../codec/safe-pattern.js'
import { EVENT_CATALOG, isEventType } from '../event/catalog.js'
import { framingSchema } from '../line/framing/catalog.js'
import { hexBytes } from '../line/framing/framing-field.js'
import { linkSchema } from '../line/link/catalog.js'
import { protocolSchema } from '../protocol/catalog.js'
import { commandsSchema } from './dialect-command.js'
import { documentsSchema } from './dialect-documents.js'
import { decimals } from './field-type.js'
import { layoutSchema } from './layout-schema.js'

const format = z.literal(1).meta({ description: 'format 1, the only one there is', examples: [1] })

const fileName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,39}$/)
  .meta({ description: 'a name of a-z, 0-9 and -, as its file is called', examples: ['mt-sics'] })

const firmware = z
  .string()
  .regex(/^[0-9A-Za-z]+([._-][0-9A-Za-z]+)*$/)
  .max(40)
  .meta({ description: 'a firmware version, in quotes', examples: ['1.0'] })

function holdsFirmware(pattern: string): boolean {
  return compilePattern(pattern).ok && groupNames(pattern).includes('firmware')
}

const words = z.string().min(1).max(400)

/** A field of the message (`receiptNumber`). */
const fieldName = z
  .string()
  .regex(/^[a-z][A-Za-z0-9]*$/)
  .meta({ description: 'the name of a field of this message', examples: ['receiptNumber'] })

const usbId = z
  .string()
  .regex(/^[0-9a-f]{4}$/)
  .meta({ description: 'four hexadecimal digits', examples: ['0403'] })

const identify = z.discriminatedUnion('type', [
  /** These bytes are sent when the line opens; the firmware is a group of what comes back. */
  z.strictObject({
    type: z.literal('query'),
    send: hexBytes,
    /**
     * A regular expression with a group `firmware`, somewhere in the answer (Latin-1). Let it end
     * with what ends the answer: that may come in pieces.
     */
    pattern: z.string().min(1).max(400).refine(holdsFirmware, {
      error: 'expected a bounded pattern with a firmware; write (?<firmware>[0-9.]{1,20})',
    }),
    withinMs: z.int().min(20).max(10_000).default(500),
  }),
  /** A ZVT payment terminal: the software that it states when asked for its status (05 01). */
  z.strictObject({
    type: z.literal('zvt'),
    line: z.enum(['serial', 'tcp']),
    password: z
      .string()
      .regex(/^\d{6}$/, 'expected six digits, in quotes')
      .default('000000'),
    withinMs: z.int().min(20).max(10_000).default(3000),
  }),
  /** On Bluetooth: the firmware revision (2A26) of its Device Information Service. */
  z.strictObject({ type: z.literal('ble') }),
  /** The terminal is its own USB device: its release (bcdDevice 0512) is its firmware, 5.12. */
  z.strictObject({ type: z.literal('usb'), vendorId: usbId, productId: usbId }),
])

/**
 * `<vendor>/<model>.profile.yaml`: what a terminal is, and how each range of its firmware speaks.
 */
export const profileSchema = z.strictObject({
  format,
  vendor: fileName,
  model: fileName,
  name: words,
  kind: z.enum([
    'till',
    'payment-terminal',
    'scanner',
    'scale',
    'vending-machine',
    'cash-acceptor',
    'meter',
    'controller',
    'sensor',
    'display',
    'printer',
  ]),
  /** Where the identity and the ranges come from: manual and page, or repository. */
  source: words,
  firmware: z
    .array(z.strictObject({ from: firmware, to: firmware, dialect: fileName }))
    .min(1)
    .meta({ description: 'closed ranges of firmware that do not overlap' }),
  /**
   * How to learn the firmware where the shop's configuration does not name it: the first that gives
   * one counts. Without an answer frames are kept raw, and nothing is acknowledged.
   */
  identify: z.array(identify).min(1).max(8).exactOptional(),
})

export type Identify = NonNullable<ProfileFile['identify']>[number]

export type ProfileFile = z.infer<typeof profileSchema>

/**
 * A member of an event's data: a constant, `$field`, `-$field` (the number with its sign turned),
 * or text with `${field}` in it. A member whose field has no value is left out. `$index` counts
 * rows.
 */
const scalar = z.union([z.string().max(400), z.number(), z.boolean()])

const member = z.union([
  scalar,
  /** One object for each row of a group. */
  z.strictObject({ each: fieldName, row: z.record(z.string(), scalar) }),
  z.array(z.record(z.string(), scalar)),
  /** The elements of an `element-string` field. */
  z.strictObject({ elementsOf: fieldName }),
  /** Their GTIN, where they hold one. */
  z.strictObject({ gtinOf: fieldName }),
])

export type Scalar = z.infer<typeof scalar>
export type Member = z.infer<typeof member>

const event = z.strictObject({
  type: z.string().refine(isEventType, {
    error: `expected an event type; write one of ${Object.keys(EVENT_CATALOG).join(', ')}`,
  }),
  /**
   * The terminal's own key, from which the event's id is derived, so that a repeat cannot double
   * it: a day or Z-number that the terminal supplies, and a number that does not repeat within
   * it. Without it every message is an event of its own.
   */
  key: z
    .strictObject({ kind: z.string().min(1).max(20), day: fieldName, number: fieldName })
    .exactOptional(),
  subject: fieldName.exactOptional(),
  businessDay: fieldName.exactOptional(),
  /** The terminal's own local time; without it, when the message was captured. */
  time: z.strictObject({ date: fieldName, time: fieldName }).exactOptional(),
  data: z.record(z.string(), member),
})

export type EventMapping = z.infer<typeof event>

/** The sum of a field over the rows of a group must equal the sum of these fields. */
const check = z.strictObject({
  sum: z
    .string()
    .regex(/^[a-z][A-Za-z0-9]*\.[a-z][A-Za-z0-9]*$/)
    .meta({ description: 'a group and its amount field', examples: ['items.amount'] }),
  equals: z.array(fieldName).min(1).max(4),
})

const message = z
  .strictObject({
    name: fileName,
    /** How the message begins; the layout describes what follows. A `pattern` may do without. */
    begins: z.string().min(1).max(40).exactOptional(),
    /** The same, as hexadecimal bytes. */
    beginsHex: z
      .string()
      .regex(/^([0-9a-f]{2}){1,40}$/)
      .exactOptional(),
    layout: layoutSchema,
    checks: z.array(check).max(10).exactOptional(),
    event: event.exactOptional(),
    /** The message is a part of a gathered one: its name. */
    part: fileName.exactOptional(),
    /** The message says nothing to HQ: why. */
    ignore: words.exactOptional(),
    /** The message is understood and is a complaint someone must see: what it means. */
    reject: words.exactOptional(),
  })
  .superRefine((given, context) => {
    const { event, part, ignore, reject } = given
    const meanings = [event, part, ignore, reject].filter(one => one !== undefined)
    if (meanings.length !== 1)
      context.addIssue({
        code: 'custom',
        message:
          'expected what the message means; write one of `event`, `part`, `ignore`, `reject`',
      })
    const starts = [given.begins, given.beginsHex].filter(one => one !== undefined)
    if (starts.length > 1 || (starts.length === 0 && given.layout.type !== 'pattern'))
      context.addIssue({
        code: 'custom',
        message: 'expected how the message begins; write one of `begins`, `beginsHex`',
      })
  })

export type Message = z.infer<typeof message>

/**
 * A message that arrives as several frames, each acknowledged before it is whole: a first part,
 * numbered ones, and a last one. Its fields are those of the first and the last part; each kind of
 * numbered part is a group of rows.
 */
const gathered = z.strictObject({
  name: fileName,
  first: fileName,
  /** The message that makes the rows of each group. */
  rows: z.record(fieldName, fileName),
  last: fileName,
  /** A field of every numbered part that counts them from 1, whatever their kind. */
  number: fieldName,
  /** Fields of all parts whose values must agree (the receipt's number). */
  same: z.array(fieldName).min(1).max(4),
  checks: z.array(check).max(10).exactOptional(),
  event,
})

export type Gathered = z.infer<typeof gathered>

/** What every dialect says, however its messages are described. */
const dialectHead = {
  format,
  vendor: fileName,
  dialect: fileName,
  /** Grows when a message decodes to something else than before. */
  version: z.int().min(1).max(9999),
  source: words,
  line: z.strictObject({
    baudRate: z.int().min(50).max(4_000_000),
    dataBits: z.union([z.literal(7), z.literal(8)]),
    parity: z.enum(['none', 'even', 'odd']),
    stopBits: z.union([z.literal(1), z.literal(2)]),
  }),
  /** Silence after which buffered bytes can no longer become a frame. */
  idleMs: z.int().min(5).max(60_000),
  cardData: z.boolean(),
  /** Written once when the line opens; YAML's double quotes know \r and \n. */
  greeting: z.string().max(200).exactOptional(),
  /** What its terminals can be told to do, by verbs (docs/commands.md). */
  commands: commandsSchema,
  /** How its terminals take documents of HQ (docs/documents.md). */
  documents: documentsSchema,
} as const

/** `<vendor>/<dialect>.dialect.yaml`: the line, the frames, and every message in them. */
export const dialectSchema = z.strictObject({
  ...dialectHead,
  framing: framingSchema,
  link: linkSchema,
  charset: z.enum(['ascii', 'latin1', 'utf8']).exactOptional(),
  /** ISO 4217, or `$field` where each message names its own. */
  currency: z
    .string()
    .regex(/^([A-Z]{3}|\$[a-z][A-Za-z0-9]*)$/)
    .meta({ description: 'an ISO 4217 code, or $ and the field that holds it', examples: ['EUR'] })
    .exactOptional(),
  /** How `decimal` and `amount` fields are written; without it `1234.50`. */
  decimals,
  messages: z.array(message).min(1).max(100),
  gathered: z.array(gathered).min(1).max(20).exactOptional(),
})

export type DialectFile = z.infer<typeof dialectSchema>

/** What one message of a protocol means; one that is not named is rejected. */
const meaning = z
  .strictObject({
    name: fileName,
    event: event.exactOptional(),
    /** The message says nothing to HQ: why. */
    ignore: words.exactOptional(),
    /** The message is understood and is a complaint someone must see: what it means. */
    reject: words.exactOptional(),
  })
  .superRefine(({ event, ignore, reject }, context) => {
    if ([event, ignore, reject].filter(one => one !== undefined).length === 1) return
    const message = 'expected what the message means; write one of `event`, `ignore`, `reject`'
    context.addIssue({ code: 'custom', message })
  })

export type Meaning = z.infer<typeof meaning>

/** The same file for a language of `gateway/protocol/`: it brings frames, fields and link along. */
export const protocolDialectSchema = z.strictObject({
  ...dialectHead,
  protocol: protocolSchema,
  messages: z.array(meaning).min(1).max(100),
})

export type ProtocolDialectFile = z.infer<typeof protocolDialectSchema>

/** What `encode` takes and a case may give. */
export const messageValuesSchema = z.record(
  z.string(),
  z.union([
    z.string(),
    z.number(),
    z.boolean(),
    z.array(z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))),
  ]),
)

const expectation = z.union([
  /**
   * The events it becomes; a member that is not named is not judged, but `data` is compared
   * whole. `rejected`: what the issues beside them must contain; without it there are none.
   */
  z.strictObject({
    rejected: z.string().min(1).exactOptional(),
    events: z
      .array(
        z.strictObject({
          type: z.string(),
          subject: z.string().exactOptional(),
          businessday: z.string().exactOptional(),
          time: z.string().exactOptional(),
          data: z.record(z.string(), z.unknown()),
        }),
      )
      .min(1),
  }),
  /** The message that is known and says nothing. */
  z.strictObject({ ignored: z.string() }),
  /** The part that is kept until its message is whole. */
  z.strictObject({ part: z.string() }),
  /** The message that is dropped for a field that may not be kept. */
  z.strictObject({ sensitive: z.string() }),
  /** Text that the issues must contain, such as the name of message and field. */
  z.strictObject({ rejected: z.string().min(1) }),
  /** The framer throws the bytes away. */
  z.strictObject({ discarded: z.enum(['noise', 'checksum', 'too-long', 'idle']) }),
])

export type Expectation = z.infer<typeof expectation>

const lineBytes = z
  .string()
  .regex(/^([0-9a-f]{2})+$/)
  .meta({ description: 'the bytes on the line in lower-case hexadecimal', examples: ['02'] })

/** `<vendor>/<dialect>.cases.yaml`: bytes as they stand on the line, and what they mean. */
export const casesSchema = z.strictObject({
  format,
  vendor: fileName,
  dialect: fileName,
  /** The shop's time zone, in which terminals print their times. */
  timeZone: z.string(),
  cases: z
    .array(
      z.strictObject({
        name: z
          .string()
          .regex(/^[A-Za-z0-9-]{1,80}$/)
          .meta({ description: 'a name of letters, digits and -', examples: ['sale-by-card'] }),
        /** Who says so: manual and page, repository and file, or `constructed` and from what. */
        source: words,
        direction: z.literal('from-terminal'),
        /** Frames that came before, where this one is a part of a message. */
        before: z.array(lineBytes).min(1).exactOptional(),
        hex: lineBytes,
        expect: expectation,
        /** These values, written by the dialect, give exactly these bytes. */
        encode: z.strictObject({ message: fileName, values: messageValuesSchema }).exactOptional(),
        note: words.exactOptional(),
      }),
    )
    .min(1),
})

export type CasesFile = z.infer<typeof casesSchema>
export type Case = CasesFile['cases'][number]
