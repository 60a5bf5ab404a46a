// Pages with the unmodified bundle of the npm package simplewebrtc 3.0.2 call each other through the executable, which is
// at another origin than they: polling first, then by WebSocket.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { join } from "node:path"
import type { Browser, Page } from "playwright-core"
import { startNode } from "../helpers/node.ts"
import { poll, startRedis } from "../helpers/redis.ts"
import { complaintsOf, LAUNCH_MS, launchChromium, WAIT_MS, waitInPage } from "./chromium.ts"

const FILES: Record<string, string> = {
  "/": join(import.meta.dir, "pages/simplewebrtc.html"),
  "/simplewebrtc.js": join(import.meta.dir, "pages/simplewebrtc.js"),
  "/simplewebrtc.bundle.js": join(import.meta.dir, "../../node_modules/simplewebrtc/out/simplewebrtc.bundle.js"),
}

let browser: Browser
let site: Bun.Server<undefined>
beforeAll(async () => {
  browser = await launchChromium()
  site = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request) {
      const file = FILES[new URL(request.url).pathname]
      return file === undefined ? new Response(null, { status: 204 }) : new Response(Bun.file(file))
    },
  })
}, LAUNCH_MS)
afterAll(async () => {
  await browser.close()
  await site.stop(true)
})

/** One person in the call. */
class Caller {
  readonly name: string
  readonly page: Page
  readonly complaints: string[]
  id = ""

  private constructor(name: string, page: Page) {
    this.name = name
    this.page = page
    this.complaints = complaintsOf(page)
  }

  /** Opens the page and waits until it is in the room. */
  static async open(server: string, room: string, name: string): Promise<Caller> {
    const one = new Caller(name, await browser.newPage())
    await one.page.goto(`http://localhost:${site.port}/?${new URLSearchParams({ server, room, name })}`)
    await one.waitFor("drive.hasJoined()")
    one.id = (await one.page.evaluate("drive.id()")) as string
    return one
  }

  /** Waits until exactly these are seen, connected, with two more pictures of each than when asked. */
  async sees(...others: Caller[]): Promise<void> {
    const names = JSON.stringify(JSON.stringify(others.map(({ name }) => name).sort()))
    await this.waitFor(`JSON.stringify(drive.peers().map(({ name }) => name).sort()) === ${names}`)
    const before = (await this.page.evaluate("drive.peers()")) as { name: string; frames: number }[]
    const frames = JSON.stringify(Object.fromEntries(before.map((peer) => [peer.name, peer.frames])))
    await this.waitFor(
      `drive.peers().every((peer) =>
        ["connected", "completed"].includes(peer.ice) && peer.frames > ${frames}[peer.name] + 1)`,
    )
  }

  /** Says something to all, and waits until each has heard it. */
  async tells(text: string, ...others: Caller[]): Promise<void> {
    await this.page.evaluate(`drive.say(${JSON.stringify(text)})`)
    for (const other of others) await other.waitFor(`drive.heard("${this.id}", ${JSON.stringify(text)})`)
  }

  async waitFor(expression: string): Promise<void> {
    try {
      await waitInPage(this.page, expression)
    } catch (error) {
      const state = await this.page.evaluate("JSON.stringify([drive.peers(), drive.errors])").catch(String)
      throw new Error(`${this.name} waits for ${expression}; it has ${state}: ${this.complaints}`, { cause: error })
    }
  }
}

/** The whole call: two, then three, one is mute, one leaves, one closes its tab. */
async function call(servers: readonly string[], iceServers: readonly object[]): Promise<void> {
  const [first = "", second = first] = servers
  const room = `rööm-${crypto.randomUUID()}`
  const ada = await Caller.open(first, room, "Ada")
  expect(await ada.page.evaluate("drive.iceServers()")).toEqual(iceServers)
  const ben = await Caller.open(second, room, "Ben")
  await Promise.all([ada.sees(ben), ben.sees(ada)])
  await ada.tells("früher 🙂", ben)
  const cem = await Caller.open(first, room, "Cem")
  await Promise.all([ada.sees(ben, cem), ben.sees(ada, cem), cem.sees(ada, ben)])
  await cem.tells("hello", ada, ben)
  await ben.page.evaluate("drive.mute()")
  await ada.waitFor(`drive.heardMute("${ben.id}")`)
  await cem.page.evaluate("drive.leave()")
  await Promise.all([ada.sees(ben), ben.sees(ada)])
  for (const { page } of [ada, ben, cem]) expect(await page.evaluate("drive.transport()")).toBe("websocket")
  await ben.page.close()
  await ada.sees()
  expect([ada, cem].map(({ complaints }) => complaints)).toEqual([[], []])
  await Promise.all([ada, cem].map(({ page }) => page.close()))
}

test(
  "three people see, hear and leave each other",
  async () => {
    await using node = await startNode(["--ice-server", "stun:127.0.0.1:9"])
    await call([node.httpUrl], [{ urls: ["stun:127.0.0.1:9"] }])
    await poll(async () => (await node.metric("palava_connections")) + (await node.metric("palava_rooms")) === 0)
  },
  WAIT_MS * 4,
)

test(
  "the same call with its people on two nodes",
  async () => {
    await using redis = await startRedis()
    const args = ["--redis", redis.url]
    await using one = await startNode(args)
    await using two = await startNode(args)
    await call([one.httpUrl, two.httpUrl], [])
    await Promise.all([one.stop(), two.stop()])
    expect(await redis.cli("KEYS", "*:room:*")).toBe("\n")
  },
  WAIT_MS * 4,
)
