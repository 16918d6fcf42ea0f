import { access, constants } from 'node:fs/promises'
import { join } from 'node:path'
import type { Check } from './check.js'

const name = 'pseudo-terminals'

/** Only the simulated shop needs them; containers sometimes have none. */
export const checkPseudoTerminals: Check = async machine => {
  try {
    await access(join(machine.root, '/dev/ptmx'), constants.R_OK | constants.W_OK)
    await access(join(machine.root, '/dev/pts'))
    return [{ name, state: 'ok', found: '/dev/ptmx can be opened' }]
  } catch {
    // Missing or forbidden: for the operator it is the same.
    const doThis =
      'Mount devpts on /dev/pts if you want `tillbridge start`; a real shop needs none.'
    return [{ name, state: 'warn', found: '/dev/ptmx cannot be opened', doThis }]
  }
}
