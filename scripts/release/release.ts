// `make release`: for each target an archive with the executable, its unit, man page and completions, and beside them
// SHA256SUMS, the bill of materials and the changelog's entry, in dist/release. TARGETS="linux-x64 ..." makes some only.
// The same commit gives the same bytes, in any folder and at any time.

import { createHash } from "node:crypto"
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DOCUMENTS, writeDocuments } from "../documents/write.ts"
import { changelogEntry, date, epoch, ROOT, run, version } from "./about.ts"
import { makeSbom } from "./sbom.ts"

/** Bun's names. baseline is for processors of before 2013; musl for Alpine and the like. */
const TARGETS = [
  "linux-x64",
  "linux-x64-baseline",
  "linux-arm64",
  "linux-x64-musl",
  "linux-arm64-musl",
  "darwin-x64",
  "darwin-arm64",
]

const OUTPUT = join(ROOT, "dist/release")
const STAGE = join(ROOT, "dist/stage")

const asked = (process.env["TARGETS"] ?? "").split(/\s+/).filter((target) => target !== "")
const strangers = asked.filter((target) => !TARGETS.includes(target))
if (strangers.length > 0) throw new Error(`unknown target ${strangers.join(", ")}: there are ${TARGETS.join(", ")}`)

rmSync(OUTPUT, { recursive: true, force: true })
mkdirSync(OUTPUT, { recursive: true })
for (const target of asked.length > 0 ? asked : TARGETS) await makeArchive(target)
writeFileSync(join(OUTPUT, `palava-machine-${version}.cdx.json`), makeSbom(version, date))
writeFileSync(join(OUTPUT, "CHANGELOG.md"), changelogEntry())
cpSync(join(ROOT, "deploy/install.sh"), join(OUTPUT, "install.sh"))
writeSums()
rmSync(STAGE, { recursive: true })

async function makeArchive(target: string): Promise<void> {
  const name = `palava-machine-${version}-${target}`
  const folder = join(STAGE, name)
  rmSync(folder, { recursive: true, force: true })
  const executable = join(folder, "palava-machine")
  run("scripts/compile.sh", [executable, target])
  await writeDocuments(folder, date.slice(0, 10))
  if (target.startsWith("linux")) cpSync(join(ROOT, "deploy/systemd"), join(folder, "systemd"), { recursive: true })
  for (const file of ["README.md", "CHANGELOG.md", "LICENSE"]) cpSync(join(ROOT, file), join(folder, file))
  for (const file of DOCUMENTS) statSync(join(folder, file))
  const tar = join(STAGE, `${name}.tar`)
  run("tar", [
    ...["--create", "--file", tar, "--directory", STAGE, "--format=ustar", "--sort=name", `--mtime=@${epoch}`],
    ...["--owner=0", "--group=0", "--numeric-owner", "--mode=u=rwX,go=rX", name],
  ])
  // -n: without the time, which would make it another file each second.
  run("gzip", ["-n", process.env["FAST"] === undefined ? "-9" : "-1", tar])
  cpSync(`${tar}.gz`, join(OUTPUT, `${name}.tar.gz`))
  const [whole, packed] = [statSync(executable).size, statSync(join(OUTPUT, `${name}.tar.gz`)).size]
  rmSync(folder, { recursive: true })
  rmSync(`${tar}.gz`)
  console.log(`${name}.tar.gz  ${megabytes(packed)}; the executable in it ${megabytes(whole)}`)
}

function writeSums(): void {
  const lines = readdirSync(OUTPUT)
    .sort()
    .map((file) => {
      const sum = createHash("sha256")
        .update(readFileSync(join(OUTPUT, file)))
        .digest("hex")
      return `${sum}  ${file}\n`
    })
  writeFileSync(join(OUTPUT, "SHA256SUMS"), lines.join(""))
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
