// TURN credentials end at a time that stands in the user name ("A REST API For Access To TURN Services",
// draft-uberti-behave-turn-rest-00: Unix seconds, a colon, anything). A connection made or restarted later would get
// nowhere, so the server is asked for fresh ones before.
import type { IceServer, SignalingClient } from "../index.ts"

/** Four fifths of the time that is left: enough tries remain when the server is away just then. */
const ASK_AT = 0.8
/** 1 s: credentials that are shorter-lived are of no use to anybody. */
const LEAST_MS = 1_000
/** 2^31 - 1 ms, 24 days: the longest that a browser's timer waits. */
const MOST_MS = 2_147_483_647

/** Asks again and again until the returned function is called, or the credentials have ended all the same. */
export function keepFresh(client: SignalingClient, onFresh: (servers: IceServer[]) => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  const wait = (): void => {
    clearTimeout(timer)
    const left = millisecondsLeft(client.iceServers)
    if (left <= 0 || left === Number.POSITIVE_INFINITY) return
    timer = setTimeout(ask, Math.min(Math.max(left * ASK_AT, LEAST_MS), MOST_MS))
  }
  const ask = async (): Promise<void> => {
    const before = client.iceServers
    await client.info().catch(() => undefined)
    if (client.iceServers !== before) onFresh(client.iceServers)
    wait()
  }
  const off = client.on("joined_room", wait)
  return () => {
    off()
    clearTimeout(timer)
  }
}

/** Until the first of them ends; infinite when none does. */
function millisecondsLeft(servers: readonly IceServer[]): number {
  const ends = servers.flatMap(({ username = "" }) => /^(\d+)(:|$)/.exec(username)?.[1] ?? [])
  return Math.min(...ends.map((end) => Number(end) * 1000)) - Date.now()
}
