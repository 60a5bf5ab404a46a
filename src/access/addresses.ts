// Where a client is: the other end of its connection; or, where that is a proxy of ours, what the proxy says of it. What
// anybody else says in a header is not looked at.

import { isWithin, type Network, readAddress, readNetwork } from "./networks.ts"

/** 16 proxies in a row: no real chain is longer, and each costs a look. */
const MOST_HOPS = 16

/** One element of Forwarded (RFC 7239 section 4) up to its end: pairs of a token and a token or quoted string. */
const PAIR = /[ \t]*([\w!#$%&'*+.^`|~-]+)=(?:([\w!#$%&'*+.^`|~-]+)|"((?:[^"\\]|\\.)*)")[ \t]*(;|,|$)/y

/** A node of Forwarded, and what some proxies write into X-Forwarded-For: an address that may have a port. */
const NODE = /^(?:\[([^\]]+)\]|([\d.]+))(?::\w+)?$/

/** What of a request tells where it comes from. */
export type Addressed = Pick<Request, "headers">

/**
 * Makes the one function that tells where a request comes from: dotted decimal, or IPv6 as RFC 5952 writes it; empty when
 * `peer` is. It reads X-Forwarded-For or Forwarded (RFC 7239) from the right, up to the first who is none of ours.
 *
 * A proxy says nothing that can be used, when neither header is there or what it wrote is no address; or when there are
 * both and they say different things, as it then passes one of them on as the client sent it. Then it is its own address.
 * @param proxies networks of our proxies
 * @returns `peer` is the address of the other end of the connection
 */
export function makeAddressOf(proxies: readonly string[]): (request: Addressed, peer: string) => string {
  const trusted = proxies.map(readNetwork).filter((one) => one !== undefined)
  return ({ headers }, peer) => {
    // Most nodes listen on IPv4 and have no proxy to trust: nothing is made for their handshakes.
    if (trusted.length === 0 && !peer.includes(":")) return peer
    const read = readAddress(peer)
    if (read === undefined) return peer
    const own = read.toString()
    if (trusted.length === 0 || !isWithin(read, trusted)) return own
    const [plain, forwarded] = [headers.get("x-forwarded-for"), headers.get("forwarded")]
    const said = [
      ...(plain === null ? [] : [origin(readList(plain), own, trusted)]),
      ...(forwarded === null ? [] : [origin(readForwarded(forwarded), own, trusted)]),
    ]
    return said[0] === undefined || said.some((one) => one !== said[0]) ? own : said[0]
  }
}

/**
 * Whose request it is, where no proxy is known: its address, and behind a proxy the last one in X-Forwarded-For, which the
 * nearest proxy wrote. Compared only, never trusted: whoever comes without the proxy has another one.
 */
export function visitorOf({ headers }: Addressed, address: string): string {
  const forwarded = headers.get("x-forwarded-for")
  if (forwarded === null) return address
  return `${address} for ${forwarded.slice(forwarded.lastIndexOf(",") + 1).trim()}`
}

/** The last hop that is no proxy of ours; the first one, where all are. */
function origin(hops: readonly string[] | undefined, own: string, trusted: readonly Network[]): string {
  let last = own
  for (const hop of (hops ?? []).slice(-MOST_HOPS).reverse()) {
    const address = addressIn(hop)
    if (address === undefined) return own
    last = address.toString()
    if (!isWithin(address, trusted)) return last
  }
  return last
}

function addressIn(hop: string): ReturnType<typeof readAddress> {
  const [, inBrackets, dotted] = NODE.exec(hop) ?? []
  return readAddress(inBrackets ?? dotted ?? hop)
}

function readList(header: string): string[] {
  return header.split(",").map((hop) => hop.trim())
}

/** The `for` of each element; undefined when it does not follow the grammar: then no part of it can be told from another. */
function readForwarded(header: string): string[] | undefined {
  const hops: string[] = []
  let hop: string | undefined
  for (let at = 0; ; ) {
    PAIR.lastIndex = at
    const [pair = "", name = "", token, quoted = "", end] = PAIR.exec(header) ?? []
    if (pair === "") return undefined
    if (name.toLowerCase() === "for") {
      if (hop !== undefined) return undefined
      hop = token ?? quoted.replaceAll(/\\(.)/g, "$1")
    }
    if (end !== ";") {
      hops.push(hop ?? "")
      hop = undefined
    }
    if (end === "") return hops
    at += pair.length
  }
}
