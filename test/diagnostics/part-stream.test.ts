import t from 'tap'
import { LIMITS } from '../../gateway/core/limits.js'
import { PartStream } from '../../gateway/diagnostics/part-stream.js'
import { decodeAnswerPart } from '../../gateway/wire/answer-part.js'

/** A link that takes a chunk each time it is let. */
function slowLink() {
  const chunks: Uint8Array[] = []
  let letOn = (): void => undefined
  const emit = async (chunk: Uint8Array): Promise<void> => {
    chunks.push(chunk)
    await new Promise<void>(resolve => {
      letOn = resolve
    })
  }
  const texts = (): readonly string[] =>
    Buffer.concat(chunks)
      .toString()
      .split('\n')
      .slice(0, -1)
      .flatMap(line => {
        const part = decodeAnswerPart(Buffer.from(line))
        return part.ok ? (part.value.text ?? []) : ['broken']
      })
  return { chunks, emit, texts, letOn: () => letOn() }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve()
}

t.test('parts arrive whole and in order, whatever the chunks', async t => {
  const link = slowLink()
  const stream = new PartStream(link.emit)
  const long = 'x'.repeat(LIMITS.answerChunkBytes)
  stream.push({ text: [long] })
  stream.push({ text: ['second'] })
  let isOver = false
  const over = stream.end().then(() => {
    isOver = true
  })
  for (let turn = 0; turn < 5; turn += 1) {
    link.letOn()
    await settle()
  }
  await over
  t.ok(isOver)
  t.same(link.texts(), [long, 'second'])
  t.ok(link.chunks.every(({ length }) => length <= LIMITS.answerChunkBytes))
})

t.test('what comes faster than the link takes it is left out and counted', async t => {
  const link = slowLink()
  const stream = new PartStream(link.emit)
  const part = { text: ['y'.repeat(1000)] }
  const pushed = Math.ceil(LIMITS.answerWaitingBytes / 1000) + 100
  for (let index = 0; index < pushed; index += 1) stream.push(part)
  for (let turn = 0; turn < 20; turn += 1) {
    link.letOn()
    await settle()
  }
  stream.push({ text: ['after'] })
  link.letOn()
  await settle()
  link.letOn()
  await stream.end()
  const texts = link.texts()
  const [note = '', last] = texts.slice(-2)
  t.equal(last, 'after')
  const [, left = '0'] = /^\((\d+) lines left out/.exec(note) ?? []
  t.equal(texts.length - 2 + Number(left), pushed)
  t.ok(Number(left) >= 100)
})

t.test('an answer that was given up says so', async t => {
  const stream = new PartStream(() => Promise.reject(new Error('given up')))
  stream.push({ text: ['one'] })
  await t.rejects(stream.end(), { message: 'given up' })
})
