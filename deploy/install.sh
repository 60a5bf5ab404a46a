#!/bin/sh
# Installs palava-machine from a release (what `make release` makes), given as a folder or as a URL:
#
#   sh install.sh FOLDER|URL [--prefix /usr/local]
#
# Takes the archive for this machine, compares it with SHA256SUMS beside it, and installs executable, man page and
# completions, and on Linux a unit for systemd. A configuration in /etc/palava-machine is written only where there is none.
# Nothing is started. TARGET=linux-x64-baseline and the like take another archive; DESTDIR is put before every path.
set -eu

say() { printf 'install.sh: %s\n' "$1" >&2; }
die() {
  say "$1"
  exit 1
}

from=""
prefix=/usr/local
while [ $# -gt 0 ]; do
  case $1 in
    --prefix)
      [ $# -gt 1 ] || die "--prefix needs a folder"
      prefix=$2
      shift
      ;;
    -*) die "unknown option $1: there is --prefix" ;;
    *) [ -z "$from" ] && from=${1%/} || die "one folder or URL is enough" ;;
  esac
  shift
done
[ -n "$from" ] || die "usage: sh install.sh FOLDER|URL [--prefix /usr/local]"
root=${DESTDIR:-}

# The archive's name for this machine.
target() {
  case "$(uname -s)/$(uname -m)" in
    Linux/x86_64) cpu=linux-x64 ;;
    Linux/aarch64 | Linux/arm64) cpu=linux-arm64 ;;
    Darwin/x86_64) cpu=darwin-x64 ;;
    Darwin/arm64) cpu=darwin-arm64 ;;
    *) die "there is no executable for $(uname -s) on $(uname -m)" ;;
  esac
  case $cpu in
    linux-*) if ls /lib/ld-musl-*.so.1 >/dev/null 2>&1; then cpu=$cpu-musl; fi ;;
  esac
  if [ "$cpu" = linux-x64 ] && ! grep -qw avx2 /proc/cpuinfo; then cpu=linux-x64-baseline; fi
  echo "$cpu"
}

# Gets a file of the release into the folder $work.
get() {
  case $from in
    http://* | https://*)
      if command -v curl >/dev/null; then
        curl --fail --silent --show-error --location --output "$work/$1" "$from/$1"
      else
        wget --quiet --output-document="$work/$1" "$from/$1"
      fi || die "$from/$1 cannot be fetched"
      ;;
    *) cp "$from/$1" "$work/$1" || die "$from is no release: $1 is missing" ;;
  esac
}

sha256() { if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1; }

put() { # MODE FILE PLACE
  mkdir -p "$root$(dirname "$3")"
  # Beside it and then in its place: what runs from the old file goes on with it.
  cp "$2" "$root$3.new" && chmod "$1" "$root$3.new" && mv -f "$root$3.new" "$root$3"
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
case $from in http://*) say "warning: over http anybody on the way can change the archive and its sum" ;; esac

target=${TARGET:-$(target)}
get SHA256SUMS
line=$(grep -E "^[0-9a-f]{64}  palava-machine-[0-9][^/ ]*-$target\.tar\.gz\$" "$work/SHA256SUMS" || true)
[ -n "$line" ] || die "SHA256SUMS in $from names no archive for $target"
[ "$(printf '%s\n' "$line" | wc -l)" -eq 1 ] || die "SHA256SUMS in $from names several archives for $target"
sum=${line%% *}
archive=${line##* }
get "$archive"
[ "$(sha256 "$work/$archive")" = "$sum" ] || die "$archive is not what SHA256SUMS says: nothing was installed"

tar -xzf "$work/$archive" -C "$work"
new=$work/${archive%.tar.gz}
put 755 "$new/palava-machine" "$prefix/bin/palava-machine"
put 644 "$new/palava-machine.1" "$prefix/share/man/man1/palava-machine.1"
put 644 "$new/palava-machine.bash" "$prefix/share/bash-completion/completions/palava-machine"
put 644 "$new/_palava-machine" "$prefix/share/zsh/site-functions/_palava-machine"
echo "installed $("$new/palava-machine" --version 2>/dev/null || echo "for $target") as $prefix/bin/palava-machine"

if [ -d "$new/systemd" ]; then
  config=/etc/palava-machine/palava-machine.toml
  [ -e "$root$config" ] || put 640 "$new/palava-machine.toml" "$config"
  sed "s|/usr/bin/palava-machine|$prefix/bin/palava-machine|" "$new/systemd/palava-machine.service" >"$work/unit"
  put 644 "$work/unit" /etc/systemd/system/palava-machine.service
  put 644 "$new/systemd/tls.conf" "$prefix/share/doc/palava-machine/tls.conf"
  echo "configure $config, and for TLS see $prefix/share/doc/palava-machine/tls.conf; then:"
  echo "  systemctl daemon-reload && systemctl enable --now palava-machine"
fi
