#!/bin/sh
# The little that needs root, then the gateway without any privilege.
set -eu

# Docker shows a privileged container the devices that were there when it began. devtmpfs is one
# instance for the whole kernel: mounted anew it shows those plugged in later, and the names that the
# host's udev gives them. The link lets a configuration say /dev/serial/by-id/… here, too.
mount -t devtmpfs none /hostdev
rm -rf /dev/serial
ln -s /hostdev/serial /dev/serial

# Where the gateway gives its signs of life (deploy/health.sh).
install -d -o node -g node /run/tillbridge

# A new volume belongs to root.
chown node:node /data

# What a terminal just said is in memory, and must not come to lie on a disk.
ulimit -c 0

dialout=$(getent group dialout | cut -d: -f3)
exec setpriv --reuid=node --regid=node --groups="$dialout" \
  --no-new-privs --bounding-set=-all --inh-caps=-all \
  "$@"
