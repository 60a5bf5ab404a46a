// The mesh, in pages of another origin with the scripts that the executable serves: media, data, other tracks, restarts,
// lost messages, fresh credentials, a server that goes away.

import { afterAll, beforeAll, expect, test } from "bun:test"
import type { Browser } from "playwright-core"
import { startNode } from "../helpers/node.ts"
import { LAUNCH_MS, launchChromium, WAIT_MS } from "./chromium.ts"
import { MeshPage, serveMeshPage } from "./mesh-page.ts"
import { standstillOf, watchPictures } from "./standstill.ts"

let browser: Browser
beforeAll(async () => {
  browser = await launchChromium()
}, LAUNCH_MS)
afterAll(() => browser?.close())

/** Each offers to a newcomer, or waits for its offer, by what the newcomer is. */
for (const agent of ["chrome", "firefox", undefined]) {
  test(
    `newcomers that are ${agent ?? "nothing"}: pictures, text, bytes, another track, leaving`,
    async () => {
      await using node = await startNode()
      using site = serveMeshPage()
      const query = { socket: node.url, room: "mesh", ...(agent === undefined ? {} : { agent }) }
      const ada = await MeshPage.open(browser, site, { ...query, name: "Ada" })
      const ben = await MeshPage.open(browser, site, { ...query, name: "Ben" })
      // Before any channel can be open.
      await ben.do(`drive.call.send("early")`)
      const cem = await MeshPage.open(browser, site, { ...query, name: "Cem" })
      await Promise.all([ada.sees("Ben"), ada.sees("Cem"), ben.sees("Ada"), cem.sees("Ada"), cem.sees("Ben")])
      await ada.hears("Ben chat early")
      await ada.do(`drive.call.send("hello")`)
      await ada.do(`drive.peer("Ben").send(new Uint8Array([1, 2, 250]).buffer, "fast")`)
      await Promise.all([ben.hears("Ada chat hello", "Ada fast bytes 1,2,250"), cem.hears("Ada chat hello")])
      await ada.do(`drive.show("blue")`)
      await Promise.all([ben.sees("Ada", "blue"), cem.sees("Ada", "blue")])
      // The upload is shared by two, and sound goes first; then one has all of it.
      const encoding = (name: string, kind: string) =>
        `drive.peer("${name}").connection.getTransceivers().find(({ receiver }) => receiver.track.kind === "${kind}")
          .sender.getParameters().encodings[0]`
      await ada.waitFor(`${encoding("Cem", "video")}.maxBitrate === 1_250_000`)
      await ada.waitFor(`${encoding("Cem", "audio")}.priority === "high"`)
      await ben.do("drive.client.leave()")
      await ada.waitFor(`${encoding("Cem", "video")}.maxBitrate === 2_500_000`)
      await ada.waitFor(`drive.left.includes("Ben") && drive.peer("Ben") === undefined`)
      await ada.sees("Cem")
      expect([ada, ben, cem].flatMap(({ complaints }) => complaints)).toEqual([])
      await Promise.all([ada, ben, cem].map(({ page }) => page.close()))
    },
    WAIT_MS * 4,
  )
}

