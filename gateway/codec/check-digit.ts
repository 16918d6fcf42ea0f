/**
 * Whether the last digit is the check digit of those before it (GS1 General Specifications §7.9.1:
 * weights 3, 1, 3 … from the right, to the next ten).
 */
export function hasValidCheckDigit(digits: string): boolean {
  if (!/^\d{2,}$/.test(digits)) return false
  const sum = [...digits]
    .reverse()
    .reduce((total, digit, index) => total + Number(digit) * (index % 2 === 0 ? 1 : 3), 0)
  return sum % 10 === 0
}
