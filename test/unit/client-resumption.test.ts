// The browser client comes back as itself: nothing lost, nothing twice, in order, with the network broken at any point.

import { expect, test } from "bun:test"
import { ClientMember } from "../helpers/client-member.ts"
import { Random } from "../helpers/random.ts"
import { ResumingServer, relay, saidTo } from "../helpers/resuming-server.ts"

const upTo = (count: number): number[] => [...Array(count).keys()]

/** Both sides have all, each once and in order, and nobody was told of anything but complete resumptions. */
async function expectNothingLost(server: ResumingServer, one: ClientMember, relays: number): Promise<void> {
  await one.until(() => one.heard.length >= relays)
  await server.until(() => saidTo(server).length >= one.sent.length)
  // Behind all that could come twice.
  await one.client.ping()
  expect(one.heard).toEqual(upTo(relays))
  expect(saidTo(server)).toEqual(one.sent)
  expect(one.told.filter(([name, event]) => name !== "resumed" || !(event as { complete: boolean }).complete)).toEqual(
    [],
  )
  expect(server.joins).toBe(1)
  expect(one.client.ownId).toBe("own-1")
}

test("the network breaks after any frame: nothing is lost, nothing comes twice", async () => {
  for (let frames = 0; frames <= 12; frames++) {
    using server = new ResumingServer()
    using one = await ClientMember.join(server)
    server.breakAfter(frames)
    for (let step = 0; step < 6; step++) {
      one.speak()
      server.say(relay(step))
    }
    await server.until(() => server.isBroken)
    server.end()
    await one.next("resumed")
    await expectNothingLost(server, one, 6)
  }
})

test("the network breaks again in the midst of coming back", async () => {
  for (let frames = 1; frames <= 10; frames++) {
    using server = new ResumingServer()
    using one = await ClientMember.join(server)
    server.breakNow()
    for (let step = 0; step < 4; step++) {
      one.speak()
      server.say(relay(step))
    }
    const back = one.next("resumed")
    const off = one.client.on("state", ({ name }) => {
      if (name !== "open") return
      off()
      server.breakAfter(frames)
    })
    server.end()
    await back
    await Promise.race([server.until(() => server.isBroken), one.client.ping()])
    server.breakNow()
    server.end()
    await one.next("resumed")
    await expectNothingLost(server, one, 4)
  }
})

for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
  test(`a bad network, seed ${seed}`, async () => {
    const random = new Random(seed)
    using server = new ResumingServer()
    using one = await ClientMember.join(server)
    let relays = 0
    for (let step = 0; step < 400; step++) {
      const what = random.weighted({ speak: 10, relay: 10, ask: 1, wait: 4, cut: 1, end: 2, close: 0.3 })
      if (what === "speak") one.speak()
      else if (what === "relay") server.say(relay(relays++))
      else if (what === "ask") void one.client.ping().catch(() => undefined)
      else if (what === "cut") server.breakAfter(random.below(6))
      else if (what === "wait") await new Promise((resolve) => setImmediate(resolve))
      else if (what === "close" || server.isBroken) {
        server.end(what === "close" ? 1001 : undefined)
        await one.until(() => one.client.state.name !== "open")
        if (random.chance(0.8)) await one.until(() => one.client.state.name === "open")
      }
    }
    server.breakNow()
    server.end()
    await one.until(() => one.client.state.name !== "open")
    await expectNothingLost(server, one, relays)
    expect(server.resumptions.length).toBeGreaterThan(2)
  })
}
