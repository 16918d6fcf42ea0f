#!/bin/sh
# The container's health check, and its watchdog: Docker starts a process anew that ends, not one that
# is stuck. The file says which process gave a sign of life, and how many seconds after the boot.
set -eu
file=${1:-/run/tillbridge/health}

if [ ! -s "$file" ]; then
  echo 'it does not sell yet'
  exit 1
fi
read -r pid second <"$file"
read -r now _ </proc/uptime
age=$((${now%.*} - second))
if [ "$age" -lt 60 ]; then
  exit 0
fi
echo "no sign of life for $age s: process $pid is ended"
kill -KILL "$pid"
exit 1
