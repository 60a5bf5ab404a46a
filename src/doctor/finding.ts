// What the doctor's checks have in common: what a finding is, and how long anything may take.

/**
 * ok; odd: works, but somebody should look at it; bad: keeps users from connecting; skipped: could not be looked at, or
 * there is nothing to look at.
 */
export type Verdict = "ok" | "odd" | "bad" | "skipped"

/** One line of the doctor's report. */
export interface Finding {
  readonly verdict: Verdict
  /** What was looked at: an option's value, an address, a file. No secrets. */
  readonly what: string
  /** What is so. */
  readonly result: string
  /** What to do about it. */
  readonly advice?: string
}

/** 5 s for one question and its answer: a browser's user would have given up by then. */
export const DEADLINE_MS = 5000

/** It took longer than DEADLINE_MS. */
export class NoAnswer extends Error {
  override name = "NoAnswer"

  constructor() {
    super(`no answer within ${DEADLINE_MS / 1000} s`)
  }
}

/** Rejects with NoAnswer when `asked` takes longer than DEADLINE_MS. */
export async function withDeadline<T>(asked: Promise<T>): Promise<T> {
  let timer: Timer | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new NoAnswer()), DEADLINE_MS)
  })
  try {
    return await Promise.race([asked, late])
  } finally {
    clearTimeout(timer)
  }
}

/** What went wrong, in words an operator knows. */
export function reasonOf(cause: unknown): string {
  const { code = "", message = String(cause) } = cause as { code?: string; message?: string }
  return REASONS[code] ?? (message.split("\n")[0] || code || "failed without saying why")
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nobody listens there",
  ConnectionRefused: "nobody listens there",
  ECONNRESET: "the connection was cut off",
  ENOTFOUND: "the name is unknown",
  EAI_AGAIN: "the name cannot be looked up now",
  DNS_ENOTFOUND: "the name is unknown",
  EHOSTUNREACH: "there is no way to that address",
  ENETUNREACH: "there is no way to that address",
  ETIMEDOUT: "no answer",
  CERT_HAS_EXPIRED: "the certificate has expired",
  DEPTH_ZERO_SELF_SIGNED_CERT: "the certificate is signed by itself, which no browser accepts",
  SELF_SIGNED_CERT_IN_CHAIN: "the certificate is signed by an authority that browsers do not know",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "the certificate comes without the chain up to an authority that browsers know",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "the certificate comes without the chain up to an authority that browsers know",
  ERR_TLS_CERT_ALTNAME_INVALID: "the certificate is for another name",
}
