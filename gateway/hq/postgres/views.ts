/**
 * What people at HQ ask the ledger in SQL: a sale, its lines, payments, what a shop lacks. Views
 * only read, and nothing that a store sends can make one fail: what is no number, time or list
 * there is null or left out. docs/hq.md describes them.
 */
export const VIEWS = `
CREATE TABLE tillbridge.calendars (
  store text COLLATE "C" PRIMARY KEY,
  time_zone text NOT NULL CHECK (now() AT TIME ZONE time_zone IS NOT NULL),
  day_cut time NOT NULL DEFAULT '00:00'
);
COMMENT ON TABLE tillbridge.calendars IS
  'Where a store stands and when its day ends; without a row: UTC, at midnight';

CREATE TABLE tillbridge.erasures (
  at timestamptz NOT NULL DEFAULT now(),
  who text NOT NULL DEFAULT current_user,
  store text COLLATE "C" NOT NULL,
  source text NOT NULL,
  id text NOT NULL,
  reason text NOT NULL,
  rows int NOT NULL
);

CREATE FUNCTION tillbridge.day(text) RETURNS date
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT CASE WHEN $1 ~ '^(19|20|21)\\d\\d-(0[1-9]|1[0-2])-(0[1-9]|1\\d|2[0-8])$'
    OR $1 ~ '^(19|20|21)\\d\\d-((0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)$'
    OR $1 ~ '^(19|20|21)([02468][048]|[13579][26])-02-29$' AND $1 !~ '^(19|21)00'
    THEN $1::date END $$;

CREATE FUNCTION tillbridge.instant(text) RETURNS timestamptz
LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$
  SELECT CASE WHEN tillbridge.day(left($1, 10)) IS NOT NULL AND substr($1, 11) ~
    '^T([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,9})?(Z|[+-](0\\d|1[0-4]):[0-5]\\d)$'
    THEN $1::timestamptz END $$;

CREATE FUNCTION tillbridge.minor(jsonb) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT CASE WHEN jsonb_typeof($1) = 'number' AND $1::text ~ '^-?[0-9]{1,18}$'
    THEN $1::text::bigint END $$;

CREATE FUNCTION tillbridge.list(jsonb) RETURNS SETOF jsonb
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT jsonb_array_elements($1) WHERE jsonb_typeof($1) = 'array' $$;

CREATE VIEW tillbridge.events AS
SELECT r.store, r.body ->> 'terminal' AS terminal, r.type, r.body ->> 'source' AS source,
  r.body ->> 'id' AS id, r.body ->> 'subject' AS subject,
  tillbridge.instant(r.body ->> 'time') AS time,
  tillbridge.day(coalesce(r.body #>> '{data,businessDay}', r.body ->> 'businessday'))
    AS business_day,
  (tillbridge.instant(r.body ->> 'time') AT TIME ZONE coalesce(calendar.time_zone, 'UTC')
    - coalesce(calendar.day_cut, '00:00')::interval)::date AS store_day,
  tillbridge.instant(r.body ->> 'time') AT TIME ZONE coalesce(calendar.time_zone, 'UTC')
    AS store_time,
  r.clock, r.body ->> 'possiblerepeat' = 'true' AS possible_repeat, r.historical,
  r.kind = 'conflict' AS conflict, chains.epoch, r.seq, r.recorded_at, r.body -> 'data' AS data
FROM tillbridge.rows AS r
JOIN tillbridge.chains USING (chain)
LEFT JOIN tillbridge.calendars AS calendar ON calendar.store = r.store
WHERE r.kind IN ('event', 'conflict') AND r.body IS NOT NULL;
COMMENT ON VIEW tillbridge.events IS
  'Each event once; conflict: it contradicts another of the same source and id';

CREATE VIEW tillbridge.sales AS
SELECT store, terminal, type, source, id, data ->> 'receiptNumber' AS receipt_number,
  data ->> 'operator' AS operator, time, store_time, business_day, store_day,
  data ->> 'currency' AS currency, tillbridge.minor(data -> 'totalMinor') AS total_minor,
  tillbridge.minor(data -> 'changeMinor') AS change_minor,
  coalesce(data ->> 'training' = 'true', false) AS training,
  coalesce(data ->> 'reprint' = 'true', false) AS reprint,
  data ->> 'refundOf' AS refund_of, possible_repeat, conflict, historical, clock, epoch, seq,
  recorded_at, data
FROM tillbridge.events WHERE type IN ('sale.completed', 'sale.voided', 'sale.returned');

CREATE VIEW tillbridge.line_items AS
SELECT sales.store, sales.terminal, sales.type, sales.source, sales.id, sales.receipt_number,
  sales.time, sales.business_day, sales.store_day, sales.currency, sales.training,
  sales.conflict, tillbridge.minor(item -> 'lineNumber') AS line_number,
  item ->> 'gtin' AS gtin, item ->> 'plu' AS plu, item ->> 'description' AS description,
  item ->> 'quantity' AS quantity, item ->> 'unit' AS unit, item ->> 'unitPrice' AS unit_price,
  tillbridge.minor(item -> 'amountMinor') AS amount_minor,
  tillbridge.minor(item -> 'discountMinor') AS discount_minor, item ->> 'taxRate' AS tax_rate,
  coalesce(item ->> 'void' = 'true', false) AS void
FROM tillbridge.sales, tillbridge.list(data -> 'lineItems') AS item;

CREATE VIEW tillbridge.payments AS
SELECT store, terminal, type, source, id, time, store_time, business_day, store_day,
  data ->> 'currency' AS currency, tillbridge.minor(data -> 'amountMinor') AS amount_minor,
  data ->> 'method' AS method, data ->> 'cardScheme' AS card_scheme,
  data ->> 'maskedPan' AS masked_pan, data ->> 'authorisationCode' AS authorisation_code,
  data ->> 'traceNumber' AS trace_number, data ->> 'terminalId' AS terminal_id,
  data ->> 'reason' AS reason, possible_repeat, conflict, historical, epoch, seq, recorded_at
FROM tillbridge.events WHERE type LIKE 'payment.%';

CREATE VIEW tillbridge.tenders_by_hour AS
WITH taken AS (
  SELECT sales.*, tender ->> 'type' AS tender,
    tillbridge.minor(tender -> 'amountMinor') AS amount_minor
  FROM tillbridge.sales, tillbridge.list(data -> 'tenders') AS tender
  UNION ALL
  SELECT sales.*, 'change', -change_minor FROM tillbridge.sales WHERE change_minor <> 0
)
SELECT store, date_trunc('hour', store_time) AS hour, tender, currency, count(*) AS tenders,
  sum(amount_minor) AS amount_minor
FROM taken
WHERE type <> 'sale.voided' AND NOT training AND NOT reprint AND NOT conflict
GROUP BY store, hour, tender, currency;
COMMENT ON VIEW tillbridge.tenders_by_hour IS
  'Hours of the store; change given back stands as a tender of its own, negative';

CREATE VIEW tillbridge.gaps AS
WITH named AS (
  SELECT store, data ->> 'epoch' AS epoch, data ->> 'cause' AS cause,
    int8range(tillbridge.minor(data -> 'first'), tillbridge.minor(data -> 'last'), '[]') AS gap
  FROM tillbridge.events
  WHERE type = 'journal.gap' AND data ->> 'epoch' IS NOT NULL
    AND tillbridge.minor(data -> 'first') BETWEEN 1 AND tillbridge.minor(data -> 'last')
), lost AS (
  SELECT store, epoch, range_agg(gap) AS gaps FROM named GROUP BY store, epoch
), lacking AS (
  SELECT store, epoch, int8multirange(int8range(1, coalesce(upper(committed), 1)))
    + coalesce(gaps, '{}') - coalesce(committed, '{}') AS missing
  FROM tillbridge.chains FULL JOIN lost USING (store, epoch)
)
SELECT store, epoch, lower(gap) AS first, upper(gap) - 1 AS last,
  (SELECT string_agg(DISTINCT named.cause, '; ') FROM named
    WHERE named.store = lacking.store AND named.epoch = lacking.epoch AND named.gap && part.gap)
    AS cause
FROM lacking, unnest(missing) AS part (gap);
COMMENT ON VIEW tillbridge.gaps IS
  'What never came, before what did; cause: why the store says it is lost, null while it may come';

CREATE VIEW tillbridge.store_states AS
WITH sizes AS (
  SELECT chain, sum(upper(part) - lower(part)) AS records
  FROM tillbridge.chains, unnest(committed) AS part GROUP BY chain
), held AS (
  SELECT store, (array_agg(epoch ORDER BY ordinal DESC))[1] AS newest_epoch,
    (array_agg(upper(committed) - 1 ORDER BY ordinal DESC))[1] AS newest_seq,
    count(*) AS epochs, sum(records)::bigint AS records
  FROM tillbridge.chains JOIN sizes USING (chain) GROUP BY store
), latest AS (
  SELECT store, max(recorded_at) AS last_commit
  FROM tillbridge.batches JOIN tillbridge.chains USING (chain) GROUP BY store
), lacking AS (
  SELECT store, sum(last - first + 1)::bigint AS missing FROM tillbridge.gaps GROUP BY store
)
SELECT store, coalesce(time_zone, 'UTC') AS time_zone, coalesce(day_cut, '00:00') AS day_cut,
  newest_epoch, newest_seq, epochs, records, last_commit, coalesce(missing, 0) AS missing
FROM tillbridge.stores LEFT JOIN tillbridge.calendars USING (store) LEFT JOIN held USING (store)
LEFT JOIN latest USING (store) LEFT JOIN lacking USING (store);

-- The chain covers an event by its digest, which stays: it can be verified as before.
CREATE FUNCTION tillbridge.erase(of_store text, of_source text, of_id text, why text)
RETURNS int LANGUAGE plpgsql AS $$
DECLARE erased int;
BEGIN
  UPDATE tillbridge.rows SET event = NULL, body = NULL, kind = 'evicted'
  WHERE store = of_store AND body ->> 'source' = of_source AND body ->> 'id' = of_id;
  GET DIAGNOSTICS erased = ROW_COUNT;
  INSERT INTO tillbridge.erasures (store, source, id, reason, rows)
  VALUES (of_store, of_source, of_id, why, erased);
  RETURN erased;
END $$;
COMMENT ON FUNCTION tillbridge.erase IS
  'Takes an event out of the ledger for good, but for its digest; says how many rows held it';
`
