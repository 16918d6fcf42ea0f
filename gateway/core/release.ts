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
