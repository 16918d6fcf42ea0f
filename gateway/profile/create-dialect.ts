import { DeclaredDialect } from './declared-dialect.js'
import type { InterpretingDialect } from './dialect.js'
import type { AnyDialectFile } from './load.js'
import { ProtocolDialect } from './protocol-dialect.js'

export function createDialect(file: AnyDialectFile): InterpretingDialect {
  return 'protocol' in file ? new ProtocolDialect(file) : new DeclaredDialect(file)
}
