import type { Environment } from '../config/environment.js'
import type { ExitCode } from './exit-codes.js'

/** What a command may do to the world around its process. */
export interface CliIo {
  readonly env: Environment
  /** A line on standard output: what was asked for. */
  print(line: string): void
  /** A line on standard error: why it cannot be had. */
  complain(line: string): void
  /** Ends the process at once. Output is written synchronously, so nothing is lost. */
  exit(code: ExitCode): never
}
