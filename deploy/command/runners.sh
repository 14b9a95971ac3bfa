#!/bin/sh
# For `kind: command` with `idempotent`, `lists`, `stops` and `local`: runners as sessions of this host. Needs jq and setsid.
# Each has a folder in $RUNNERS (else ~/runners), which stays when it has ended, so that a repeat starts nothing.
set -eu
umask 077
request="$(cat)"
of() { printf %s "$request" | jq -r ".$1"; }
mine="${RUNNERS:-$HOME/runners}/$(of owner)"
alive() { [ -s "$1/pid" ] && kill -s 0 -- "-$(cat "$1/pid")" 2>/dev/null; }

case "$1" in
launch)
  folder="$mine/$(of id)"
  mkdir -p "$mine"
  mkdir "$folder" 2>/dev/null || exit 0
  of start > "$folder/start.sh"
  of ends_at > "$folder/ends_at"
  setsid sh -c 'echo $$ > "$0/pid"; TMPDIR="$0" exec sh "$0/start.sh"' "$folder" > "$folder/log" 2>&1 < /dev/null &
  until [ -s "$folder/pid" ]; do sleep 0.1; done
  ;;
list)
  for folder in "$mine"/*/; do
    if alive "$folder"; then printf '{"id":"%s","ends_at":%s}' "$(basename "$folder")" "$(cat "$folder/ends_at")"; fi
  done | jq -s '{runners: .}'
  ;;
stop)
  folder="$mine/$(of id)"
  alive "$folder" || exit 0
  kill -s TERM -- "-$(cat "$folder/pid")"
  for second in 1 2 3 4 5 6 7 8 9 10; do
    alive "$folder" || exit 0
    sleep 1
  done
  kill -s KILL -- "-$(cat "$folder/pid")"
  ;;
*)
  exit 64
  ;;
esac
