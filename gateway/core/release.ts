import { writeDurably } from './durable-file.js'
import { messageOf } from './errors.js'
import type { Logger } from './log.js'

/** A version on trial says here what it found of itself; whoever started it reads it. */
export interface Trial {
  readonly verdictFile: string
  /** It goes back to the version before where it is not fit. */
  readonly isOnTrial: boolean
  /** Which version went back to this one, and why; absent: none did. */
  readonly wentBack?: string
}

/**
 * How the launcher that starts versions (deploy/debian/launch) names itself to them: not by
 * variables of the configuration, which a version that does not know them yet would refuse.
 * Nothing where nobody could go back.
 */
export function trialOf(env: Readonly<Record<string, string | undefined>>): Trial | undefined {
  const { RELEASE_VERDICT_FILE: verdictFile, RELEASE_ON_TRIAL: onTrial } = env
  const { RELEASE_WENT_BACK: wentBack } = env
  if (verdictFile === undefined) return undefined
  return {
    verdictFile,
    isOnTrial: onTrial === 'yes',
    ...(wentBack === undefined || wentBack === '' ? {} : { wentBack }),
  }
}

/**
 * Says it to the launcher that started this version. Where it cannot be written, the launcher goes
 * by starts and time alone.
 */
export async function tellLauncher(
  { verdictFile: path }: Trial,
  said: { readonly text: string; readonly logger: Logger },
): Promise<void> {
  const { text, logger } = said
  await writeDurably(path, { text: `${text}\n`, mode: 0o600 }).catch(thrown =>
    logger.error({ path, reason: messageOf(thrown) }, 'the launcher was not told'),
  )
}
