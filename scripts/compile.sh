#!/bin/sh
# Compiles the executable: scripts/compile.sh FILE [TARGET], such as linux-arm64-musl; without a target for this machine.
# The same sources give the same bytes in any folder.
cd "$(dirname "$0")/.." || exit 1
bun=$(scripts/find-bun.sh) || exit 1
file=$1
mkdir -p "$(dirname "$file")"
# autoload: without the first two a .env or bunfig.toml in the folder it is started from would change it; with the third
# it finds the npm packages beside a plug-in by their package.json.
# define: packages that ask for their own folder would be told the one they were built in.
# sourcemap: 0.9 MB, for which a stack in the log names lines of the sources.
"$bun" build --compile \
  --no-compile-autoload-dotenv --no-compile-autoload-bunfig --compile-autoload-package-json \
  --define '__dirname="/"' --define '__filename="/index.js"' \
  --minify --sourcemap=inline ${2:+--target="bun-$2"} --outfile "$file" src/main.ts >/dev/null || exit 1
rm -f "$file.map"
