// examples/bot.ts, as a user would run it, in a room of the executable.

import { expect, test } from "bun:test"
import { join } from "node:path"
import { TestClient } from "../helpers/client.ts"
import { startNode } from "../helpers/node.ts"

const BOT = join(import.meta.dir, "../../examples/bot.ts")

test("the bot greets, answers, and leaves at once when it is stopped", async () => {
  await using node = await startNode()
  await using early = await TestClient.connect(node.url)
  await early.join("bots")
  const bot = Bun.spawn([process.execPath, BOT, node.url, "bots"], { stdout: "pipe", stderr: "inherit" })
  const { peer_id: id, status } = await early.next("new_peer")
  expect(status).toEqual({ name: "Bot" })

  await using ada = await TestClient.connect(node.url)
  await ada.join("bots", { name: "Ada" })
  expect(await ada.next("message")).toEqual({ event: "message", data: "Welcome, Ada!", sender_id: id })
  const ask = (data: unknown) => ada.send({ event: "send_to_peer", peer_id: id, data: { event: "message", data } })
  ask("time")
  expect(Date.parse(String((await ada.next("message"))["data"]))).toBeGreaterThan(0)
  ask("hello")
  expect((await ada.next("message"))["data"]).toBe("You said: hello")
  bot.kill("SIGINT")
  expect(await bot.exited).toBe(0)
  expect(await ada.next("peer_left")).toEqual({ event: "peer_left", sender_id: id })
  expect(await new Response(bot.stdout).text()).toBe(`in the room as ${id}, with 1 others\n`)
})
