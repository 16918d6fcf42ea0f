/**
 * A scanner's symbology identifier (ISO/IEC 15424): `]`, a letter for the family, a modifier.
 * What it says decides how the rest of the line is read.
 */
export interface AimIdentifier {
  /** Without the bracket: `E0`, `C1`, `Q3`. */
  readonly symbology: string
  /** What the rest is: a GS1 element string, a GTIN of one length, or any text. */
  readonly carries: 'element-string' | 'gtin-13' | 'gtin-8' | 'text'
}

/** GS1 General Specifications §2.7 names these as the carriers of element strings. */
const ELEMENT_STRINGS = new Set(['C1', 'e0', 'd2', 'Q3', 'J1'])

/** The identifier that `symbology` (two characters) is, or undefined where it is none. */
export function aimIdentifier(symbology: string): AimIdentifier | undefined {
  if (!/^[A-Za-z][0-9A-Za-z]$/.test(symbology)) return undefined
  if (ELEMENT_STRINGS.has(symbology)) return { symbology, carries: 'element-string' }
  if (symbology === 'E0') return { symbology, carries: 'gtin-13' }
  if (symbology === 'E4') return { symbology, carries: 'gtin-8' }
  return { symbology, carries: 'text' }
}
