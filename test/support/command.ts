import type { Command } from 'commander'
import type { ExitCode } from '../../gateway/cli/exit-codes.js'
import type { CliIo } from '../../gateway/cli/io.js'
import type { Ended } from './program.js'

/** Where a real process would have ended. */
class Exit {
  readonly code: ExitCode

  constructor(code: ExitCode) {
    this.code = code
  }
}

/** One command without a process of its own: what it printed, and the code it would end with. */
export async function invoke(
  command: (io: CliIo) => Command,
  call: { readonly args: readonly string[]; readonly env?: Readonly<Record<string, string>> },
): Promise<Ended> {
  const text = { stdout: '', stderr: '' }
  const io: CliIo = {
    env: call.env ?? {},
    print: line => {
      text.stdout += `${line}\n`
    },
    complain: line => {
      text.stderr += `${line}\n`
    },
    exit: code => {
      throw new Exit(code)
    },
  }
  try {
    await command(io).parseAsync(call.args, { from: 'user' })
  } catch (thrown) {
    if (thrown instanceof Exit) return { code: thrown.code, ...text }
    throw thrown
  }
  return { code: null, ...text }
}
