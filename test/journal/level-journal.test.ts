import t from 'tap'
import { testJournal } from '../contract/journal.js'
import { journalIn } from './open.js'

testJournal(t, journalIn)
