import type { Dialect } from '../profile/dialect.js'

/** What a scale shows just now. */
export interface Display {
  readonly state: 'empty' | 'moving' | 'goods'
  readonly grams: number
}

interface ScaleModel {
  readonly profile: string
  readonly firmware: string
  /** What it is asked, and its answer. */
  readonly replies: readonly {
    readonly request: Uint8Array
    readonly reply: (dialect: Dialect, display: Display) => Uint8Array
  }[]
  /** What it says by itself each time something was weighed. */
  readonly interjection?: (dialect: Dialect) => Uint8Array
}

const GTIN_13 = '2112345678900'

/** Scales that answer when they are asked. */
export const SCALE_MODELS = {
  toledo: {
    profile: 'mettler-toledo/toledo-8217',
    firmware: '1.0',
    replies: [{ request: Buffer.from('W'), reply: toledoReply }],
  },
  cas: {
    profile: 'cas/tedc1',
    firmware: '1.0',
    replies: [
      { request: Uint8Array.of(0x05), reply: () => Uint8Array.of(0x06) },
      { request: Uint8Array.of(0x11), reply: casReply },
    ],
  },
  magellan: {
    profile: 'datalogic/magellan',
    firmware: '1.0',
    replies: [{ request: Buffer.from('S14\r'), reply: magellanReply }],
    interjection: dialect => dialect.encode('article', { symbology: 'EAN-13', data: GTIN_13 }),
  },
} as const satisfies Readonly<Record<string, ScaleModel>>

export type ScaleModelName = keyof typeof SCALE_MODELS

export function isScaleModelName(text: string): text is ScaleModelName {
  return Object.hasOwn(SCALE_MODELS, text)
}

export function scaleModel(name: ScaleModelName): ScaleModel {
  return SCALE_MODELS[name]
}

function toledoReply(dialect: Dialect, { state, grams }: Display): Uint8Array {
  if (state === 'goods') return dialect.encode('weight', { weight: kilograms(grams) })
  return dialect.encode('status', state === 'moving' ? { motion: true } : { zero: true })
}

function casReply(dialect: Dialect, { state, grams }: Display): Uint8Array {
  const weight = kilograms(grams)
  return state === 'goods'
    ? dialect.encode('weight', { weight })
    : dialect.encode('status', { weight, motion: state === 'moving' })
}

/** The built-in profile counts hundredths of a pound. */
function magellanReply(dialect: Dialect, { state, grams }: Display): Uint8Array {
  if (state === 'goods')
    return dialect.encode('weight', { digits: String(grams % 10_000).padStart(4, '0') })
  return dialect.encode('status', { state: state === 'moving' ? 'motion' : 'zero' })
}

function kilograms(grams: number): string {
  return (grams / 1000).toFixed(3).padStart(6, '0')
}
