// The spellings of a host: URLs write an IPv6 address in brackets, sockets and certificates do not.

/** A host as sockets take it. */
export function withoutBrackets(host: string): string {
  return host.replace(/^\[|\]$/g, "")
}

/**
 * Where a server that listens on `host`, in either spelling, is found from this machine, as URLs write it; no name that a
 * resolver may not know.
 */
export function localHost(host: string): string {
  const bare = withoutBrackets(host)
  if (bare === "0.0.0.0") return "127.0.0.1"
  if (bare === "::") return "[::1]"
  return bare.includes(":") ? `[${bare}]` : bare
}
