/** One structure of an advertisement: its type, and what follows. */
export interface AdStructure {
  readonly type: number
  readonly data: Uint8Array
}

const MANUFACTURER_DATA = 0xff

/**
 * The structures behind each other (Core Specification, part C, 11); one that ends beyond the
 * advertisement, and what follows it, is left out.
 */
export function adStructures(bytes: Uint8Array): readonly AdStructure[] {
  const structures: AdStructure[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = bytes[at] ?? 0
    const end = at + 1 + length
    if (length === 0 || end > bytes.length) break
    structures.push({ type: bytes[at + 1] ?? 0, data: bytes.subarray(at + 2, end) })
    at = end
  }
  return structures
}

/** What a manufacturer says, behind the number of its company. */
export function manufacturerData(
  structures: readonly AdStructure[],
  company: number,
): Uint8Array | undefined {
  return structures
    .find(
      ({ type, data }) =>
        type === MANUFACTURER_DATA && (data[0] ?? 0) + 256 * (data[1] ?? 0) === company,
    )
    ?.data.subarray(2)
}
