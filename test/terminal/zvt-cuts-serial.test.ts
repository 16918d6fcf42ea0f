import t from 'tap'
import { cutEverywhere } from './zvt-cut.js'

t.test('a serial line that is cut at every step', t =>
  cutEverywhere(t, { wire: 'serial', keepsUnanswered: true }),
)
