// Greets everybody who joins a room.
import { definePlugin } from "palava-machine"

export default definePlugin({
  name: "hello",
  contract: 1,
  setup: () => ({
    decorate: (_connection, room) => ({ greeting: `Welcome! You are number ${room.members.length} here.` }),
  }),
})
