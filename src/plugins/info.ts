// The `info` event: which protocol and which server this is.

import * as v from "valibot"
import { CONTRACT, definePlugin, onEvent } from "./define.ts"

/** The version of protocol.md. */
const PROTOCOL_VERSION = "1.0.0"

/** See the head of this file. */
export const infoPlugin = definePlugin({
  name: "info",
  contract: CONTRACT,
  setup: ({ version }) => ({
    events: {
      info: onEvent(v.object({}), ({ reply }) =>
        reply("info", { protocol_version: PROTOCOL_VERSION, server: "palava-machine", version }),
      ),
    },
  }),
})
