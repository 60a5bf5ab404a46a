#!/usr/bin/env bash
# Everything there is to test, on a machine that may be fresh: installs the Debian packages the tests need where it
# may, checks, builds, runs all tests (or, with TEST=part, those whose file name has that part), and ends with
# `N passed, N failed`.
cd "$(dirname "$0")/.." || exit 1
# Servers of Debian are in /usr/sbin, which is not in every user's PATH.
export PATH="$PATH:/usr/sbin:/sbin"

# Package and the command that shows it is there.
need() {
  command -v "$2" >/dev/null && return
  echo "installing $1"
  if [ "$(id -u)" = 0 ]; then run=""; elif sudo -n true 2>/dev/null; then run="sudo"; else run="none"; fi
  if [ "$run" != none ] && command -v apt-get >/dev/null; then
    [ -n "$updated" ] || $run apt-get update >/dev/null 2>&1
    updated=1
    { DEBIAN_FRONTEND=noninteractive $run apt-get install -y --no-install-recommends "$1"; } >/dev/null 2>&1
  fi
  command -v "$2" >/dev/null && return
  echo "please install $2 (Debian, Ubuntu: apt-get install $1): some tests need it" | tee "$results/$2.log" >&2
  echo 1 >"$results/$2.status"
}
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
updated=
need redis-server redis-server
need openssl openssl
need wabt wat2wasm
need nodejs node
need chromium chromium
need firefox-esr firefox-esr
need prometheus promtool
need nginx-light nginx
need caddy caddy
need haproxy haproxy
need lintian lintian
need systemd systemd-analyze
need iproute2 ip
need procps ps
need bsdutils script
need coturn turnserver
need curl curl
need zsh zsh
need man-db man
need podman podman
need runc runc

# Runs a command of `bun test`, keeps what it says and how it ended, and shows it once it has.
run() {
  local output="$results/${1//\//_}"
  shift
  "$@" >"$output.log" 2>&1
  echo "$?" >"$output.status"
  cat "$output.log"
}

bun=$(scripts/find-bun.sh) || exit 1
make --no-print-directory build || { echo "0 passed, 1 failed"; exit 1; }
[ -n "$TEST" ] || run check scripts/check.sh
# The attacks alone, as they measure what others notice of them. All else mostly waits, for leases, deadlines and pictures:
# two folders at a time, and the longest first.
others=$(find test -mindepth 1 -maxdepth 1 -type d ! -name attacks ! -name browser ! -name conformance ! -name helpers | sort)
for folder in test/attacks test/browser $others; do
  files=$(find "$folder" -name "*.test.ts" -path "*$TEST*" ! -name layers.test.ts | sort)
  [ -n "$files" ] || continue
  while [ "$(jobs -rp | wc -l)" -ge 2 ]; do wait -n; done
  # shellcheck disable=SC2046
  run "$folder" "$bun" test --timeout 60000 $(printf './%s ' $files) &
  [ "$folder" != test/attacks ] || wait
done
wait

"$bun" scripts/test-results.ts "$results"
