import t from 'tap'
import { seededRandom } from '../../gateway/core/random.js'
import { type CrashState, crashState, type NameModel } from './crash-state.js'
import type { Deed, Recording } from './recording.js'

const STATES = 400

/** One deed a line. */
function recordingOf(deeds: readonly Deed[], before: Recording['before'] = NOTHING): Recording {
  return { before, operations: deeds.map((deed, at) => ({ ...deed, start: at, end: at })) }
}

const NOTHING = { files: new Map(), folders: new Set<string>() }

function statesOf(
  recording: Recording,
  options: { readonly model: NameModel; readonly at?: number },
): readonly CrashState[] {
  const { model, at = recording.operations.length } = options
  return Array.from({ length: STATES }, (_, seed) =>
    crashState({ recording, at, model, random: seededRandom(seed) }),
  )
}

function write(file: number, offset: number, text: string): Deed {
  return { type: 'write', file, offset, bytes: Buffer.from(text) }
}

function contentsOf(states: readonly CrashState[], name: string): ReadonlySet<string | undefined> {
  const all = states.map(({ files }) => files.get(name))
  return new Set(all.map(bytes => bytes && Buffer.from(bytes).toString('latin1')))
}

t.test('what was synced is in every state, what was not is whole, cut or torn in some', async t => {
  const { log, loose } = { log: 'x'.repeat(700), loose: 'y'.repeat(600) }
  const recording = recordingOf([
    { type: 'create', name: 'log', file: 0 },
    write(0, 0, log),
    { type: 'sync', file: 0 },
    write(0, 700, loose),
  ])
  for (const model of ['ordered', 'reordered'] as const) {
    const states = statesOf(recording, { model })
    const contents = contentsOf(states, 'log')
    if (model === 'ordered') t.notOk(contents.has(undefined), 'a sync takes the name along')
    else t.ok(contents.has(undefined), 'the name was never synced')
    const there = [...contents].filter(content => content !== undefined)
    t.ok(there.every(content => content.startsWith(log)))
    t.ok(there.includes(log) && there.includes(log + loose))
    const zeros = '\0'.repeat(600)
    t.ok(there.includes(log + zeros), 'the length without the bytes')
    t.ok(
      there.some(content => content.length > 700 && content.length < 1300),
      'cut off',
    )
    const late = `${log}${'\0'.repeat(324)}${'y'.repeat(276)}`
    t.ok(there.includes(late), 'the later sector without the one before it')
  }
})

t.test('a write under way, or one that a sync did not wait for, is not synced', async t => {
  const recording: Recording = {
    before: { ...NOTHING, files: new Map([['log', Buffer.from('')]]) },
    operations: [
      { type: 'write', file: 0, offset: 0, bytes: Buffer.from('a'), start: 0, end: 3 },
      { type: 'sync', file: 0, start: 1, end: 2 },
    ],
  }
  t.ok(contentsOf(statesOf(recording, { model: 'ordered', at: 4 }), 'log').has(''))
  const unfinished: Recording = {
    before: { ...NOTHING, files: new Map([['log', Buffer.from('')]]) },
    operations: [
      { type: 'write', file: 0, offset: 0, bytes: Buffer.from('a'), start: 0, end: 0 },
      { type: 'sync', file: 0, start: 1, end: 5 },
    ],
  }
  t.ok(contentsOf(statesOf(unfinished, { model: 'ordered', at: 4 }), 'log').has(''))
  t.notOk(contentsOf(statesOf(unfinished, { model: 'ordered', at: 6 }), 'log').has(''))
})

t.test('names change in order, or in any order until the directory is synced', async t => {
  const files = new Map([
    ['CURRENT', Buffer.from('old')],
    ['1', Buffer.from('1')],
  ])
  const before = { ...NOTHING, files }
  const steps: Deed[] = [
    { type: 'create', name: 'tmp', file: 2 },
    write(2, 0, 'new'),
    { type: 'sync', file: 2 },
    { type: 'rename', from: 'tmp', to: 'CURRENT' },
    { type: 'unlink', name: '1' },
  ]
  const lost = ({ files }: CrashState): boolean =>
    !files.has('1') && Buffer.from(files.get('CURRENT') ?? []).toString() === 'old'
  const recording = recordingOf(steps, before)
  t.notOk(statesOf(recording, { model: 'ordered' }).some(lost))
  const states = statesOf(recording, { model: 'reordered' })
  t.ok(states.some(lost), 'what it replaced is gone, and it was not replaced')
  const told = states.filter(({ undone }) => undone.includes('rename tmp to CURRENT'))
  t.ok(told.some(lost))
  const synced = recordingOf(
    [...steps.slice(0, 4), { type: 'sync folder', name: '.' }, ...steps.slice(4)],
    before,
  )
  t.notOk(statesOf(synced, { model: 'reordered' }).some(lost))
})

t.test('a folder that is renamed takes its files along, each under all of its names', async t => {
  const deeds: Deed[] = [
    { type: 'make folder', name: 'draft' },
    { type: 'link', from: 'a/1', to: 'draft/1' },
    { type: 'sync folder', name: 'draft' },
    { type: 'rename', from: 'draft', to: 'image' },
    { type: 'unlink', name: 'a/1' },
    { type: 'remove folder', name: 'a' },
    { type: 'sync folder', name: '.' },
  ]
  const before = { files: new Map([['a/1', Buffer.from('one')]]), folders: new Set(['a']) }
  for (const { files, folders } of statesOf(recordingOf(deeds, before), { model: 'ordered' })) {
    t.same([...folders], ['.', 'image'])
    t.same([...files], [['image/1', Buffer.from('one')]])
  }
})
