// The access token of a page, for servers that ask for one.
import type { Timing } from "./connection.ts"
import { SignalingError } from "./requests.ts"

/** An access token, or what gets one: it is asked at each join, so that the token is fresh. */
export type Token = string | (() => string | Promise<string>)

/** Times, each with a default; and a token. */
export interface ClientOptions extends Partial<Timing> {
  token?: Token
}

/** Asks for a token. Rejects with a SignalingError when there is none. */
export async function askFor(token: Exclude<Token, string>): Promise<string> {
  try {
    return await token()
  } catch (cause) {
    throw new SignalingError("no_token", String(cause))
  }
}
