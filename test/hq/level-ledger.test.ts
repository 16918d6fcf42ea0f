import t from 'tap'
import { testLedger } from '../contract/ledger.js'
import { ledgerIn } from './open.js'

testLedger(t, ledgerIn)
