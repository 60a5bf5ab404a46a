// `make deb`: a Debian package in dist/deb, for the architecture ARCH (amd64 or arm64; this machine's if not given). Only
// dpkg-deb is needed. The same commit gives the same bytes.
//
// EXECUTABLE takes one that is compiled already, VERSION another version, COMPRESSION other options of dpkg-deb.

import { createHash } from "node:crypto"
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { gzipSync } from "node:zlib"
import { writeDocuments } from "../documents/write.ts"
import { changelogEntry, date, epoch, ROOT, run, version } from "./about.ts"
import { components } from "./sbom.ts"

/** Bun's target by Debian's architecture. */
const TARGETS: Readonly<Record<string, string>> = { amd64: "linux-x64", arm64: "linux-arm64" }

/** Who answers for the package; another one builds with DEBFULLNAME and DEBEMAIL, as Debian's tools have it. */
const MAINTAINER = `${process.env["DEBFULLNAME"] || "palava-machine authors"} <${process.env["DEBEMAIL"] || "palava-machine@localhost.localdomain"}>`

const architecture = process.env["ARCH"] || (process.arch === "arm64" ? "arm64" : "amd64")
const target = TARGETS[architecture]
if (target === undefined) throw new Error(`unknown ARCH ${architecture}: there are ${Object.keys(TARGETS).join(", ")}`)

const OUTPUT = join(ROOT, "dist/deb")
const STAGE = join(OUTPUT, "stage")
const DEPLOY = join(ROOT, "deploy")

rmSync(STAGE, { recursive: true, force: true })
await stage()
control()
const file = `palava-machine_${version}_${architecture}.deb`
run("find", [STAGE, "-exec", "touch", "--no-dereference", `--date=@${epoch}`, "{}", "+"])
run("dpkg-deb", [
  ...(process.env["COMPRESSION"] ?? "-Zxz").split(" "),
  ...["--root-owner-group", "--build", STAGE, join(OUTPUT, file)],
])
rmSync(STAGE, { recursive: true })
console.log(`dist/deb/${file}  ${(statSync(join(OUTPUT, file)).size / 1e6).toFixed(1)} MB`)

/** All files where they will be. */
async function stage(): Promise<void> {
  const executable = join(STAGE, "usr/bin/palava-machine")
  const compiled = process.env["EXECUTABLE"]
  mkdirSync(dirname(executable), { recursive: true })
  if (compiled === undefined) run("scripts/compile.sh", [executable, target ?? ""])
  else cpSync(compiled, executable)
  chmodSync(executable, 0o755)

  const documents = join(OUTPUT, "documents")
  await writeDocuments(documents, date.slice(0, 10))
  // Only root: it may hold the passwords of Redis and TURN. systemd hands the service a copy.
  put("etc/palava-machine/palava-machine.toml", readFileSync(join(documents, "palava-machine.toml")), 0o640)
  put("usr/share/man/man1/palava-machine.1.gz", packed(readFileSync(join(documents, "palava-machine.1"))))
  put("usr/share/bash-completion/completions/palava-machine", readFileSync(join(documents, "palava-machine.bash")))
  put("usr/share/zsh/vendor-completions/_palava-machine", readFileSync(join(documents, "_palava-machine")))
  rmSync(documents, { recursive: true })
  put("lib/systemd/system/palava-machine.service", readFileSync(join(DEPLOY, "systemd/palava-machine.service")))
  put("usr/share/lintian/overrides/palava-machine", readFileSync(join(DEPLOY, "debian/lintian-overrides")))
  const doc = "usr/share/doc/palava-machine"
  put(`${doc}/copyright`, copyright())
  put(`${doc}/changelog.gz`, packed(Buffer.from(changelog())))
  for (const example of [
    "systemd/tls.conf",
    "nginx/palava-machine.conf",
    "caddy/Caddyfile",
    "haproxy/haproxy.cfg",
    "prometheus/palava-machine.rules.yml",
    "grafana/palava-machine.json",
  ]) {
    put(`${doc}/examples/${example}`, readFileSync(join(DEPLOY, example)))
  }
}

function control(): void {
  const size = Math.ceil(statSync(join(STAGE, "usr/bin/palava-machine")).size / 1024)
  put(
    "DEBIAN/control",
    `Package: palava-machine
Version: ${version}
Architecture: ${architecture}
Maintainer: ${MAINTAINER}
Installed-Size: ${size}
Pre-Depends: init-system-helpers (>= 1.54~)
Depends: libc6 (>= 2.17)
Suggests: redis-server, coturn
Section: net
Priority: optional
Description: signaling server for WebRTC
 Browsers meet in a room of this server, exchange offers, answers and ICE
 candidates through it, and then talk to each other directly. It serves
 WebSockets and a demo call, and metrics and health for operators.
 .
 Alone it keeps its rooms in memory; with Redis any number of nodes behave as
 one, and rooms outlive the crash of any node.
`,
  )
  const files = [...new Bun.Glob("{usr,lib}/**").scanSync({ cwd: STAGE, dot: true })].sort()
  const sum = (path: string) =>
    createHash("md5")
      .update(readFileSync(join(STAGE, path)))
      .digest("hex")
  put("DEBIAN/md5sums", files.map((path) => `${sum(path)}  ${path}\n`).join(""))
  put("DEBIAN/conffiles", "/etc/palava-machine/palava-machine.toml\n")
  for (const script of ["postinst", "prerm", "postrm"]) {
    put(`DEBIAN/${script}`, readFileSync(join(DEPLOY, "debian", script)), 0o755)
  }
}

/** Writes a file of the package. */
function put(path: string, content: string | Uint8Array, mode = 0o644): void {
  const place = join(STAGE, path)
  mkdirSync(dirname(place), { recursive: true, mode: 0o755 })
  writeFileSync(place, content)
  chmodSync(place, mode)
}

/** As `gzip -9n` does it: without name and time. */
function packed(content: Uint8Array): Uint8Array {
  return gzipSync(content, { level: 9 })
}

/** The changelog's entry in Debian's form (deb-changelog(5)). */
function changelog(): string {
  const items = changelogEntry()
    .split("\n")
    .filter((line) => line.startsWith("- "))
    .map(
      (line) =>
        `  * ${line
          .slice(2)
          .replace(/(.{1,74})(?: |$)/g, "$1\n    ")
          .trim()}`,
    )
  const day = new Date(date).toUTCString().replace("GMT", "+0000")
  return `palava-machine (${version}) stable; urgency=medium\n\n${items.join("\n")}\n\n -- ${MAINTAINER}  ${day}\n`
}

/** Who owns what is in it (the form is DEP-5), by the lock file. */
function copyright(): string {
  const license = readFileSync(join(ROOT, "LICENSE"), "utf8")
  const [, holder = ""] = /Copyright \(c\) (.+)/.exec(license) ?? []
  const text = license.slice(license.indexOf("Permission")).trim().replace(/^$/gm, ".").replace(/^/gm, " ")
  const parts = components().map(({ name, version, license }) => ` ${name} ${version}: ${license}`)
  return `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: palava-machine
Comment:
 The executable has these packages compiled into it, each under the licence
 beside it. Bun itself contains, among others, JavaScriptCore under the GNU
 Lesser General Public License 2 (/usr/share/common-licenses/LGPL-2).
${parts.join("\n")}

Files: *
Copyright: ${holder}
License: MIT
${text}
`
}
