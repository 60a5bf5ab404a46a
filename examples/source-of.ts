// Whom an address counts for, where a plug-in has to be fair: an IPv6 network of 64 bits is one customer's, who has
// billions of addresses in it. No plug-in by itself; chat-history.ts, waiting-room.ts and webhook.ts import it.

/** The address itself, or the first 64 bits of an IPv6 address (RFC 4291, as RFC 5952 writes it). */
export function sourceOf(address: string): string {
  if (!address.includes(":")) return address
  const [head = "", tail] = address.split("::")
  const groups = head.split(":").filter((group) => group !== "")
  if (tail === undefined) return groups.slice(0, 4).join(":")
  const behind = tail.split(":").filter((group) => group !== "")
  const zeros = Array.from({ length: 8 - groups.length - behind.length }, () => "0")
  return [...groups, ...zeros, ...behind].slice(0, 4).join(":")
}
