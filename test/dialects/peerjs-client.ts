// A client of PeerJS as its server sees it: an id and a token in the address, then frames.

import { TextClient } from "./text-client.ts"

/** The address of a client at a node. */
export function peerAddress(url: string, id: string, token = "token", more = ""): string {
  const query = new URLSearchParams({ key: "peerjs", id, token, version: "1.5.5" })
  return `${url}peerjs?${query}${more}`
}

/** Connects and waits for the id; fails with what the server said when it is refused. */
export async function openPeer(url: string, id: string, token?: string): Promise<TextClient> {
  const client = await TextClient.connect(peerAddress(url, id, token))
  const first = await client.next()
  if (first !== '{"type":"OPEN"}') throw new Error(`${id} got ${first}`)
  return client
}

/** What came to a client before a message to itself, sent now. */
export async function heardBy(client: TextClient, id: string): Promise<unknown[]> {
  const probe = crypto.randomUUID()
  client.send({ type: "ANSWER", payload: { probe }, dst: id })
  const texts = await client.upTo((text) => text.includes(probe), "a message to itself")
  return texts.slice(0, -1).map((text) => JSON.parse(text))
}

/** An offer as the client of PeerJS writes it. */
export function offer(dst: string, number = 0): { type: string; payload: object; dst: string } {
  const sdp = { type: "offer", sdp: `v=0\r\no=- ${number} 2 IN IP4 127.0.0.1\r\n` }
  const payload = { sdp, type: "data", connectionId: "dc_x", metadata: {}, label: "chat", reliable: true }
  return { type: "OFFER", payload, dst }
}
