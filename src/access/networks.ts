// Addresses of the internet (ipaddr.js does the reading): one way to write each, networks in CIDR, and what counts as one
// place. Who is told to be where is addresses.ts's business.

import ipaddr from "ipaddr.js"

/** A network: the addresses whose first `bits` are those of `base`. */
export interface Network {
  readonly base: Address
  readonly bits: number
}

/** An address that was read. IPv4 inside IPv6 (RFC 4291 section 2.5.5.2) is IPv4. */
export type Address = ipaddr.IPv4 | ipaddr.IPv6

/** 64 bits: what one customer gets at least (RFC 6177), so all addresses of it are one place. */
const IPV6_PLACE_BITS = 64

/** 8 groups of 16 bits in an IPv6 address. */
const PLACE_GROUPS = IPV6_PLACE_BITS / 16

/** Reads an address: dotted decimal, or IPv6 without brackets; undefined for anything else. A zone (`%eth0`) is dropped. */
export function readAddress(text: string): Address | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text)
  const [plain = ""] = text.split("%")
  if (!ipaddr.IPv6.isValid(plain)) return undefined
  const address = ipaddr.IPv6.parse(plain)
  return address.isIPv4MappedAddress() ? address.toIPv4Address() : address
}

/** Whether a text and the bytes of a sockaddr are one address. */
export function isSameAddress(text: string, bytes: readonly number[]): boolean {
  const other = ipaddr.fromByteArray([...bytes]).toString()
  return readAddress(text)?.toString() === readAddress(other)?.toString()
}

/** Reads a network such as `10.0.0.0/8`, or a single address; undefined for anything else. */
export function readNetwork(text: string): Network | undefined {
  const [, host = "", length] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const base = readAddress(host)
  if (base === undefined) return undefined
  const whole = base.kind() === "ipv4" ? 32 : 128
  const bits = length === undefined ? whole : Number(length)
  return bits <= whole ? { base, bits } : undefined
}

/** Whether an address is in one of these networks. */
export function isWithin(address: Address, networks: readonly Network[]): boolean {
  return networks.some(({ base, bits }) => address.kind() === base.kind() && address.match([base, bits]))
}

/**
 * What counts as one place for limits: an IPv4 address as it is, of an IPv6 address its network of 64 bits, such as
 * `2001:db8:1:2::/64`.
 * @param address as makeAddressOf gives it
 */
export function placeOf(address: string): string {
  if (!address.includes(":")) return address
  const read = readAddress(address)
  if (read === undefined || read.kind() === "ipv4") return address
  const groups = (read as ipaddr.IPv6).parts.slice(0, PLACE_GROUPS)
  return `${groups.map((group) => group.toString(16)).join(":")}::/${IPV6_PLACE_BITS}`
}
