import { readFileSync } from 'node:fs'

/** The boot of this machine, as the headers of its records name it. */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
}
