import type { Test } from 'tap'
import type { Ledger } from '../../gateway/hq/ledger.js'

/** Opens the ledger that lives in a place (a directory, a schema …), anew or again; noon, where no other time is told. */
export type OpenLedger = (place: string, now?: { wallMs: number }) => Promise<Ledger>

/** A new one, which goes with the test. */
export async function freshLedger(t: Test, open: OpenLedger): Promise<Ledger> {
  const ledger = await open(t.testdir())
  t.teardown(() => ledger.close())
  return ledger
}