test(
  "messages lost in a break: an incomplete resumption restarts, whatever was under way, and no picture stops",
  async () => {
    await using node = await startNode()
    using site = serveMeshPage()
    const ada = await MeshPage.open(browser, site, { socket: node.url, room: "lost", name: "Ada" })
    const ben = await MeshPage.open(browser, site, { socket: node.url, room: "lost", name: "Ben" })
    await Promise.all([ada.sees("Ben"), ben.sees("Ada")])
    await Promise.all([ada, ben].map(({ page }) => watchPictures(page, "video")))
    /** Own messages go nowhere until they are let through again. */
    const lose = `drive.client.send = () => true`
    const keep = `delete drive.client.send`
    const back = `drive.client.emit("resumed", { complete: false })`
    const isRenewed = async (one: MeshPage, other: string, before: string): Promise<void> =>
      one.waitFor(
        `drive.peer("${other}").connection.signalingState === "stable" &&
         drive.credentials("${other}") !== "${before}" && drive.peer("${other}").state === "connected"`,
      )
    const credentials = () =>
      Promise.all([ada.do<string>(`drive.credentials("Ben")`), ben.do<string>(`drive.credentials("Ada")`)])
    for (const [loser, other, name] of [
      [ada, ben, "Ben"],
      [ben, ada, "Ada"],
    ] as const) {
      // Its offer is lost.
      let [one, two] = await credentials()
      await loser.do(`${lose}; drive.peer("${name}").connection.restartIce()`)
      await loser.waitFor(`drive.peer("${name}").connection.signalingState === "have-local-offer"`)
      await loser.do(`${keep}; ${back}`)
      await Promise.all([isRenewed(ada, "Ben", one), isRenewed(ben, "Ada", two)])
      // Its answer is lost, and the other one's offer is still unanswered.
      ;[one, two] = await credentials()
      await loser.do(lose)
      await other.do(`drive.peer("${loser.name}").connection.restartIce()`)
      await loser.waitFor(`drive.credentials("${name}") !== "${loser === ada ? one : two}"`)
      await loser.do(`${keep}; ${back}`)
      await Promise.all([isRenewed(ada, "Ben", one), isRenewed(ben, "Ada", two)])
      await Promise.all([ada.sees("Ben"), ben.sees("Ada")])
    }
    for (const { page, complaints } of [ada, ben]) {
      const { longestMs, gone } = await standstillOf(page, "video")
      expect(longestMs).toBeLessThan(1_000)
      expect([gone, complaints]).toEqual([0, []])
    }
    await Promise.all([ada, ben].map(({ page }) => page.close()))
  },
  WAIT_MS * 4,
)

test(
  "an offer that was lost with a newcomer's whole introduction",
  async () => {
    await using node = await startNode()
    using site = serveMeshPage()
    const ada = await MeshPage.open(browser, site, { socket: node.url, room: "intro", name: "Ada" })
    await ada.do(`drive.client.emit = ((emit) => (name, event) => {
      if (name !== "relayed") emit.call(drive.client, name, event)
    })(drive.client.emit)`)
    const ben = await MeshPage.open(browser, site, { socket: node.url, room: "intro", name: "Ben" })
    await ben.waitFor(`drive.peer("Ada").connection.signalingState === "have-local-offer"`)
    await ben.do("drive.client.ping()")
    await ada.do(`delete drive.client.emit; drive.client.emit("resumed", { complete: false })`)
    await Promise.all([ada.sees("Ben"), ben.sees("Ada")])
    expect([ada, ben].flatMap(({ complaints }) => complaints)).toEqual([])
    await Promise.all([ada, ben].map(({ page }) => page.close()))
  },
  WAIT_MS * 3,
)

test(
  "a server that is killed and comes back without its memory: everybody has new ids, and no picture stands still",
  async () => {
    const node = await startNode()
    using site = serveMeshPage()
    const ada = await MeshPage.open(browser, site, { socket: node.url, room: "killed", name: "Ada" })
    const ben = await MeshPage.open(browser, site, { socket: node.url, room: "killed", name: "Ben" })
    await Promise.all([ada.sees("Ben"), ben.sees("Ada")])
    const ids = await Promise.all([ada, ben].map((one) => one.do<string>("drive.client.ownId")))
    // New connections take two seconds, as through a bad network: so long the old ones have to be shown.
    const slow = `drive.client.send = (id, message) => {
      const send = () => Object.getPrototypeOf(drive.client).send.call(drive.client, id, message)
      return message.event === "ice_candidate" ? setTimeout(send, 2_000) > 0 : send()
    }`
    await Promise.all([ada, ben].map((one) => one.do(`${slow}; undefined`)))
    await Promise.all([ada, ben].map(({ page }) => watchPictures(page, "video")))
    node.kill("SIGKILL")
    await node.exited
    await Promise.all([ada, ben].map((one) => one.waitFor(`drive.client.state.name === "waiting"`)))
    await Promise.all([ada.sees("Ben"), ben.sees("Ada")])
    await using _next = await startNode(["--port", String(node.port)])
    for (const [one, name, id] of [
      [ada, "Ben", ids[1]],
      [ben, "Ada", ids[0]],
    ] as const) {
      await one.waitFor(`drive.peer("${name}")?.id !== "${id}" && drive.peer("${name}")?.state === "connected"`)
    }
    await Promise.all([ada.sees("Ben"), ben.sees("Ada")])
    for (const one of [ada, ben]) {
      const { longestMs, gone, videos } = await standstillOf(one.page, "video")
      expect(longestMs).toBeLessThan(1_000)
      expect([gone, videos, await one.do("drive.left")]).toEqual([0, 1, []])
    }
    await Promise.all([ada, ben].map(({ page }) => page.close()))
  },
  WAIT_MS * 4,
)

