// Engine.IO 3 payloads: the packets of one HTTP body. An answer to a GET is binary, unless the client asks for text
// (`b64=1`); what a client POSTs is text. In text each packet is UTF-8 twice: its UTF-8 bytes are taken for characters,
// counted, and encoded again with the body.

/** Begins a text packet of a binary payload. */
const TEXT_PACKET = 0x00

/** Ends its length. */
const LENGTH_END = 0xff

/** Digits of a packet's length in characters: 8 are more than any body that is read. */
const LENGTH_DIGITS = 8

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** Packets as a binary payload: per packet 0x00, its length in bytes as digits 0 to 9, 0xff, its UTF-8. */
export function encodeBinary(packets: readonly string[]): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = []
  for (const packet of packets) {
    const bytes = Buffer.from(packet)
    const digits = [...String(bytes.length)].map(Number)
    parts.push(Uint8Array.of(TEXT_PACKET, ...digits, LENGTH_END), bytes)
  }
  return new Uint8Array(Buffer.concat(parts))
}

/** Packets as a text payload, to be encoded once more: `97:0{...}2:40`. */
export function encodeText(packets: readonly string[]): string {
  let payload = ""
  for (const packet of packets) {
    const characters = Buffer.from(packet).toString("latin1")
    payload += `${characters.length}:${characters}`
  }
  return payload
}

/** The packets of a text payload; undefined when it is none. An empty body is none. */
export function decodeText(body: Uint8Array): string[] | undefined {
  try {
    const characters = decoder.decode(body)
    const packets: string[] = []
    for (let at = 0; at < characters.length; ) {
      const colon = characters.indexOf(":", at)
      if (colon < 0 || colon - at > LENGTH_DIGITS) return undefined
      const digits = characters.slice(at, colon)
      const start = colon + 1
      const end = start + Number(digits)
      if (!/^\d+$/.test(digits) || end === start || end > characters.length) return undefined
      packets.push(decodePacket(characters.slice(start, end)))
      at = end
    }
    return packets.length === 0 ? undefined : packets
  } catch {
    return undefined
  }
}

/** @throws TypeError when the characters are no bytes, or the bytes no UTF-8 */
function decodePacket(characters: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all that a byte can be
  if (/[^\x00-\xff]/.test(characters)) throw new TypeError("not a byte")
  return decoder.decode(Buffer.from(characters, "latin1"))
}
