import { formatAmount } from '../core/money.js'
import { type ComparedSum, isEqual } from '../wire/statement-check.js'

type Side = ComparedSum['stated']

/**
 * A table of sums: what was stated beside what is held, a mark on each line that differs; or what
 * is held alone.
 */
export function* sumLines(
  sums: readonly ComparedSum[],
  names: { readonly stated?: string; readonly held: string },
): Generator<string> {
  const isCompared = names.stated !== undefined
  const sides = [names.stated, names.held].flatMap(name => (name === undefined ? [] : [name, '']))
  const head = ['day', 'terminal', 'type', 'of', '', ...sides]
  const rows = sums.map(sum => {
    const { day, terminal, type, mark, method, currency = '' } = sum
    const of = [mark, method].filter(word => word !== undefined).join(' ')
    const stated = isCompared ? sideOf(sum.stated, currency) : []
    const cells = [day, terminal, type, of, currency, ...stated, ...sideOf(sum.held, currency)]
    return { cells, mark: isCompared && !isEqual(sum) ? '  differs' : '' }
  })
  const table = [head, ...rows.map(({ cells }) => cells)]
  const widths = head.map((_, column) =>
    Math.max(...table.map(cells => (cells[column] ?? '').length)),
  )
  const lineOf = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => {
        const width = widths[column] ?? 0
        return column < 5 ? cell.padEnd(width) : cell.padStart(width)
      })
      .join('  ')
  yield lineOf(head).trimEnd()
  for (const { cells, mark } of rows) yield `${lineOf(cells)}${mark}`.trimEnd()
}

function sideOf(side: Side, currency: string): readonly [count: string, amount: string] {
  if (side === undefined) return ['-', '-']
  const { count, sumMinor } = side
  return [String(count), sumMinor === undefined ? '' : formatAmount(sumMinor, currency)]
}

/** Sums of several statements as one: what all of them say of a day. */
export function addSums(all: readonly ComparedSum[]): readonly ComparedSum[] {
  const sums = new Map<string, ComparedSum>()
  for (const sum of all) {
    const { stated, held, ...about } = sum
    const key = JSON.stringify(about)
    const before = sums.get(key)
    const both = {
      ...withSide('stated', add(before?.stated, stated)),
      ...withSide('held', add(before?.held, held)),
    }
    sums.set(key, { ...about, ...both })
  }
  return [...sums.values()]
}

function add(one: Side, other: Side): Side {
  if (one === undefined || other === undefined) return one ?? other
  const count = one.count + other.count
  if (one.sumMinor === undefined && other.sumMinor === undefined) return { count }
  return { count, sumMinor: (one.sumMinor ?? 0) + (other.sumMinor ?? 0) }
}

function withSide(name: 'stated' | 'held', side: Side) {
  return side === undefined ? {} : { [name]: side }
}
