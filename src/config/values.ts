// What the values of options look like: each kind turns text into the value used, or says in one line what would be
// right. And how a value that may hold a secret is shown.

import * as v from "valibot"
import { readNetwork } from "../access/networks.ts"
import { SECRET_BYTES } from "../access/tokens.ts"

/** How a value given as text becomes the value used. An issue's message says what would be right. */
export type FromText<T> = v.GenericSchema<string, T>

/** A whole number within these bounds. */
export function whole(min: number, max: number): FromText<number> {
  const message = `must be a whole number from ${min} to ${max}`
  return v.pipe(
    v.string(),
    v.regex(/^\d{1,15}$/, message),
    v.transform(Number),
    v.minValue(min, message),
    v.maxValue(max, message),
  )
}

/** How many, or as many as there are CPUs. */
export const countOrAuto: FromText<number | "auto"> = v.pipe(
  v.string(),
  v.regex(/^(auto|[1-9]\d?|1\d\d|2[0-4]\d|25[0-6])$/, "must be a whole number from 1 to 256, or auto"),
  v.transform((value) => (value === "auto" ? value : Number(value))),
)

/** Text of a pattern. */
export function text(pattern: RegExp, message: string): FromText<string> {
  return v.pipe(v.string(), v.regex(pattern, message))
}

/** One of a few words. */
export function oneOf<const Word extends string>(...choices: [Word, ...Word[]]): FromText<Word> {
  return v.picklist(choices, `must be one of ${choices.join(", ")}`) as unknown as FromText<Word>
}

/** true or false. */
export const yesOrNo: FromText<boolean> = v.pipe(
  v.string(),
  v.picklist(["true", "false"], "must be true or false"),
  v.transform((value) => value === "true"),
)

/** The name of a file. */
export const filePath = text(/./, "must name a file")

/** HOST:PORT, or off. */
export const listenAddress: FromText<string> = v.pipe(
  text(/^(off|\[[0-9a-fA-F:]+\]:\d{1,5}|[^\s:]+:\d{1,5})$/, 'must be HOST:PORT, [IPv6]:PORT or "off"'),
  v.check((given) => given === "off" || Number(given.slice(given.lastIndexOf(":") + 1)) <= 65535, "ports end at 65535"),
)

/** A network in CIDR, or an address. */
export const network: FromText<string> = v.pipe(
  v.string(),
  v.check(
    (given) => readNetwork(given) !== undefined,
    "must be an address or a network such as 10.0.0.0/8 or 2001:db8::/32",
  ),
)

/** A secret that signs with HMAC-SHA-256: at least as long as the hash (RFC 7518 section 3.2). */
export const hmacSecret: FromText<string> = v.pipe(
  v.string(),
  v.check(
    (given) => Buffer.byteLength(given) >= SECRET_BYTES,
    `must have at least ${SECRET_BYTES} bytes (RFC 7518 section 3.2); openssl rand -base64 32 makes one`,
  ),
)

/** Where public keys are: nobody on the way may put others in their place. */
export const keysPlace: FromText<string> = text(
  /^(https:\/\/[^\s/]+.*|http:\/\/(localhost|127\.[\d.]+|\[::1\])[:/].*|(?!\w+:\/\/).+)$/,
  "must be a file or an https URL (http to this machine alone)",
)

/** The URL of a STUN or TURN server (RFC 7064, RFC 7065). */
export const iceUrl = text(
  /^(stun|stuns|turn|turns):[^\s/?]+(\?transport=(udp|tcp))?$/,
  "must be a STUN or TURN URL such as stun:stun.example.org:3478 or turn:turn.example.org:3478?transport=udp (RFC 7064, RFC 7065)",
)

/** `host:port` as palava-machine took it, or a URL. */
export const redisUrl: FromText<string> = v.pipe(
  v.string(),
  v.transform((given) => (given.includes("://") ? given : `redis://${given}`)),
  v.check(
    (url) => /^rediss?:$/.test(protocolOf(url)),
    "must be redis://[USER:PASSWORD@]HOST:PORT, rediss://... or HOST:PORT",
  ),
)

/** What browsers send as Origin (RFC 6454), or * for any. */
export const httpOrigin = text(/^(https?:\/\/[^\s/]+|\*)$/, "must be an origin such as https://call.example.org")

/** How a secret is shown. */
export function hidden(): string {
  return MASK
}

/** A URL with its password masked: where it leads is no secret. */
export function withoutPassword(url: string): string {
  const parsed = URL.parse(url)
  if (parsed === null) return MASK
  const { protocol, username, password, host, pathname, search } = parsed
  const login = password === "" ? username : `${username}:${MASK}`
  return `${protocol}//${login === "" ? "" : `${login}@`}${host}${pathname}${search === "" ? "" : `?${MASK}`}`
}

/** A file as it is; of a webhook only where it leads, for any other part of its URL may be what lets one in. */
export function withoutLogin(target: string): string {
  const url = URL.parse(target)
  if (url === null || !/^https?:$/.test(url.protocol)) return target
  const { protocol, host, pathname, search, username } = url
  const isBare = pathname === "/" && search === "" && username === ""
  return isBare ? `${protocol}//${host}/` : `${protocol}//${host}/${MASK}`
}

const MASK = "***"

function protocolOf(url: string): string {
  try {
    const { protocol, hostname } = new URL(url)
    return hostname === "" ? "" : protocol
  } catch {
    return ""
  }
}
