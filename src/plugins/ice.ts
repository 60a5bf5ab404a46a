// STUN and TURN servers told to every newcomer in `joined_room` (dialects/ice.ts makes them).

import { type IceOptions, iceServersFor } from "../dialects/ice.ts"
import type { Fields } from "./contract.ts"
import { CONTRACT, definePlugin } from "./define.ts"

/** The plug-in for these servers. */
export function icePlugin(options: IceOptions, now: () => number = Date.now) {
  const { urls, turnSecret } = options
  return definePlugin({
    name: "ice",
    contract: CONTRACT,
    setup: () => {
      if (urls.length === 0 && turnSecret === "") return {}
      return { decorate: ({ peer }) => iceFieldsFor(options, peer, now()) }
    },
  })
}

/** The fields of `joined_room`, and of a member's `info`; none where nothing is configured. */
export function iceFieldsFor(options: IceOptions, peer: string, unixMs: number): Fields {
  const { stun, turn, credentials } = iceServersFor(options, peer, unixMs)
  return {
    ...(credentials === undefined ? {} : { turn_user: credentials.username, turn_password: credentials.credential }),
    ...(options.urls.length === 0 ? {} : { ice_servers: [...stun, ...turn] }),
  }
}
