import { InvalidArgumentError, Option } from 'commander'
import { timeZone } from '../config/fields.js'

/** `--time-zone`, which has to be one. */
export function timeZoneOption(description: string): Option {
  return new Option('--time-zone <name>', description).default('UTC').argParser(text => {
    if (timeZone.safeParse(text).success) return text
    throw new InvalidArgumentError('expected an IANA name such as Europe/Berlin')
  })
}
