import { z } from 'zod'
import type { CommandsFile } from './dialect-command.js'

const way = z.strictObject({
  /** One of `commands`: each line of the document is one. */
  command: z.string(),
  /** Between the columns of a line. */
  separator: z.string().length(1).default(';'),
  /** Lines before the first one that counts. */
  headerLines: z.int().min(0).max(10).default(0),
  /** Which column stands for which argument, counted from 0. */
  values: z.record(z.string(), z.int().min(0).max(99)),
  /** Whether a line may be told twice, as a price may; else one is left in doubt by a crash. */
  repeatable: z.boolean().default(false),
})

/** `documents` of a dialect: how its terminals take those of HQ, by their kinds. */
export const documentsSchema = z
  .strictObject({
    prices: way.exactOptional(),
    stock: way.exactOptional(),
    messages: way.exactOptional(),
  })
  .default({})

type DocumentsFile = z.output<typeof documentsSchema>
type DocumentWay = z.output<typeof way>

export type DialectDocuments = ReadonlyMap<string, DocumentWay>

export const NO_DOCUMENTS: DialectDocuments = new Map()

export function documentsOf(file: DocumentsFile): DialectDocuments {
  return new Map(
    Object.entries(file).flatMap(([kind, each]) => (each === undefined ? [] : [[kind, each]])),
  )
}

/** A line moves no money, and fills the command that it is. */
export function checkDocuments(
  dialect: { readonly documents: DocumentsFile; readonly commands: CommandsFile },
  refuse: (path: readonly string[], message: string) => void,
): void {
  const names = Object.entries(dialect.commands).flatMap(([verb, { money }]) =>
    money ? [] : [verb],
  )
  for (const [kind, { command, values }] of documentsOf(dialect.documents)) {
    const declared = dialect.commands[command]
    if (declared === undefined || declared.money) {
      const choices = names.join(', ') || 'a new one under `commands`'
      const text = `expected a command that moves no money; write one of ${choices}`
      refuse(['documents', kind, 'command'], text)
      continue
    }
    for (const [name, { optional }] of Object.entries(declared.arguments))
      if (optional !== true && values[name] === undefined)
        refuse(['documents', kind, 'values'], `expected a column for ${name}; write \`${name}: 0\``)
    for (const name of Object.keys(values))
      if (declared.arguments[name] === undefined) {
        const choices = Object.keys(declared.arguments).join(', ') || 'none'
        const text = `expected an argument of ${command}; write one of ${choices}`
        refuse(['documents', kind, 'values', name], text)
      }
  }
}
