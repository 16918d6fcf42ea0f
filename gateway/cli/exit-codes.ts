import { TillbridgeError } from '../core/errors.js'

/** How a tillbridge process ends; service managers and scripts may rely on each. */
export const EXIT = {
  /** Done, or stopped cleanly by a signal. */
  ok: 0,
  /** `doctor`, `profile test` or `journal verify` found something; what was asked for is not so. */
  findings: 1,
  /** Usage, configuration or profile: starting again will not help before it is mended. */
  usage: 2,
  /** Another process holds the data directory. */
  locked: 3,
  /** Port, disk or broker: may be gone at the next start. */
  cannotStart: 4,
  /** Nobody can say whether what was asked for was done: look before it is asked for again. */
  unknown: 5,
  /** It is not time yet: ask again later. */
  notYet: 6,
  /** A defect of tillbridge (EX_SOFTWARE of sysexits.h). */
  defect: 70,
  /** SIGINT or SIGTERM came twice, or the rooms did not end in time. */
  interrupted: 130,
  terminated: 143,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** The exit code for an error that ended a command. */
export function exitCodeOf(thrown: unknown): ExitCode {
  if (!(thrown instanceof TillbridgeError) || thrown.code === 'TB_INTERNAL') return EXIT.defect
  if (thrown.code.endsWith('_LOCKED')) return EXIT.locked
  if (/^TB_(CONFIG|PROFILE|FIRMWARE|BACKUP)_/.test(thrown.code)) return EXIT.usage
  return EXIT.cannotStart
}
