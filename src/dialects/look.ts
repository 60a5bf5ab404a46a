// Plain HTTP requests that want to know of rooms or peers: plug-ins say of which.

import type { Visit } from "./contract.ts"
import type { Hooks, MayKnow } from "./hooks.ts"

/** What a visitor is answered who may know of nothing. */
export interface NotToldAnything {
  readonly status: 401 | 500 | 503
  readonly text: string
}

/** Everything. */
const ANYTHING: MayKnow = () => true

/** Of which rooms the visitor may know. */
export async function mayKnow(
  { look }: Hooks,
  request: Request,
  { address }: Pick<Visit, "address">,
  dialect: string,
): Promise<MayKnow | NotToldAnything> {
  const verdict = (await look?.(request, { address, dialect })) ?? ANYTHING
  if (typeof verdict === "function") return verdict
  if (!("error" in verdict)) return { status: 401, text: verdict.message }
  return verdict.error === "internal"
    ? { status: 500, text: "internal error" }
    : { status: 503, text: "service unavailable, try again" }
}
