// The `info` event: which protocol and which server this is, and for members of a room the ICE servers anew, because the
// credentials of `joined_room` end before a long call does.

import * as v from "valibot"
import type { IceOptions } from "../dialects/ice.ts"
import { CONTRACT, definePlugin, onEvent } from "./define.ts"
import { iceFieldsFor } from "./ice.ts"

/** The version of protocol.md. */
const PROTOCOL_VERSION = "1.0.0"

/** The plug-in that tells these servers to members. */
export function infoPlugin(ice: IceOptions) {
  return definePlugin({
    name: "info",
    contract: CONTRACT,
    setup: ({ version }) => {
      return {
        events: {
          info: onEvent(v.object({}), ({ connection, reply }) =>
            reply("info", {
              protocol_version: PROTOCOL_VERSION,
              server: "palava-machine",
              version,
              ...(connection.room === undefined ? undefined : iceFieldsFor(ice, connection.peer, Date.now())),
            }),
          ),
        },
      }
    },
  })
}
