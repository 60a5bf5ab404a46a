#!/bin/sh
# Prints a Bun that works: the one on the PATH if it is the version package.json pins, else the npm package's. npm may
# have refused that package's install script; then the binary still lies in its platform package.
cd "$(dirname "$0")/.." || exit 1
wanted=$(sed -n 's/.*"bun": "\([0-9.]*\)".*/\1/p' package.json)
for bun in "$(command -v bun)" node_modules/bun/bin/bun.exe node_modules/@oven/*/bin/bun; do
  if [ -n "$bun" ] && [ "$("$bun" --version 2>/dev/null)" = "$wanted" ]; then
    case $bun in /*) echo "$bun" ;; *) echo "$PWD/$bun" ;; esac
    exit 0
  fi
done
echo "no working bun $wanted: run 'npm ci' in $PWD" >&2
exit 1
