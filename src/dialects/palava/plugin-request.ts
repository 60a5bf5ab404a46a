// A client event beyond the dialect's own, as a plug-in gets it.

import type { PluginRequest } from "../hooks.ts"
import type { PalavaClient } from "./client.ts"
import type { Envelope } from "./client-events.ts"
import { ERRORS } from "./errors.ts"
import * as serverEvents from "./server-events.ts"

/** What the plug-in answers goes to `client`. */
export function toPluginRequest(
  client: Pick<PalavaClient, "send" | "refuse" | "refuseAs">,
  { event, ref, fields }: Envelope,
): PluginRequest {
  return {
    event,
    ref,
    fields,
    reply: (event, fields) => client.send(serverEvents.serverEvent(event, fields, ref)),
    refuseInvalid: (issue) => {
      client.refuseAs({ id: "invalid_message", message: `${ERRORS.invalid_message}: ${issue}` }, ref)
    },
    refuseFailed: ({ error }) => client.refuse(error, ref),
    refuseAs: (problem) => client.refuseAs(problem, ref),
  }
}
