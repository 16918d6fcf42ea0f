/** An amount of disk: in bytes, or as a share (0 to 1) of the whole disk. */
export type DiskSize = { readonly bytes: number } | { readonly share: number }

const UNITS = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 } as const

const SIZE = /^(\d{1,6}(?:\.\d{1,3})?) ?(KiB|MiB|GiB|TiB|%)$/

/** `2GiB`, `512 MiB`, `80%`; nothing where the text is no such size. */
export function parseDiskSize(text: string): DiskSize | undefined {
  const [, number, unit] = SIZE.exec(text) ?? []
  const amount = Number(number)
  if (unit === '%') return amount <= 100 ? { share: amount / 100 } : undefined
  return isUnit(unit) ? { bytes: Math.floor(amount * UNITS[unit]) } : undefined
}

export function bytesOfDisk(size: DiskSize, diskBytes: number): number {
  return 'bytes' in size ? size.bytes : Math.floor(size.share * diskBytes)
}

function isUnit(text: string | undefined): text is keyof typeof UNITS {
  return text !== undefined && Object.hasOwn(UNITS, text)
}
