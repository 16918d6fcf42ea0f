import { type Logger, silentLogger } from '../../gateway/core/log.js'

/** A logger that keeps the texts of its errors. */
export function errorLog(): { readonly logger: Logger; readonly errors: readonly string[] } {
  const errors: string[] = []
  const error = (details: object | string, text?: string): void => {
    errors.push(text ?? String(details))
  }
  return { logger: { ...silentLogger, error }, errors }
}
