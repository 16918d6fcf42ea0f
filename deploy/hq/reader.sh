#!/bin/sh
# Grafana and people who query: they read, and cannot write. The first receiver makes the schema.
set -eu
psql --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --set ON_ERROR_STOP=1 \
  --set password="$(cat /run/secrets/reader.password)" <<'SQL'
CREATE ROLE reader LOGIN PASSWORD :'password';
ALTER DEFAULT PRIVILEGES FOR ROLE tillbridge GRANT USAGE ON SCHEMAS TO reader;
ALTER DEFAULT PRIVILEGES FOR ROLE tillbridge GRANT SELECT ON TABLES TO reader;
SQL
