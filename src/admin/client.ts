// Asks a running server's administration listener, for the commands; every failure is a sentence an operator can act on.

import type { AdminError } from "./reports.ts"

/** 10 s: the server waits for other nodes for a second or two; who takes longer hangs. */
const ANSWER_MS = 10_000

/** Why there is no answer; the message is for people. */
export class NoAnswer extends Error {
  override name = "NoAnswer"
  /** The refusal's id, when the server refused (docs/admin.md). */
  readonly error: string | undefined

  constructor(message: string, error?: string) {
    super(message)
    this.error = error
  }
}

/** Whom to ask. */
export interface AdminTarget {
  /** Ends with a slash. */
  readonly url: string
  /** With the token, if there is one. */
  readonly headers: Readonly<Record<string, string>>
}

/**
 * GET, or POST of an order.
 * @throws NoAnswer
 */
export async function askAdmin<T>({ url, headers }: AdminTarget, path: string, order?: object): Promise<T> {
  const post = { method: "POST", body: JSON.stringify(order) }
  const json = { "content-type": "application/json" }
  let response: Response
  let text: string
  try {
    response = await fetch(`${url}${path}`, {
      ...(order === undefined ? {} : post),
      headers: { ...headers, ...(order === undefined ? {} : json) },
      signal: AbortSignal.timeout(ANSWER_MS),
    })
    text = await response.text()
  } catch (cause) {
    const { name, code = "", message } = cause as { name: string; code?: string; message: string }
    const reason = name === "TimeoutError" ? `no answer within ${ANSWER_MS / 1000} s` : REASONS[code] || message
    throw new NoAnswer(`${url} cannot be asked: ${reason} (--admin HOST:PORT names another)`)
  }
  if (response.status === 401) {
    const hasToken = headers["authorization"] !== undefined
    const reason = hasToken ? "does not take this token" : "wants a token"
    throw new NoAnswer(`${url} ${reason}: --admin-token-file FILE names the file it was started with`)
  }
  const answer = readJson(text)
  if (response.ok && answer !== undefined) return answer as T
  throw new NoAnswer(
    answer?.message ??
      `${url} is no administration listener of this version (${response.status}): ${text.trim().slice(0, 200)}`,
    answer?.error,
  )
}

/** By error code, of Bun or of the system. */
const REASONS: Readonly<Record<string, string>> = {
  ConnectionRefused: "nobody listens there",
  ECONNREFUSED: "nobody listens there",
  FailedToOpenSocket: "the name is unknown, or nobody can be reached there",
}

function readJson(text: string): Partial<AdminError> | undefined {
  try {
    const answer: unknown = JSON.parse(text)
    return typeof answer === "object" && answer !== null ? answer : undefined
  } catch {
    return undefined
  }
}
