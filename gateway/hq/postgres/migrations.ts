import { DOCUMENT_VIEWS } from './document-views.js'
import { PAYMENT_VIEWS } from './payment-views.js'
import { VERSION_INDEX } from './versions.js'
import { VIEWS } from './views.js'

/** A step of the schema. Once released it never changes; a mistake is mended by a later one. */
export interface Migration {
  readonly version: number
  readonly name: string
  readonly sql: string
}

const LEDGER = `
CREATE TABLE tillbridge.ledger (
  single boolean PRIMARY KEY DEFAULT true CHECK (single),
  ledger text NOT NULL,
  since text NOT NULL
);

-- A commit locks its store's row, so batches of one store wait for each other and no others do.
CREATE TABLE tillbridge.stores (
  store text COLLATE "C" PRIMARY KEY,
  state jsonb
);

CREATE TABLE tillbridge.chains (
  chain int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  store text COLLATE "C" NOT NULL REFERENCES tillbridge.stores,
  epoch text COLLATE "C" NOT NULL,
  ordinal int NOT NULL,
  committed int8multirange NOT NULL,
  segments jsonb NOT NULL,
  ending jsonb,
  backed jsonb,
  UNIQUE (store, epoch)
);

CREATE SEQUENCE tillbridge.batch_numbers AS bigint;

CREATE TABLE tillbridge.batches (
  batch bigint PRIMARY KEY,
  first_position bigint NOT NULL,
  last_position bigint NOT NULL UNIQUE,
  chain int NOT NULL REFERENCES tillbridge.chains,
  recorded_at timestamptz(3) NOT NULL
);

CREATE TABLE tillbridge.rows (
  batch bigint NOT NULL,
  nth int NOT NULL,
  recorded_at timestamptz(3) NOT NULL,
  store text COLLATE "C" NOT NULL,
  chain int NOT NULL,
  seq bigint NOT NULL,
  hash bytea NOT NULL,
  kind text NOT NULL CHECK (kind IN ('event', 'duplicate', 'conflict', 'evicted')),
  historical boolean NOT NULL,
  class text NOT NULL,
  type text NOT NULL,
  boot text NOT NULL,
  monotonic_ms bigint NOT NULL,
  clock text NOT NULL,
  digest bytea NOT NULL,
  event bytea,
  body jsonb,
  PRIMARY KEY (batch, nth, recorded_at)
) PARTITION BY RANGE (recorded_at);

CREATE TABLE tillbridge.identities (
  store text COLLATE "C" NOT NULL,
  identity bytea NOT NULL,
  digest bytea NOT NULL,
  chain int NOT NULL,
  seq bigint NOT NULL,
  month date NOT NULL,
  PRIMARY KEY (store, identity)
);

CREATE TABLE tillbridge.identity_conflicts (
  store text COLLATE "C" NOT NULL,
  identity bytea NOT NULL,
  digest bytea NOT NULL,
  chain int NOT NULL,
  seq bigint NOT NULL,
  month date NOT NULL,
  PRIMARY KEY (store, identity, digest)
);

CREATE TABLE tillbridge.fan_out (
  single boolean PRIMARY KEY DEFAULT true CHECK (single),
  position bigint NOT NULL
);
INSERT INTO tillbridge.fan_out (position) VALUES (0);

CREATE TABLE tillbridge.shelf (
  position bigint PRIMARY KEY
);

CREATE TABLE tillbridge.backups (
  id int PRIMARY KEY,
  begun text NOT NULL,
  done text
);

COMMENT ON TABLE tillbridge.ledger IS 'The name of this generation of the ledger';
COMMENT ON TABLE tillbridge.shelf IS 'Rows that the broker refused';
COMMENT ON TABLE tillbridge.backups IS 'Backup points; receipts call safe what the oldest contains';
COMMENT ON TABLE tillbridge.chains IS
  'What is committed of each epoch; segments: its ranges with the chain hashes at their ends';
COMMENT ON TABLE tillbridge.batches IS
  'Commits in their order. Position of a row: first_position of its batch + nth';
COMMENT ON COLUMN tillbridge.rows.event IS 'Exact bytes, as the store sent and hashed them';
COMMENT ON COLUMN tillbridge.rows.body IS
  'The event for queries; null where it is not JSON that PostgreSQL can hold';
COMMENT ON COLUMN tillbridge.rows.digest IS
  'SHA-256 of the event: the chain can be checked without its bytes';
COMMENT ON TABLE tillbridge.identities IS
  'Each (source, id) once, over all months: SHA-256 of the pair, of its data, and where it stands';
`

/** A store has a few statements a day among all its rows. */
const STATEMENTS = `
CREATE INDEX ON tillbridge.rows (store, recorded_at) WHERE type = 'journal.statement';
`

/** A mark a second at most, however much is fanned out. */
const FAN_OUT_TIMES = `
CREATE TABLE tillbridge.fan_out_marks (
  first_position bigint NOT NULL,
  last_position bigint PRIMARY KEY,
  at timestamptz(3) NOT NULL
);

CREATE TABLE tillbridge.unshelved (
  position bigint PRIMARY KEY,
  at timestamptz(3) NOT NULL
);

COMMENT ON TABLE tillbridge.fan_out_marks IS
  'When rows were published, to the second; rows of the shelf at that time: see unshelved';
COMMENT ON TABLE tillbridge.unshelved IS 'Rows that the broker took after it had refused them';
`

export const MIGRATIONS: readonly Migration[] = [
  { version: 1, name: 'ledger', sql: LEDGER },
  { version: 2, name: 'statements', sql: STATEMENTS },
  { version: 3, name: 'views', sql: VIEWS },
  { version: 4, name: 'documents', sql: DOCUMENT_VIEWS },
  { version: 5, name: 'fan-out times', sql: FAN_OUT_TIMES },
  { version: 6, name: 'payments', sql: PAYMENT_VIEWS },
  { version: 7, name: 'versions', sql: VERSION_INDEX },
]
