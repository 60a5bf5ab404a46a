// What members may relay to each other, once. It stands in an expression, as only a literal is compiled into the function
// that asks it: made of a list, the same expression costs every relayed frame 70 ns more (Bun 1.4.5).

/** How a frame begins where `data.event` is the first key of its data and not the only one, as most clients write it. */
export const HEAD_WITH_EVENT =
  /^\{"event":"send_to_peer","peer_id":".{36}","data":\{"event":"(?:ice_candidate|offer|answer|message)",/

/** The values of `data.event` in it. */
export const RELAY_EVENTS: readonly string[] = /\(\?:(.+)\)/.exec(HEAD_WITH_EVENT.source)?.[1]?.split("|") ?? []
