// Whether each STUN server answers, and each TURN server relays for credentials made as the clients get them.

import { makeCredentials } from "../dialects/ice.ts"
import { type Finding, NoAnswer, reasonOf } from "./finding.ts"
import { askForAddress, askForRelay, type IceServer, Refused, toIceServer } from "./stun-client.ts"

/** What it depends on. */
interface IceConfig {
  readonly iceServer: readonly string[]
  readonly turnSecret: string
  readonly turnTtlSeconds: number
}

/** Addresses that nobody on the internet can reach (RFC 1918, RFC 3927, loopback). */
const PRIVATE = /^(10\.|127\.|169\.254\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|\[(::1|f[cd]|fe80))/

/** A line for each server told to clients. */
export async function checkIce({ iceServer, turnSecret, turnTtlSeconds }: IceConfig): Promise<Finding[]> {
  if (iceServer.length === 0) {
    const advice = "give --ice-server: without TURN, people behind strict firewalls cannot call each other"
    return [{ verdict: "odd", what: "STUN and TURN", result: "none is told to clients", advice }]
  }
  return await Promise.all(
    iceServer.map(async (url) => {
      const server = toIceServer(url)
      try {
        if (server.scheme.startsWith("stun")) {
          return { verdict: "ok" as const, what: url, result: `sees this machine as ${await askForAddress(server)}` }
        }
        const { username, credential } = makeCredentials(turnSecret, turnTtlSeconds, "doctor", Date.now())
        return relayFinding(url, server, await askForRelay(server, username, credential))
      } catch (cause) {
        return { verdict: "bad" as const, what: url, result: reasonOf(cause), advice: adviceFor(server, cause) }
      }
    }),
  )
}

function relayFinding(url: string, server: IceServer, relay: string): Finding {
  if (!PRIVATE.test(relay) || PRIVATE.test(server.host) || server.host === "localhost") {
    return { verdict: "ok", what: url, result: `relays at ${relay}` }
  }
  const advice = "set external-ip in turnserver.conf to its public address"
  return { verdict: "bad", what: url, result: `relays at ${relay}, which nobody outside can reach`, advice }
}

function adviceFor({ host, port, transport }: IceServer, cause: unknown): string {
  if (cause instanceof Refused) {
    if (cause.code === 401) {
      return "turnserver.conf needs use-auth-secret, --turn-secret as its static-auth-secret, and both machines the right time"
    }
    if (cause.code === 486) return "its quota is used up: raise user-quota and total-quota in turnserver.conf"
    if (cause.code === 508) return "it has no relay ports left: widen min-port to max-port in turnserver.conf"
    return "its log says why"
  }
  const place = `${transport === "udp" ? "UDP" : "TCP"} port ${port}`
  if (cause instanceof NoAnswer) return `is it running on ${host}, and does its firewall let ${place} through?`
  return `is it running on ${host}, ${place}?`
}
