import t from 'tap'
import { z } from 'zod'
import { gatewayVerb } from '../../gateway/downlink/gateway-verb.js'

const context = {
  signal: new AbortController().signal,
  issuer: 'alice',
  emit: async () => undefined,
}
const echo = gatewayVerb({
  name: 'echo',
  arguments: z.strictObject({ text: z.string().max(3) }),
  changes: false,
  run: async ({ text }) => ({ type: 'successful', values: { text } }),
})

t.test('a verb runs with arguments of its schema, and refuses others by name', async t => {
  t.same(await echo.run({ text: 'a' }, context), { type: 'successful', values: { text: 'a' } })
  const refused = { type: 'failed', reason: 'rejected' }
  t.match(await echo.run({ text: 'long' }, context), { ...refused, detail: /text: / })
  t.match(await echo.run({ text: 'a', more: 1 }, context), { ...refused, detail: /more/ })
})
