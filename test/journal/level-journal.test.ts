import t from 'tap'
import { testJournal } from '../contract/journal.js'
import { testFragments } from '../contract/journal-fragments.js'
import { testSeals } from '../contract/journal-seals.js'
import { journalIn } from './open.js'

testJournal(t, journalIn)
testSeals(t, journalIn)
testFragments(t, journalIn)
