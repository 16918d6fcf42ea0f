/** The twelve ASCII characters that ESC R exchanges. */
const EXCHANGED = '#$@[\\]^`{|}~'

/** By the number of ESC R: Epson's international character sets. */
const SETS: readonly string[] = [
  EXCHANGED,
  '#$à°ç§^`éùè¨',
  '#$§ÄÖÜ^`äöüß',
  '£$@[\\]^`{|}~',
  '#$@ÆØÅ^`æøå~',
  '#¤ÉÄÖÅÜéäöåü',
  '#$@°\\é^ùàòèì',
  '₧$@¡Ñ¿^`¨ñ}~',
  '#$@[¥]^`{|}~',
  '#¤ÉÆØÅÜéæøåü',
  '#$ÉÆØÅÜéæøåü',
  '#$á¡Ñ¿é`íñóú',
  '#$á¡Ñ¿éüíñóú',
  '#$@[₩]^`{|}~',
]

/** ASCII as a national set prints it; a set that nobody knows is that of the USA. */
export function inNationalSet(text: string, set: number): string {
  const characters = SETS[set] ?? EXCHANGED
  if (characters === EXCHANGED) return text
  return text.replace(/[#$@[\\\]^`{|}~]/g, sign => characters[EXCHANGED.indexOf(sign)] ?? sign)
}
