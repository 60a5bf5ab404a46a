// Shares a Yjs document by the unmodified npm packages yjs and y-webrtc; the test drives it through `drive`.

import { WebrtcProvider } from "y-webrtc"
import * as Y from "yjs"

const query = new URLSearchParams(location.search)
const doc = new Y.Doc()
const text = doc.getText("shared")
const provider = new WebrtcProvider(query.get("room"), doc, {
  signaling: [query.get("socket")],
  password: query.get("password"),
  // No STUN server of others, and no short cut between tabs of one browser.
  peerOpts: { config: { iceServers: [] } },
  filterBcConns: false,
})

window.drive = {
  text: () => text.toString(),
  insert: (at, piece) => text.insert(at, piece),
  peers: () => provider.room?.webrtcConns.size ?? 0,
  connected: () => [...(provider.room?.webrtcConns.values() ?? [])].filter(({ connected }) => connected).length,
  leave: () => provider.destroy(),
}
