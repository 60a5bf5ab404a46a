// What a SimpleWebRTC client says: the Socket.IO event packet, read.

/** An event as it was sent. */
export interface ClientEvent {
  readonly name: string
  /** What came behind the name. */
  readonly values: readonly unknown[]
  /** Number of the acknowledgement the client waits for, as digits. */
  readonly ack: string | undefined
  /** The JSON array of name and values, as sent. */
  readonly json: string
}

/** 15 digits: clients count from 0. */
const ACK = /^\d{1,15}/

/** Reads `42["name",...]` or `42N["name",...]`; undefined when it is none. */
export function readEvent(packet: string): ClientEvent | undefined {
  if (!packet.startsWith("42")) return undefined
  const ack = ACK.exec(packet.slice(2, 18))?.[0]
  const json = packet.slice(2 + (ack?.length ?? 0))
  if (!json.startsWith("[")) return undefined
  try {
    const [name, ...values] = JSON.parse(json) as unknown[]
    return typeof name === "string" ? { name, values, ack, json } : undefined
  } catch {
    return undefined
  }
}

/** For whom a `message` is; undefined when that is no id, or when there is more than one value. */
export function addresseeOf({ values }: ClientEvent): string | undefined {
  const [details] = values
  if (values.length !== 1 || typeof details !== "object" || details === null) return undefined
  const { to } = details as { to?: unknown }
  return typeof to === "string" ? to : undefined
}

/**
 * A `message` as its addressee gets it: as sent, with `from` last, where no earlier key can change it. The last brace of
 * the text is the end of its only value, which is an object and not empty, as it says for whom it is.
 */
export function relayed({ json }: ClientEvent, from: string): string {
  return `42${json.slice(0, json.lastIndexOf("}"))},"from":"${from}"}]`
}
