#!/bin/sh
# Lets a user of this network namespace reach nothing but the namespace itself. Needs CAP_NET_ADMIN; ends at once.
#
#   guard UID
#
# Answers to connections that came in from outside still go out: probes of the kubelet work.
set -eu

user=${1:?usage: guard UID}
case $user in
  '' | *[!0-9]*) echo "guard: $user is no user id" >&2; exit 2 ;;
esac

nft -f - <<RULES || {
table inet engine
delete table inet engine
table inet engine {
  chain output {
    type filter hook output priority 0; policy accept;
    meta skuid != $user accept
    oifname "lo" accept
    ct direction reply accept
    counter reject
  }
}
RULES
  echo "guard: the rule could not be set; without it, set networkPolicy.engineEgress: allow" >&2
  exit 1
}
nft list chain inet engine output >/dev/null
echo "guard: user $user reaches nothing outside this pod"
