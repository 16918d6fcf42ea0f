import type { Ledger } from '../../gateway/hq/ledger.js'

/** A ledger some of whose methods are others; the rest goes to the real one. */
export function ledgerWith(ledger: Ledger, others: Partial<Ledger>): Ledger {
  return {
    generation: () => ledger.generation(),
    renew: expected => ledger.renew(expected),
    commit: batch => ledger.commit(batch),
    greet: (store, hello) => ledger.greet(store, hello),
    receipt: (store, held) => ledger.receipt(store, held),
    rows: (after, limit) => ledger.rows(after, limit),
    rowsAt: (range, limit) => ledger.rowsAt(range, limit),
    statements: (store, after, limit) => ledger.statements(store, after, limit),
    account: store => ledger.account(store),
    keys: store => ledger.keys(store),
    trustKey: (store, publicKey) => ledger.trustKey(store, publicKey),
    onCommitted: listener => ledger.onCommitted(listener),
    lead: () => ledger.lead(),
    outbox: limit => ledger.outbox(limit),
    fannedOut: (position, refused) => ledger.fannedOut(position, refused),
    shelf: (after, limit) => ledger.shelf(after, limit),
    unshelve: position => ledger.unshelve(position),
    publication: position => ledger.publication(position),
    documents: name => ledger.documents(name),
    versions: () => ledger.versions(),
    stores: () => ledger.stores(),
    beginBackup: () => ledger.beginBackup(),
    endBackup: (id, keep) => ledger.endBackup(id, keep),
    backups: () => ledger.backups(),
    close: () => ledger.close(),
    ...others,
  }
}
