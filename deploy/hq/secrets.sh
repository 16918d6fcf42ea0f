#!/bin/sh
# usage: secrets.sh HOST [STORE…]   makes ./secrets once: an authority, the broker's certificate for
# HOST, the stores' authority, and passwords for HQ, its listeners, the fleet and each store. What is there already is kept.
# Wants openssl and mosquitto_passwd (Debian: openssl, mosquitto).
set -eu
umask 077
host=$1
shift
for store in "$@"; do
  case $store in
    hq | enrol | listener | *[!a-z0-9-]* | '')
      echo "secrets.sh: '$store' is no store's id: a-z, 0-9 and -, and none of hq, enrol and listener, which HQ uses itself" >&2
      exit 2
      ;;
  esac
done
mkdir -p secrets/broker secrets/stores
word() { openssl rand -hex 24; }

if [ ! -e secrets/ca.key ]; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 7300 \
    -keyout secrets/ca.key -out secrets/broker/ca.pem -subj '/CN=tillbridge headquarters' 2>/dev/null
fi
if [ ! -e secrets/broker/server.pem ]; then
  printf 'subjectAltName=DNS:%s,DNS:broker\n' "$host" >secrets/extensions
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$host" \
    -keyout secrets/broker/server.key -out secrets/request 2>/dev/null
  openssl x509 -req -days 825 -in secrets/request -extfile secrets/extensions -CAcreateserial \
    -CA secrets/broker/ca.pem -CAkey secrets/ca.key -out secrets/broker/server.pem 2>/dev/null
  rm secrets/request secrets/extensions
fi
# Who issues the certificates of stores. HQ renews them, so its key stays here; the broker sees
# only what is public of it.
stores=secrets/stores-authority
if [ ! -e $stores/authority.key ]; then
  mkdir -p $stores/public
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 7300 \
    -keyout $stores/authority.key -out $stores/public/authority.pem -subj '/CN=tillbridge stores' 2>/dev/null
fi
if [ ! -e $stores/public/crl.pem ]; then
  printf '[ca]\ndefault_ca=stores\n[stores]\ndatabase=secrets/index\ndefault_md=sha256\n' >secrets/config
  : >secrets/index
  openssl ca -gencrl -config secrets/config -keyfile $stores/authority.key \
    -cert $stores/public/authority.pem -crldays 7300 -out $stores/public/crl.pem 2>/dev/null
  rm secrets/config secrets/index*
  chmod 0755 $stores/public
  chmod 0644 $stores/public/*
fi
touch secrets/broker/passwords
for name in hq listener enrol "$@"; do
  case $name in
    hq | listener | enrol) file=secrets/$name.password ;;
    *) file=secrets/stores/$name.password ;;
  esac
  [ -e "$file" ] && continue
  word >"$file"
  mosquitto_passwd -b secrets/broker/passwords "$name" "$(cat "$file")"
done
for name in ledger reader grafana; do
  [ -e "secrets/$name.password" ] || word >"secrets/$name.password"
done

# The users that the images run as; Debian's mosquitto is not among them. Those that several of them
# read are open to all in there, and shut off from this machine's users by the folder (0700).
if [ "$(id -u)" = 0 ]; then
  chown -R 1883:1883 secrets/broker
  chown 1000:1000 secrets/hq.password secrets/ledger.password
  chown -R 1000:1000 secrets/stores-authority
  chown 472:472 secrets/grafana.password
  chmod 0700 secrets
  chmod 0644 secrets/broker/ca.pem secrets/reader.password secrets/ledger.password
fi
