/** Versions from the one to the other, both included. */
export interface FirmwareRange {
  readonly from: string
  readonly to: string
}

/**
 * Orders versions part by part: numbers as numbers, so 1.10 follows 1.9; letters after numbers; a
 * part that is not there is the least of all, so 1.0 stands before 1.0.1 and 1.0b.
 */
export function compareFirmware(left: string, right: string): number {
  const lefts = partsOf(left)
  const rights = partsOf(right)
  for (let index = 0; index < Math.max(lefts.length, rights.length); index += 1) {
    const order = comparePart(lefts[index], rights[index])
    if (order !== 0) return order
  }
  return 0
}

export function coversFirmware(range: FirmwareRange, version: string): boolean {
  return compareFirmware(range.from, version) <= 0 && compareFirmware(version, range.to) <= 0
}

export function rangesOverlap(left: FirmwareRange, right: FirmwareRange): boolean {
  return compareFirmware(left.from, right.to) <= 0 && compareFirmware(right.from, left.to) <= 0
}

function partsOf(version: string): readonly string[] {
  return version.toLowerCase().match(/\d+|[a-z]+/g) ?? []
}

function comparePart(left: string | undefined, right: string | undefined): number {
  if (left === undefined || right === undefined)
    return Number(left !== undefined) - Number(right !== undefined)
  const numeric = [left, right].map(part => /^\d/.test(part))
  if (numeric[0] && numeric[1]) return Math.sign(Number(left) - Number(right))
  if (numeric[0] !== numeric[1]) return numeric[0] ? -1 : 1
  return left === right ? 0 : left < right ? -1 : 1
}
