#!/bin/sh
# Executables for every target people asked for, with their SHA-256 sums, in dist/release.
cd "$(dirname "$0")/.." || exit 1
bun=$(scripts/find-bun.sh) || exit 1
version=$(sed -n 's/.*"version": "\([^"]*\)".*/\1/p' package.json)
rm -rf dist/release && mkdir -p dist/release
for target in linux-x64 linux-x64-baseline linux-arm64 linux-x64-musl linux-arm64-musl darwin-x64 darwin-arm64; do
  "$bun" build --compile --no-compile-autoload-dotenv --no-compile-autoload-bunfig --compile-autoload-package-json --minify --target="bun-$target" --outfile "dist/release/palava-machine-$version-$target" src/main.ts || exit 1
done
cd dist/release && sha256sum palava-machine-* >SHA256SUMS && ls -l
