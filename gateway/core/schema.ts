import type { ZodType } from 'zod'
import { fail, ok, type Result } from './result.js'

/** One thing wrong with outside data: where (path of keys and indexes), and what was expected. */
export interface SchemaIssue {
  readonly path: readonly (string | number)[]
  readonly message: string
}

/**
 * Outside data enters the program here: it has the schema's type, or it says what is wrong where.
 */
export function parseWith<Value>(
  schema: ZodType<Value>,
  data: unknown,
): Result<Value, readonly SchemaIssue[]> {
  const parsed = schema.safeParse(data)
  if (parsed.success) return ok(parsed.data)
  return fail(
    parsed.error.issues.map(issue => ({
      path: issue.path.filter(key => typeof key !== 'symbol'),
      message: issue.message,
    })),
  )
}

export function describeIssues(issues: readonly SchemaIssue[]): string {
  return issues.map(issue => `${issue.path.join('.') || '(top)'}: ${issue.message}`).join('; ')
}

/** The value that JSON text holds, or why it holds none. */
export function parseJson(text: string): Result<unknown, string> {
  try {
    const value: unknown = JSON.parse(text)
    return ok(value)
  } catch (thrown) {
    return fail(thrown instanceof Error ? thrown.message : 'not JSON')
  }
}

/** The value of JSON bytes that pass the schema, or why there is none. */
export function decodeJson<Value>(
  schema: ZodType<Value>,
  payload: Uint8Array,
): Result<Value, string> {
  const json = parseJson(Buffer.from(payload).toString('utf8'))
  if (!json.ok) return json
  const parsed = parseWith(schema, json.value)
  return parsed.ok ? ok(parsed.value) : fail(describeIssues(parsed.error))
}
