import { hasValidCheckDigit } from '../codec/check-digit.js'
import { fail, ok, type Result } from '../core/result.js'
import { type Event, type EventOf, parseEvent } from '../event/event.js'
import { type Scrubbed, scrubText } from '../security/pan-scrub.js'
import type { PanSearch } from '../security/pan-search.js'
import type { MessageFields } from './message-fields.js'

export interface CleanEvent {
  /** The same object where nothing had to be hidden. */
  readonly event: Event
  /** Why not even this may be kept. */
  readonly sensitive: Scrubbed<string>['sensitive']
}

/**
 * An event without card numbers, whatever dialect made it. Every text of it is searched, and every
 * number that is long enough. Left alone are, by the member they stand in: numbers of receipts (a
 * tenth of those that begin with the date look like a Mastercard), and goods whose check digit is
 * right. In the events of payment terminals and of dialects with `cardData` nothing is.
 * Fails where a member could not hold what is left: an amount that is a card number, say.
 */
export function scrubEvent(
  event: Event,
  options: { readonly cardData: boolean },
): Result<CleanEvent, string> {
  const scrub = new EventScrub(options.cardData || event.type.startsWith('payment.'))
  const data = event.type === 'code.scanned' ? scrub.scan(event.data) : scrub.member('', event.data)
  const subject = scrub.subject(event.subject)
  const { sensitive } = scrub
  if (!scrub.hasHidden) return ok({ event, sensitive })
  const cleaned = parseEvent({ ...event, ...(subject === undefined ? {} : { subject }), data })
  return cleaned.ok
    ? ok({ event: cleaned.value, sensitive })
    : fail(`what looks like a card number: ${cleaned.error}`)
}

/**
 * The same for fields that will stand in an event, each by the name of the member it will be. What
 * does not fit its field any more is for the caller to refuse.
 */
export function scrubFields(
  fields: MessageFields,
  memberOf: (name: string) => string,
): { readonly fields: Readonly<Record<string, unknown>>; readonly isClean: boolean } {
  const scrub = new EventScrub(Object.values(fields).includes('card'))
  const scrubbed = Object.entries(fields).map(([name, value]) => [
    name,
    scrub.member(memberOf(name), value),
  ])
  const isClean = !scrub.hasHidden && scrub.sensitive === undefined
  return { fields: Object.fromEntries(scrubbed), isClean }
}

/** Members that hold a number of a receipt. */
const RECEIPT_NUMBERS: ReadonlySet<string> = new Set(['receiptNumber', 'refundOf'])
/** Members that name goods; a number there is left alone if it is a GTIN. */
const GOODS: ReadonlySet<string> = new Set(['gtin', 'plu'])
const GTIN_LENGTHS: ReadonlySet<number> = new Set([8, 12, 13, 14])
/** Symbologies of goods: EAN and UPC, ITF-14. */
const RETAIL_CODE = /^[EI]/
/** GS1 elements that are keys with a check digit: SSCC, GTIN, GLN. */
const GS1_KEY = /^(0[0-2]|41[0-7])$/
/** In place of a key: a character of no code (Unicode's private use), and no digit. */
const cut = (at: number): string => String.fromCharCode(0xe000 + at)
/** Shorter numbers, in digits, are no card's. */
const CARD_MAGNITUDE = 1e11

class EventScrub {
  readonly #isAboutCards: boolean
  /** What was left alone in the data may stand as the subject, too. */
  readonly #leftAlone = new Set<string>()
  #hidden = 0
  sensitive: CleanEvent['sensitive']

  constructor(isAboutCards: boolean) {
    this.#isAboutCards = isAboutCards
  }

  get hasHidden(): boolean {
    return this.#hidden > 0
  }

  subject(subject: string | undefined): string | undefined {
    if (subject === undefined || this.#leftAlone.has(subject)) return subject
    return this.#text(subject, { runs: 'whole', isAboutCards: this.#isAboutCards })
  }

  member(name: string, value: unknown, isAboutCards = this.#isAboutCards): unknown {
    if (typeof value === 'string') return this.#named(name, value, isAboutCards)
    if (typeof value === 'number') return this.#number(value)
    if (Array.isArray(value)) return value.map(item => this.member(name, item, isAboutCards))
    if (typeof value !== 'object' || value === null) return value
    const isCardTender = 'type' in value && value.type === 'card'
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [
        key,
        this.member(key, item, isAboutCards || isCardTender),
      ]),
    )
  }

  /** Keys of GS1 are cut out of the text first; a card number may still be a run of elements. */
  scan(data: EventOf<'code.scanned'>['data']): unknown {
    const { text, symbology = '', gtin, elements = {}, ...others } = data
    const whole = { runs: 'whole', isAboutCards: this.#isAboutCards } as const
    const goods = gtin === undefined ? {} : { gtin: this.#named('gtin', gtin, false) }
    if (RETAIL_CODE.test(symbology) && this.#goods(text)) return { ...data, ...goods }
    const keys = Object.entries(elements).filter(isGs1Key)
    const apart = keys.reduce((rest, key, at) => rest.replaceAll(key.join(''), cut(at)), text)
    let kept = this.#text(apart, whole)
    for (const [identifier, value] of Object.entries(elements)) {
      if (isGs1Key([identifier, value])) continue
      const shown = this.#text(value, whole)
      if (shown !== value) kept = kept.replaceAll(value, shown)
    }
    if (kept === apart) {
      this.#leftAlone.add(text)
      return { ...data, ...goods }
    }
    const uncut = keys.reduce((rest, key, at) => rest.replaceAll(cut(at), key.join('')), kept)
    return {
      ...others,
      ...(symbology === '' ? {} : { symbology }),
      ...goods,
      text: uncut,
      elements: Object.fromEntries(keys),
    }
  }

  #named(name: string, value: string, isAboutCards: boolean): string {
    if (GOODS.has(name) && !isAboutCards && this.#goods(value)) return value
    const isReceiptNumber = RECEIPT_NUMBERS.has(name) && !isAboutCards
    const kept = this.#text(value, { runs: isReceiptNumber ? 'none' : 'whole', isAboutCards })
    if (isReceiptNumber) this.#leftAlone.add(kept)
    return kept
  }

  /** Whether it is a GTIN. */
  #goods(value: string): boolean {
    const isGtin = GTIN_LENGTHS.has(value.length) && hasValidCheckDigit(value)
    if (isGtin) this.#leftAlone.add(value)
    return isGtin
  }

  /** A card number read as an amount becomes text, which no schema of an amount takes. */
  #number(value: number): unknown {
    if (Math.abs(value) < CARD_MAGNITUDE) return value
    const before = this.#hidden
    const text = this.#text(String(Math.abs(value)), { runs: 'whole', isAboutCards: false })
    return this.#hidden === before ? value : text
  }

  #text(text: string, search: PanSearch): string {
    const { value, hidden, sensitive } = scrubText(text, search)
    this.#hidden += hidden
    this.sensitive ??= sensitive
    return value
  }
}

function isGs1Key([identifier, value]: readonly [string, string]): boolean {
  return GS1_KEY.test(identifier) && hasValidCheckDigit(value)
}
