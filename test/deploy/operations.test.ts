import { readFileSync } from 'node:fs'
import t from 'tap'
import { alarmName } from '../../gateway/event/gateway-alarm.js'

const text = readFileSync('docs/operations.md', 'utf8')

/** What stands below each heading that is an alarm's name. */
const paragraphs = new Map(
  text.split(/^(?=##)/m).flatMap(part => {
    const [, name, body] = /^### `([\w-]+)`\n([\s\S]*)$/.exec(part) ?? []
    return name === undefined || body === undefined ? [] : [[name, body.trim()] as const]
  }),
)

t.test('every alarm has its paragraph in the runbook, and no other has', async t => {
  t.strictSame([...paragraphs.keys()].sort(), [...alarmName.options].sort())
  for (const [name, body] of paragraphs) t.ok(body.length > 60, `${name} says what to do`)
})

t.test('what it calls a test is one', async t => {
  const named = [...text.matchAll(/`test\/([\w/-]+)`/g)].map(([, path]) => path ?? '')
  t.ok(named.length > 10)
  for (const path of named) t.ok(readFileSync(`test/${path}.test.ts`, 'utf8').length > 0, path)
})
