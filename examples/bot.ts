// A bot without a browser: it sits in a room, greets whoever comes, and answers what peers tell it through the server.
//
//   bun examples/bot.ts ws://localhost:4233/ hello
//
// In a project of your own the import is "palava-machine-client".
import { SignalingClient } from "../src/client/index.ts"

const [url = "ws://localhost:4233/", room = "hello"] = process.argv.slice(2)
const client = new SignalingClient(url)

client.on("new_peer", ({ peerId, status }) => {
  client.send(peerId, { event: "message", data: `Welcome, ${status.name ?? "stranger"}!` })
})
client.on("relayed", ({ peerId, message }) => {
  // Offers come too, from pages that would like to see a bot. It has nothing to show.
  if (message.event === "message") client.send(peerId, { event: "message", data: answer(message.data) })
})
client.on("state", (state) => {
  if (state.name === "waiting") console.log(`disconnected, trying again in ${Math.round(state.retryInMs)} ms`)
})
client.on("resumed", ({ complete }) => console.log(complete ? "back, nothing missed" : "back, something was missed"))

const { ownId, peers } = await client.join(room, { name: "Bot" })
console.log(`in the room as ${ownId}, with ${peers.size} others`)

// Ctrl-C leaves at once; without a word the server would wait for the bot to come back.
process.on("SIGINT", () => {
  client.close()
  process.exit(0)
})

function answer(question: unknown): string {
  return question === "time" ? new Date().toISOString() : `You said: ${String(question).slice(0, 1000)}`
}
