import { messageOf, systemCodeOf } from './errors.js'

/** Why a file that somebody named cannot be read, and what to do; `otherwise`: it is not there. */
export function unreadable(thrown: unknown, otherwise: string): string {
  const isForbidden = ['EACCES', 'EPERM'].includes(systemCodeOf(thrown) ?? '')
  const doThis = isForbidden ? 'let this user read it (chgrp, chmod g+r)' : otherwise
  return `expected a readable file (${messageOf(thrown)}); ${doThis}`
}
