/**
 * A command whose process is told to end (SIGTERM) when the one that started it is gone, however
 * that ended: the kernel sees to it (PR_SET_PDEATHSIG, by setpriv(1) of util-linux). It keeps the
 * process id that it is started with.
 */
export function boundToParent(
  command: string,
  args: readonly string[],
): readonly [command: string, args: string[]] {
  return ['setpriv', ['--pdeathsig', 'TERM', '--', command, ...args]]
}
