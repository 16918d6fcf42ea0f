import type { StoreStatus } from '../../gateway/wire/status.js'

/** A shop that is well and has sold nothing, unless its journal says otherwise. */
export function onlineStatus(journal: Partial<StoreStatus['journal']> = {}): StoreStatus {
  return {
    v: 1,
    online: true,
    store: 'store-001',
    software: '1.2.3',
    mode: 'ledger',
    startedAt: '2026-11-22T12:00:00Z',
    epoch: `1-${'0'.repeat(32)}`,
    clock: 'synced',
    journal: { records: 0, backlog: 0, bytes: 4096, quotaBytes: 2 ** 30, ...journal },
    copies: { state: 'off' },
    uplink: { state: 'online' },
    retention: 'days',
    alarms: [],
    terminals: [],
  }
}

/** A terminal that only garbage comes from. */
export const GARBLED: StoreStatus['terminals'][number] = {
  terminal: 'till-7',
  profile: 'tillbridge/ecr-lrc@1',
  state: 'garbled',
  reason: 'bytes come and make no frame: check speed, parity, cable',
  address: '/dev/ttyUSB0',
  framesTotal: 0,
  eventsTotal: 0,
  rejectedTotal: 0,
  discardedBytes: 64,
  nakTotal: 0,
  burstTotal: 1,
  repeatTotal: 0,
  timeoutTotal: 0,
}
