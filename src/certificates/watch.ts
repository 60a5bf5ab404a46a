// Certificates in use, while their files may be renewed under them. The files are looked at again and again: by content,
// as what renews them may swap links, rename folders or write in place, on any file system. A pair that is good is used
// at once; one that is not changes nothing, and is told of once.

import type { Clock } from "../clock.ts"
import type { Log } from "../log.ts"
import type { CertificateFiles } from "./files.ts"
import {
  BadCertificate,
  type CertificatePair,
  dayOf,
  daysLeft,
  judgePair,
  readPem,
  SOON_DAYS,
  staleness,
} from "./pair.ts"

/** 5 s: a renewal is in use before whoever ordered it looks, and reading a few kilobytes as often costs nothing. */
const LOOK_MS = 5_000

/** A day between two lines about one that ends soon. */
const REMIND_MS = 86_400_000

/** What became of a look at all files, worst first. */
export type Outcome = "refused" | "renewed" | "unchanged"

/** What is watched, and who is told. */
export interface WatchParts {
  /** In use when it begins, the one for all names first. */
  readonly pairs: readonly CertificatePair[]
  readonly clock: Clock
  readonly log: Log
  /** Uses these from now on. @throws when they cannot be used; then the old ones stay */
  readonly use: (pairs: readonly CertificatePair[]) => void
}

/** See the head of this file. */
export class CertificateWatch {
  readonly #parts: WatchParts
  #pairs: readonly CertificatePair[]
  /** Of pairs that were refused: what was read, or why nothing could be; so that each is told of once. */
  readonly #refused = new Map<CertificateFiles, string>()
  /** Of pairs that looked wrong a moment ago: perhaps only one of the two files had been written. */
  readonly #unsettled = new Map<CertificateFiles, string>()
  readonly #remindedAt = new Map<CertificateFiles, number>()
  #stop: () => void = () => {}

  constructor(parts: WatchParts) {
    this.#parts = parts
    this.#pairs = parts.pairs
    this.#remind()
    this.#lookLater()
  }

  /** In use now. */
  get pairs(): readonly CertificatePair[] {
    return this.#pairs
  }

  /** Looks at once, and says again what is wrong. */
  reload(): Outcome {
    this.#refused.clear()
    return this.#look(true)
  }

  /** Looks no more. */
  stop(): void {
    this.#stop()
  }

  #lookLater(): void {
    this.#stop = this.#parts.clock.after(LOOK_MS, () => {
      this.#look(false)
      this.#lookLater()
    })
  }

  #look(isAsked: boolean): Outcome {
    const found = this.#pairs.map((pair) => this.#examine(pair, isAsked))
    const next = found.map((outcome, at) =>
      typeof outcome === "object" ? outcome : (this.#pairs[at] as CertificatePair),
    )
    const isNew = found.some((outcome) => typeof outcome === "object")
    const isUsed = isNew && this.#use(next)
    this.#remind()
    if (found.includes("refused") || (isNew && !isUsed)) return "refused"
    return isNew ? "renewed" : "unchanged"
  }

  /** The pair that its files hold now, if it is another one. */
  #examine({ files, cert, key }: CertificatePair, isAsked: boolean): CertificatePair | "refused" | "unchanged" {
    let seen = ""
    try {
      const [newCert, newKey] = [readPem("--tls-cert", files.cert), readPem("--tls-key", files.key)]
      if (newCert === cert && newKey === key) {
        this.#unsettled.delete(files)
        this.#refused.delete(files)
        return "unchanged"
      }
      seen = newCert + newKey
      const pair = judgePair(files, newCert, newKey)
      const stale = staleness(pair, this.#parts.clock.unixMs())
      if (stale !== undefined) throw new BadCertificate(stale)
      return pair
    } catch (cause) {
      if (!(cause instanceof BadCertificate)) throw cause
      this.#refuse(files, seen || cause.message, cause.message, isAsked)
      return "refused"
    }
  }

  /** Told at the second look that finds the same: the two files are not written in one moment. */
  #refuse(files: CertificateFiles, seen: string, reason: string, isAsked: boolean): void {
    const isSettled = isAsked || this.#unsettled.get(files) === seen
    this.#unsettled.set(files, seen)
    if (!isSettled || this.#refused.get(files) === seen) return
    this.#refused.set(files, seen)
    this.#parts.log.warn({ reason }, "a certificate was refused, the old one stays in use")
  }

  #use(pairs: readonly CertificatePair[]): boolean {
    const { log, use, clock } = this.#parts
    const renewed = pairs.filter((pair) => !this.#pairs.includes(pair))
    try {
      use(pairs)
    } catch (cause) {
      for (const { files, cert, key } of renewed) this.#refuse(files, cert + key, String(cause), true)
      return false
    }
    for (const { files, chain } of renewed) {
      this.#remindedAt.delete(files)
      log.info(
        { file: files.cert, expires: dayOf(chain[0]), days: daysLeft(chain[0], clock.unixMs()) },
        "a renewed certificate is in use",
      )
    }
    this.#pairs = pairs
    return true
  }

  /** Once a day, of each that ends soon. */
  #remind(): void {
    const { log, clock } = this.#parts
    const now = clock.unixMs()
    for (const { files, chain } of this.#pairs) {
      const days = daysLeft(chain[0], now)
      if (days >= SOON_DAYS || now - (this.#remindedAt.get(files) ?? Number.NEGATIVE_INFINITY) < REMIND_MS) continue
      this.#remindedAt.set(files, now)
      const fields = { file: files.cert, expires: dayOf(chain[0]), days }
      if (days < 0) log.error(fields, "a certificate has expired")
      else log.warn(fields, "a certificate expires soon")
    }
  }
}
