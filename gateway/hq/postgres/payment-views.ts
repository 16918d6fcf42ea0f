/** Money of which nobody can say what became of it: whoever opens a shop's day asks for it. */
export const PAYMENT_VIEWS = `
CREATE INDEX ON tillbridge.rows (store) WHERE type IN ('gateway.command', 'payment.resolved');

CREATE VIEW tillbridge.open_payments AS
WITH commanded AS (
  SELECT store, data ->> 'command' AS command, data ->> 'target' AS terminal,
    data ->> 'verb' AS verb, min(data ->> 'issuer') AS issuer, min(time) AS since,
    array_agg(data ->> 'state' || coalesce(' ' || (data ->> 'reason'), '')) AS states
  FROM tillbridge.events
  WHERE type = 'gateway.command' AND data ->> 'money' = 'true' AND NOT conflict
  GROUP BY 1, 2, 3, 4
), resolved AS (
  SELECT store, data ->> 'command' AS command
  FROM tillbridge.events WHERE type = 'payment.resolved'
)
SELECT store, terminal, verb, command, issuer, since, 'failed unknown' = ANY (states) AS unknown
FROM commanded LEFT JOIN resolved USING (store, command)
WHERE 'executing' = ANY (states) AND resolved.command IS NULL
  AND states <@ '{accepted,executing,failed unknown}'::text[];
COMMENT ON VIEW tillbridge.open_payments IS
  'Money that a terminal was told to move; unknown: nobody can say what became of it, else at work';
`
