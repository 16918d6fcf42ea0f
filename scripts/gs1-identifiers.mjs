// Writes gateway/codec/gs1-dictionary.ts from scripts/gs1-syntax-dictionary.txt, which is GS1's own file
// (gs1/gs1-syntax-dictionary, Apache-2.0), unchanged; with --check it only compares.
import { readFileSync, writeFileSync } from 'node:fs'

const source = new URL('gs1-syntax-dictionary.txt', import.meta.url)
const target = new URL('../gateway/codec/gs1-dictionary.ts', import.meta.url)
const WIDTH = 100
const ENTRY = /^(\d{2,4}(?:-\d{2,4})?)\s+([*?]*)\s*((?:\[?[NXYZ][^\s]*\s+)+)(.*)$/

/** `flags parts @qualifiers` of every entry, and the identifiers that have these alike. */
const alike = new Map()
for (const line of readFileSync(source, 'utf8').split('\n')) {
  if (line.startsWith('#') || line.trim() === '') continue
  const [, identifiers, flags, parts, rest] = ENTRY.exec(`${line} `) ?? []
  if (identifiers === undefined) throw new Error(`not an entry: ${line}`)
  const [attributes] = rest.split('#')
  const key = /\bdlpkey(?:=(\S+))?/.exec(attributes)
  const meaning = [
    flags.includes('*') ? '*' : '',
    parts.trim().replace(/\s+/g, ' '),
    key === null ? '' : `@${key[1] ?? ''}`,
  ]
  const spec = meaning.filter(part => part !== '').join(' ')
  alike.set(spec, [...(alike.get(spec) ?? []), identifiers])
}

const lines = [...alike].flatMap(([spec, identifiers]) => {
  const made = []
  for (const one of identifiers) {
    const last = made.at(-1)
    if (last !== undefined && `${last} ${one}: ${spec}`.length <= WIDTH) made.push(`${made.pop()} ${one}`)
    else made.push(one)
  }
  return made.map(named => `${named}: ${spec}`)
})

const text = `// Written by scripts/gs1-identifiers.mjs from GS1's Barcode Syntax Dictionary; not by hand.

/**
 * The application identifiers as \`identifiers: parts\`. \`*\`: needs no separator behind it. A part is
 * a character set, its length and its checks, in brackets where it may be absent. \`@\`: the primary
 * key of a GS1 Digital Link, and its qualifiers.
 * Copyright (c) 2020-2025 BWIPP project, Zint Project, GS1 AISBL; Apache-2.0.
 */
export const GS1_DICTIONARY = \`
${lines.join('\n')}
\`
`

if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== text) {
    console.error('gs1-dictionary.ts is behind its source: node scripts/gs1-identifiers.mjs')
    process.exit(1)
  }
} else writeFileSync(target, text)
