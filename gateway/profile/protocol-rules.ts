import { createProtocol } from '../protocol/catalog.js'
import { checkDocuments } from './dialect-documents.js'
import { checkEvent, refuseRepeats } from './event-rules.js'
import { protocolDialectSchema } from './schema.js'

/** A dialect of a protocol: it speaks of messages and fields that the protocol has. */
export const protocolDialectFileSchema = protocolDialectSchema.superRefine((dialect, context) => {
  const refuse = (path: readonly (string | number)[], message: string): void =>
    context.addIssue({ code: 'custom', path: ['messages', ...path], message })
  checkDocuments(dialect, (path, message) =>
    context.addIssue({ code: 'custom', path: [...path], message }),
  )
  const { messages } = createProtocol(dialect.protocol)
  const names = messages.map(({ name }) => name)
  refuseRepeats(
    dialect.messages.map(({ name }) => name),
    (index, name) => refuse([index, 'name'], `expected another name than ${name}; write a new one`),
  )
  for (const [index, { name, event }] of dialect.messages.entries()) {
    const outline = messages.find(one => one.name === name)
    if (outline === undefined)
      refuse(
        [index, 'name'],
        `expected a message of the protocol; write one of ${names.join(', ')}`,
      )
    else if (event !== undefined) {
      const { fields, groups = {} } = outline
      const rows = Object.entries(groups).map(([group, inner]) => ({ name: group, fields: inner }))
      checkEvent({
        event,
        outline: { fields, groups: rows },
        refuse: (path, text) => refuse([index, ...path], text),
      })
    }
  }
})
