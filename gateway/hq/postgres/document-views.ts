/** Which shop and till works by which document: what people ask when a price is wrong. */
export const DOCUMENT_VIEWS = `
CREATE VIEW tillbridge.documents AS
WITH received AS (
  SELECT DISTINCT ON (store, data ->> 'document') store, data ->> 'document' AS document,
    data ->> 'kind' AS kind, tillbridge.minor(data -> 'version') AS version, time, data
  FROM tillbridge.events WHERE type = 'document.received'
  ORDER BY store, data ->> 'document', tillbridge.minor(data -> 'version') DESC NULLS LAST
), applied AS (
  SELECT DISTINCT ON (store, terminal, data ->> 'document') store, terminal,
    data ->> 'document' AS document, tillbridge.minor(data -> 'version') AS version, time, data
  FROM tillbridge.events WHERE type = 'document.applied'
  ORDER BY store, terminal, data ->> 'document',
    tillbridge.minor(data -> 'version') DESC NULLS LAST
), meant AS (
  SELECT store, document, kind, version, target #>> '{}' AS terminal
  FROM received, tillbridge.list(data -> 'targets') AS target
)
SELECT meant.store, meant.terminal, meant.document, meant.kind, meant.version,
  applied.version AS applied_version, applied.time AS applied_at,
  coalesce(applied.version = meant.version, false) AS current,
  tillbridge.minor(applied.data -> 'lines') AS lines,
  tillbridge.minor(applied.data -> 'refused') AS refused,
  tillbridge.minor(applied.data -> 'doubtful') AS doubtful, applied.data ->> 'reason' AS reason
FROM meant LEFT JOIN applied USING (store, terminal, document);
COMMENT ON VIEW tillbridge.documents IS
  'Who is to work by which version, the newest that the store has whole, and by which it does';
`
