/** The checks of other parts of the dictionary that coupons need. */
export interface CouponChecks {
  readonly date: (text: string) => string | undefined
  readonly companyPrefix: (text: string) => string | undefined
}

/** A piece of a coupon; an optional group stands behind its number. */
type Step =
  /** One digit. */
  | { readonly type: 'code'; readonly name: string; readonly allowed: string }
  /** A digit that says how long the value is beyond `base`; 9 says that there is none. */
  | {
      readonly type: 'measured'
      readonly name: string
      readonly allowed: string
      readonly base: number
      readonly isPrefix?: true
    }
  | { readonly type: 'digits'; readonly name: string; readonly count: number }
  | { readonly type: 'date'; readonly name: string; readonly invalid: string }
  | { readonly type: 'group'; readonly number: string; readonly steps: readonly Step[] }

const ANY = '0123456789'

const code = (name: string, allowed: string): Step => ({ type: 'code', name, allowed })
const digits = (name: string, count: number): Step => ({ type: 'digits', name, count })
const group = (number: string, steps: readonly Step[]): Step => ({ type: 'group', number, steps })
const measured = (name: string, allowed: string, base = 0): Step => ({
  type: 'measured',
  name,
  allowed,
  base,
})
const prefix = (name: string, allowed: string): Step => ({
  type: 'measured',
  name,
  allowed,
  base: 6,
  isPrefix: true,
})
const purchase = (which: string): readonly Step[] => [
  measured(`${which} purchase requirement`, '12345'),
  code(`${which} purchase requirement code`, '012349'),
  digits(`${which} purchase family code`, 3),
]

/** AI 8110: North American coupon codes. */
export const COUPON_CODE: readonly Step[] = [
  prefix('gcp', '0123456'),
  digits('offer code', 6),
  measured('save value', '12345'),
  ...purchase('1st'),
  group('1', [
    code('additional purchase rules code', '0123'),
    ...purchase('2nd'),
    prefix('2nd purchase gcp', '01234569'),
  ]),
  group('2', [...purchase('3rd'), prefix('3rd purchase gcp', '01234569')]),
  // The dictionary itself spells it so.
  group('3', [{ type: 'date', name: 'expiration date', invalid: 'exipiration date' }]),
  group('4', [{ type: 'date', name: 'start date', invalid: 'start date' }]),
  group('5', [measured('serial number', ANY, 6)]),
  group('6', [prefix('retailer gcp or gln', '1234567')]),
  group('9', [
    code('save value code', '01256'),
    code('save value applies to item', '012'),
    code('store coupon flag', ANY),
    code('dont multiply flag', '01'),
  ]),
]

/** AI 8112: the same as positive offers. */
export const COUPON_OFFER: readonly Step[] = [
  code('format code', '01'),
  measured('funder', '0123456', 6),
  digits('offer code', 6),
  measured('serial number', ANY, 6),
]

type Outcome = { readonly rest: string } | { readonly fault: string }

/** What is wrong with a coupon's digits, in the words of GS1's dictionary. */
export function lintCoupon(
  text: string,
  coupon: { readonly steps: readonly Step[]; readonly checks: CouponChecks },
): string | undefined {
  const dates = new Map<string, string>()
  const outcome = follow(text, { ...coupon, dates })
  if ('fault' in outcome) return `coupon ${outcome.fault}`
  return outcome.rest === '' ? undefined : 'coupon excess data'
}

interface Following {
  readonly steps: readonly Step[]
  readonly checks: CouponChecks
  readonly dates: Map<string, string>
}

function follow(text: string, { steps, checks, dates }: Following): Outcome {
  let rest = text
  for (const step of steps) {
    if (step.type === 'group' && !rest.startsWith(step.number)) continue
    const outcome =
      step.type === 'group'
        ? follow(rest.slice(1), { steps: step.steps, checks, dates })
        : take(rest, { step, checks, dates })
    if ('fault' in outcome) return outcome
    rest = outcome.rest
  }
  return { rest }
}

function take(
  text: string,
  following: Omit<Following, 'steps'> & { readonly step: Exclude<Step, { type: 'group' }> },
): Outcome {
  const { step, checks, dates } = following
  const { name } = step
  const first = text.charAt(0)
  switch (step.type) {
    case 'code':
      if (first === '') return { fault: `missing ${name}` }
      return step.allowed.includes(first) ? { rest: text.slice(1) } : { fault: `invalid ${name}` }
    case 'digits':
      return text.length < step.count
        ? { fault: `truncated ${name}` }
        : { rest: text.slice(step.count) }
    case 'measured': {
      if (first === '') return { fault: `missing ${name} vli` }
      if (!step.allowed.includes(first)) return { fault: `invalid ${name} length` }
      const isNone = first === '9' && step.isPrefix === true
      const end = isNone ? 1 : 1 + Number(first) + step.base
      if (text.length < end) return { fault: `truncated ${name}` }
      const issue = step.isPrefix && !isNone ? checks.companyPrefix(text.slice(1, end)) : undefined
      return issue === undefined ? { rest: text.slice(end) } : { fault: issue }
    }
    case 'date': {
      const date = text.slice(0, 6)
      if (date.length < 6) return { fault: `too short for ${name}` }
      if (checks.date(date) !== undefined) return { fault: `invalid ${step.invalid}` }
      dates.set(name, date)
      const [start = '', end] = [dates.get('start date'), dates.get('expiration date')]
      return end !== undefined && start > end
        ? { fault: 'expiration before start' }
        : { rest: text.slice(6) }
    }
  }
}
