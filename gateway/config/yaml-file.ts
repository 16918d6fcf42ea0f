import { readFileSync } from 'node:fs'
import type { ZodType } from 'zod'

import { fail, type Result } from '../core/result.js'
import { unreadable } from '../core/unreadable.js'
import { parseYaml, validateYaml } from '../core/yaml-source.js'

/** Failures are lines for the operator: where, what was expected, what to write instead. */
export function loadYamlFile<Value>(
  file: string,
  schema: ZodType<Value>,
): Result<Value, readonly string[]> {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (thrown) {
    return fail([`${file}:1:1: ${unreadable(thrown, 'write its path')}`])
  }
  const source = parseYaml({ file, text })
  if (!source.ok) return source
  return validateYaml({ source: source.value, value: source.value.value, schema })
}
