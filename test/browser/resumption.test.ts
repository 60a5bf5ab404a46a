// The client in a real browser comes back as itself: the network breaks, goes silent, and the tab is closed. The server is
// the scripted one, because it can be told when to do what.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { join } from "node:path"
import type { Browser, Page } from "playwright-core"
import { ResumingServer, relay, saidTo } from "../helpers/resuming-server.ts"
import { complaintsOf, LAUNCH_MS, launchChromium, TEST_MS, waitInPage } from "./chromium.ts"
import { serveFolder } from "./site.ts"

const PACKAGE = join(import.meta.dir, "../../dist/client/package")

let browser: Browser
beforeAll(async () => {
  browser = await launchChromium()
}, LAUNCH_MS)
afterAll(() => browser?.close())

/** A page whose client is in the room, noting what it hears. */
async function openMember(site: { url: string }, server: ResumingServer, timing = {}): Promise<Page> {
  const page = await browser.newPage()
  complaintsOf(page)
  // Any page of that origin will do.
  await page.goto(`${site.url}package.json`)
  await page.evaluate(`(async () => {
    const { SignalingClient } = await import("/client.js")
    const client = new SignalingClient(${JSON.stringify(server.url)}, ${JSON.stringify(timing)})
    globalThis.member = { client, heard: [], resumed: [], left: 0 }
    client.on("relayed", ({ message }) => member.heard.push(message.data))
    client.on("resumed", ({ complete }) => member.resumed.push(complete))
    client.on("peer_left", () => member.left++)
    await client.join("room")
  })()`)
  return page
}

const state = (page: Page) => page.evaluate("[member.heard, member.resumed, member.left, member.client.ownId]")
const say = (data: number) => `member.client.send("bea", { event: "message", data: ${data} })`

test(
  "the network breaks, and goes silent: nothing is lost, nothing comes twice, and the id stays",
  async () => {
    using site = serveFolder(PACKAGE)
    using server = new ResumingServer()
    const page = await openMember(site, server, { pingEveryMs: 200, pongWithinMs: 200 })
    server.say(relay(0))
    await page.evaluate(say(0))
    server.breakNow()
    server.say(relay(1))
    await page.evaluate(say(1))
    server.end()
    await waitInPage(page, "member.resumed.length === 1")
    // Now nobody tells the page that its connection is dead. Its close frame would still reach the server.
    server.breakNow()
    server.say(relay(2))
    await page.evaluate(say(2))
    await waitInPage(page, "member.resumed.length === 2")
    server.say(relay(3))
    await page.evaluate(say(3))
    await waitInPage(page, "member.heard.includes(3)")
    await server.until(() => saidTo(server).includes(3))
    expect(await state(page)).toEqual([[0, 1, 2, 3], [true, true], 0, "own-1"])
    expect([saidTo(server), server.closes, server.joins]).toEqual([[0, 1, 2, 3], [], 1])
    await page.close()
  },
  TEST_MS,
)

test(
  "a closed tab and one that goes elsewhere send a close frame, and are gone at once",
  async () => {
    using site = serveFolder(PACKAGE)
    using server = new ResumingServer()
    await (await openMember(site, server)).close()
    await server.until(() => !server.isHeld)
    const page = await openMember(site, server)
    expect(server.isHeld).toBe(true)
    await page.goto("about:blank")
    await server.until(() => !server.isHeld)
    expect(server.closes).toHaveLength(2)
    await page.close()
  },
  TEST_MS,
)
