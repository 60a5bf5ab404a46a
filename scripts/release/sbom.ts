// The bill of materials of the executable (CycloneDX 1.5, JSON): what is compiled into it, by the lock file. Packages that
// only develop or test it are not in it.

import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { join } from "node:path"

const ROOT = join(import.meta.dir, "../..")

/** Development packages of which something ends up in the executable: its run time, and what the pages bundle. */
const BUNDLED = ["bun", "uplot"]

/** A package in package-lock.json. */
interface Locked {
  readonly version: string
  readonly license?: string
  readonly integrity?: string
  readonly dev?: boolean
  readonly devOptional?: boolean
  readonly dependencies?: Readonly<Record<string, string>>
}

/** A part of the executable. */
export interface Component {
  readonly name: string
  readonly version: string
  readonly license: string
  /** SHA-512 of the package, hex; empty for what is in this repository. */
  readonly sha512: string
  readonly dependsOn: readonly string[]
}

/** Every part, by name. */
export function components(): Component[] {
  const { packages } = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as {
    packages: Record<string, Locked>
  }
  const locked = Object.entries(packages).flatMap(([path, entry]) => {
    const name = path.split("node_modules/").at(-1) ?? ""
    if (name === "" || ((entry.dev ?? entry.devOptional) === true && !BUNDLED.includes(name))) return []
    return [
      {
        name,
        version: entry.version,
        license: entry.license ?? "unknown",
        sha512: Buffer.from(entry.integrity?.replace(/^sha512-/, "") ?? "", "base64").toString("hex"),
        // Of Bun only the executable of the target is taken, which has its version.
        dependsOn: name === "bun" ? [] : Object.keys(entry.dependencies ?? {}),
      },
    ]
  })
  const font = { name: "figtree", version: "variable", license: "OFL-1.1", sha512: "", dependsOn: [] }
  return [...locked, font].sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** The document, for a release of `version` made at `date` (ISO 8601). */
export function makeSbom(version: string, date: string): string {
  const all = components()
  const refs = new Map(all.map((part) => [part.name, refOf(part)]))
  const root = `palava-machine@${version}`
  const direct = Object.keys(
    (JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { dependencies: Record<string, string> })
      .dependencies,
  )
  const document = {
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    serialNumber: `urn:uuid:${uuidOf(`${root} ${JSON.stringify(all)}`)}`,
    version: 1,
    metadata: {
      timestamp: date,
      component: {
        type: "application",
        "bom-ref": root,
        name: "palava-machine",
        version,
        licenses: [{ license: { id: "MIT" } }],
      },
    },
    components: all.map((part) => ({
      type: part.name === "bun" ? "platform" : part.sha512 === "" ? "file" : "library",
      "bom-ref": refOf(part),
      name: part.name,
      version: part.version,
      licenses: [{ license: { id: part.license } }],
      ...(part.sha512 === "" ? {} : { hashes: [{ alg: "SHA-512", content: part.sha512 }], purl: refOf(part) }),
    })),
    dependencies: [
      { ref: root, dependsOn: [...direct, ...BUNDLED, "figtree"].map((name) => refs.get(name)).filter(Boolean) },
      ...all.map((part) => ({
        ref: refOf(part),
        dependsOn: part.dependsOn.map((name) => refs.get(name)).filter(Boolean),
      })),
    ],
  }
  return `${JSON.stringify(document, undefined, 2)}\n`
}

/** The package URL (purl) of an npm package; the name of what is in this repository. */
function refOf({ name, version, sha512 }: Component): string {
  return sha512 === "" ? name : `pkg:npm/${name.replace(/^@/, "%40")}@${version}`
}

/** A UUID that the same content always gets (RFC 9562, version 8). */
function uuidOf(content: string): string {
  const hex = createHash("sha256").update(content).digest("hex")
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    "-",
  )
}
