import t from 'tap'
import { until } from '../support/until.js'
import { startSession } from './shop.js'

function frame(text: string): Uint8Array {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(text.length)
  return Buffer.concat([length, Buffer.from(text, 'latin1')])
}

const request = (type: string, session: string): Uint8Array =>
  frame(`ECR0101${type}/S${session}/F2000:978:2/D20211126180144/R8/H121`)
const approval = (session: string, traceNumber: string): Uint8Array =>
  frame(
    `MEL0101R/S${session}/C00/DVisa:************3489:2000:2000:111:64999999:000091:` +
      `133030119089:${traceNumber}:787032:20211126180454`,
  )

t.test('what an approval is of is known by the request before it', async t => {
  const { session, till, events } = await startSession(t, { profile: 'mellon/ecr' })
  await until('the line is open', () => session.status.state === 'connected')
  await till.send(request('A', '000001'))
  await till.send(approval('000001', '000065'))
  await till.send(request('Z', '000002'))
  await till.send(approval('000002', '000066'))
  await till.send(request('A', '000003'))
  await till.send(frame('MEL0101R/S000003/C33'))
  const payments = async (): Promise<readonly string[]> =>
    (await events()).map(({ type }) => type).filter(type => type.startsWith('payment.'))
  await until('all are journaled', async () => (await payments()).length === 3)
  t.strictSame(await payments(), ['payment.approved', 'payment.reversed', 'payment.declined'])
})
