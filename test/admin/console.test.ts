// The console in Chromium: what an operator sees of a running cluster, and of a room in which a call does not come about.

import { afterAll, beforeAll, expect, test } from "bun:test"
import type { Browser, Page } from "playwright-core"
import { toRoomKey } from "../../src/rooms/ids.ts"
import { RateMeter } from "../../src/web/console/rates.ts"
import { complaintsOf, LAUNCH_MS, launchChromium, waitInPage } from "../browser/chromium.ts"
import { look } from "../browser/look.ts"
import { TestClient } from "../helpers/client.ts"
import { startNode, type TestNode } from "../helpers/node.ts"
import { type RedisServer, startRedis } from "../helpers/redis.ts"

let redis: RedisServer
let nodes: [TestNode, TestNode]
let browser: Browser
let clients: TestClient[]
beforeAll(async () => {
  redis = await startRedis()
  nodes = await Promise.all([startNode(["--redis", redis.url]), startNode(["--redis", redis.url])])
  browser = await launchChromium()
  clients = await Promise.all([0, 1, 0, 1].map((at) => TestClient.connect(nodes[at as 0 | 1].url)))
  const [ada, ben, eve, zoe] = clients as [TestClient, TestClient, TestClient, TestClient]
  await ada.join("tea")
  await ben.join("tea")
  await eve.join("cake")
  await zoe.join("gone")
  await zoe.close()
  const tell = (from: TestClient, to: TestClient, data: object) =>
    from.send({ event: "send_to_peer", peer_id: to.ownId, data })
  tell(ada, ben, { event: "offer", sdp: "v=0" })
  for (const type of ["host", "host", "srflx"])
    tell(ada, ben, { event: "ice_candidate", candidate: `candidate:1 1 udp 1 192.0.2.7 5000 typ ${type}` })
  await ben.next("offer")
  await ada.drain()
}, LAUNCH_MS)
afterAll(async () => {
  await browser?.close()
  for (const client of clients ?? []) await client[Symbol.asyncDispose]()
  for (const node of nodes ?? []) await node[Symbol.asyncDispose]()
  await redis?.[Symbol.asyncDispose]()
})

/** Opens the console; what it asks elsewhere is collected. */
async function open(node: TestNode, width: number, height: number) {
  const page = await browser.newPage({ viewport: { width, height }, locale: "en-GB" })
  const complaints = complaintsOf(page)
  page.on("request", (request) => {
    if (!request.url().startsWith(node.adminUrl) && !request.url().startsWith("data:")) complaints.push(request.url())
  })
  await page.goto(node.adminUrl)
  return { page, complaints }
}

const texts = (page: Page, selector: string) => page.locator(selector).allTextContents()

test.each([
  [1440, 900],
  [390, 844],
])(
  "all nodes and rooms, one room and why it does not connect, at %d",
  async (width, height) => {
    const { page, complaints } = await open(nodes[0], width, height)
    await waitInPage(page, 'document.querySelectorAll("#nodes tr").length === 2')
    expect(await texts(page, "#rooms th a")).toEqual(
      [toRoomKey("tea"), toRoomKey("cake")].map((key) => key.slice(0, 10)),
    )
    expect(await texts(page, "#figure-rooms, #figure-members")).toEqual(["3", "2"])
    // Rates need two looks.
    await waitInPage(page, 'document.getElementById("figure-joins").textContent !== "–"')
    expect(await texts(page, "#gone a")).toEqual([toRoomKey("gone").slice(0, 10)])
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(width)
    expect(await look(page, `console-${width}`)).toEqual([])

    // By keyboard alone: the table is brought up to date under it, and it stays where it is.
    await page.locator("#rooms th a").first().focus()
    await page.evaluate("fetch('api/nodes')")
    await page.keyboard.press("Enter")
    await waitInPage(page, 'document.querySelectorAll("#timeline li").length === 4')
    expect(await page.evaluate("document.activeElement.id")).toBe("room-title")
    expect(await page.textContent("#room-key")).toBe(toRoomKey("tea"))
    const said = await page.$$eval("#timeline li", (all) =>
      all.map((li) => [...li.children].slice(1).map((cell) => cell.textContent)),
    )
    expect(said).toEqual([
      ["A", "joined"],
      ["B", "joined"],
      ["A → B", "offer"],
      ["A → B", "candidates × 3: 2 own network, 1 by STUN"],
    ])
    expect(await texts(page, "#findings li")).toEqual([expect.stringContaining("A and Ban offer, and no answer")])
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(width)
    expect(await look(page, `room-${width}`)).toEqual([])

    await page.click("text=All rooms")
    await page.fill("#wanted", "cake")
    await page.keyboard.press("Enter")
    await waitInPage(page, `document.getElementById("room-key").textContent === "${toRoomKey("cake")}"`)
    await page.goBack()
    await page.fill("#wanted", "no such room")
    await page.keyboard.press("Enter")
    await waitInPage(
      page,
      'document.getElementById("problem").textContent.startsWith("no room is called \\"no such room\\"")',
    )
    // The browser itself says of the rooms that are not there that they are not.
    expect(complaints.filter((complaint) => !complaint.includes("404"))).toEqual([])
    await page.close()
  },
  LAUNCH_MS * 2,
)

test(
  "usage is a page of it, at the address it had",
  async () => {
    const { page, complaints } = await open(nodes[1], 1440, 900)
    await page.click("nav >> text=Usage")
    await waitInPage(page, 'location.pathname === "/stats.html" && document.querySelectorAll("dd").length === 5')
    expect(await look(page, "usage")).toEqual([])
    await page.click("nav >> text=Now")
    await waitInPage(page, 'document.querySelectorAll("#nodes tr").length === 2')
    expect(complaints).toEqual([])
    await page.close()
  },
  LAUNCH_MS,
)

test(
  "says which node does not answer, and when the server itself does not",
  async () => {
    await using own = await startNode()
    const { page } = await open(own, 390, 844)
    await waitInPage(page, '!document.getElementById("no-rooms").hidden')
    await own.stop()
    await waitInPage(page, 'document.getElementById("problem").textContent.includes("cannot be asked")')
    expect(await look(page, "console-down")).toEqual([])
    await page.close()
  },
  LAUNCH_MS,
)

test("rates: between two looks, none for a node that is new, and never below zero", () => {
  const meter = new RateMeter()
  const node = (name: string, joins: number) => ({
    ...{ node: name, version: "1", started_at: 0, reasons: [], log_level: "info", memory_bytes: 0, lease_ms: null },
    ...{ connections: 1, rooms: 1, members: 2 },
    totals: { cpu_seconds: 0, joins, relays: 0, errors: 0 },
  })
  expect(meter.look([node("a", 5)], 1, 1000).size).toBe(0)
  const rates = meter.look([node("a", 11), node("b", 100)], 1, 4000)
  expect([rates.get("a")?.joins, rates.get("b")]).toEqual([2, undefined])
  expect(meter.look([node("a", 0)], 1, 5000).get("a")?.joins).toBe(0)
  expect(meter.history.map(({ joins, members }) => [joins, members])).toEqual([
    [0, 2],
    [2, 4],
    [0, 2],
  ])
})