test(
  "data before the channel is open waits, twenty messages; a page that goes leaves, and is back when it is",
  async () => {
    await using node = await startNode()
    using site = serveMeshPage()
    const query = { socket: node.url, room: "life" }
    const ada = await MeshPage.open(browser, site, { ...query, name: "Ada" })
    await ada.do(`drive.call.on("peer_came", (peer) => {
      drive.taken ??= [...Array(21).keys()].map((count) => peer.send(String(count)))
    }) && undefined`)
    const ben = await MeshPage.open(browser, site, { ...query, name: "Ben" })
    await ben.waitFor("drive.heard.length === 20")
    expect(await ada.do<boolean[]>("drive.taken")).toEqual([...Array(20).fill(true), false])
    expect(await ben.do<string[]>("drive.heard")).toEqual([...Array(20).keys()].map((count) => `Ada chat ${count}`))

    await ben.do(`dispatchEvent(new Event("pagehide"))`)
    await ada.waitFor(`drive.left.includes("Ben")`)
    expect(await ben.do<string>("drive.client.state.name")).toBe("waiting")
    await ben.do(`dispatchEvent(new Event("pageshow"))`)
    await Promise.all([ada.sees("Ben"), ben.sees("Ada")])
    // Nothing else would bring it back.
    await ben.do(`dispatchEvent(new Event("pagehide"))`)
    await ada.waitFor(`drive.left.length === 2`)
    await ben.do(`dispatchEvent(new Event("online"))`)
    await Promise.all([ada.sees("Ben"), ben.sees("Ada")])
    await Promise.all([ada, ben].map(({ page }) => page.close()))
  },
  WAIT_MS * 3,
)

test(
  "TURN credentials are asked for again before they end, and used from then on",
  async () => {
    await using node = await startNode([
      "--turn-secret=secret",
      "--ice-server=turn:127.0.0.1:9",
      "--turn-ttl-seconds=60",
    ])
    using site = serveMeshPage()
    const query = { socket: node.url, room: "turn" }
    const ada = await MeshPage.open(browser, site, { ...query, name: "Ada" }, (page) => page.clock.install())
    const ben = await MeshPage.open(browser, site, { ...query, name: "Ben" })
    await ada.sees("Ben")
    const used = `drive.peer("Ben").connection.getConfiguration().iceServers[0].credential`
    const first = await ada.do<string>(used)
    // The credentials' time is in whole seconds; the page's clock is moved, the server's goes on by itself.
    await ada.waitFor(`Date.now() / 1000 > ${Math.ceil(Date.now() / 1000)} + 1`)
    await ada.page.clock.fastForward(50_000)
    await ada.waitFor(`${used} !== ${JSON.stringify(first)}`)
    expect(await ada.do<boolean>(`${used} === drive.client.iceServers[0].credential`)).toBe(true)
    await Promise.all([ada, ben].map(({ page }) => page.close()))
  },
  WAIT_MS * 3,
)
