#!/bin/sh
# Format and lint (biome), types (tsc), layers (a test that reads the import lines).
cd "$(dirname "$0")/.." || exit 1
bun=$(scripts/find-bun.sh) || exit 1
"$bun" node_modules/@biomejs/biome/bin/biome check --error-on-warnings . || exit 1
"$bun" node_modules/typescript/bin/tsc -p . || exit 1
"$bun" node_modules/typescript/bin/tsc -p src/web || exit 1
"$bun" test ./test/unit/layers.test.ts
