// The statistics page in Chromium: what an operator sees, in both colours, with nothing from the network.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import type { Browser } from "playwright-core"
import { MINUTE_BANDS, ROOM_BANDS, SPANS, startsOf, toColumns, totalOf } from "../../src/web/stats/data.ts"
import { complaintsOf, LAUNCH_MS, launchChromium, waitInPage } from "../browser/chromium.ts"
import { startNode, type TestNode } from "../helpers/node.ts"
import { type RedisServer, startRedis } from "../helpers/redis.ts"

const HOUR = 3600

describe("columns", () => {
  const span = (id: string) => SPANS.find((one) => one.id === id) ?? SPANS[0]

  test("hours of a day, days of a month, the last one under way", () => {
    const now = new Date(2026, 10, 23, 14, 35)
    const hours = startsOf(span("24h"), now)
    expect(hours).toHaveLength(24)
    expect(new Date((hours.at(-1) ?? 0) * 1000)).toEqual(new Date(2026, 10, 23, 14))
    const days = startsOf(span("30d"), now)
    expect(days).toHaveLength(30)
    expect(new Date((days[0] ?? 0) * 1000)).toEqual(new Date(2026, 9, 25))
  })

  test("add hours up, in bands", () => {
    const at = (hour: number) => new Date(hour * HOUR * 1000).toISOString()
    const hours = [
      { hour: at(9), rooms: { 2: 100 }, minutes: {} },
      { hour: at(10), rooms: { 1: 1, 2: 2, 4: 3, 9: 4, 10: 5, 50: 6 }, minutes: { 0: 1, 4: 2, 5: 3, 59: 4, 60: 5 } },
      { hour: at(11), rooms: { 2: 1 }, minutes: { 0: 1 } },
      { hour: at(12), rooms: {}, minutes: { 600: 1 } },
    ]
    const columns = toColumns([10 * HOUR, 12 * HOUR], hours)
    expect(columns).toEqual([
      {
        start: 10 * HOUR,
        rooms: 22,
        joins: 16,
        minutes: 8 + 15 + 236 + 300,
        largest: 50,
        roomBands: [1, 3, 3, 4, 11],
        minuteBands: [2, 2, 3, 4, 5],
      },
      {
        start: 12 * HOUR,
        rooms: 0,
        joins: 1,
        minutes: 600,
        largest: 0,
        roomBands: [0, 0, 0, 0, 0],
        minuteBands: [0, 0, 0, 0, 1],
      },
    ])
    expect(totalOf(columns)).toEqual({ rooms: 22, joins: 17, minutes: 1159, largest: 50 })
    expect([ROOM_BANDS.length, MINUTE_BANDS.length]).toEqual([5, 5])
  })
})

describe("the page", () => {
  let redis: RedisServer
  let node: TestNode
  let browser: Browser

  beforeAll(async () => {
    redis = await startRedis()
    const now = Math.floor(Date.now() / 1000 / HOUR) * HOUR
    for (const [back, rooms] of [
      [0, 2],
      [2, 5],
      [30, 8],
    ] as const) {
      await redis.cli("HSET", `store:stats:room_peaks:${now - back * HOUR}`, "2", String(rooms), "12", "1")
      await redis.cli("HSET", `store:stats:connection_time:${now - back * HOUR}`, "0", "1", "20", String(rooms * 2))
    }
    node = await startNode(["--redis", redis.url])
    browser = await launchChromium()
  }, LAUNCH_MS)

  afterAll(async () => {
    await browser?.close()
    await node?.[Symbol.asyncDispose]()
    await redis?.[Symbol.asyncDispose]()
  })

  test.each(["light", "dark"] as const)(
    "shows figures, charts and table (%s)",
    async (colorScheme) => {
      const page = await browser.newPage({ colorScheme, locale: "en-GB" })
      const complaints = complaintsOf(page)
      const elsewhere: string[] = []
      page.on("request", (request) => {
        if (!request.url().startsWith(node.adminUrl) && !request.url().startsWith("data:"))
          elsewhere.push(request.url())
      })
      await page.goto(`${node.adminUrl}stats.html`)
      const figures = () => page.$$eval("dd", (all) => all.slice(0, 4).map((one) => one.textContent))
      await waitInPage(page, 'document.getElementById("joins-total").textContent === "16"')
      expect(await figures()).toEqual(["16", "9", "17.5", "12"])
      expect(await page.$$eval(".uplot canvas", (all) => all.length)).toBe(3)
      expect(await page.$$eval("#rows tr", (all) => all.length)).toBe(2)
      // Something is drawn, in a colour that is not the paper's.
      const isDrawn = await page.evaluate(`(() => {
      const canvas = document.querySelector("#rooms-chart canvas")
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
      return data.some((value, at) => at % 4 === 3 && value === 255)
    })()`)
      expect(isDrawn).toBe(true)

      // No more is offered than the server keeps.
      expect(await page.locator("#spans button:visible").allTextContents()).toEqual(["24 hours", "7 days", "30 days"])
      await page.click("text=7 days")
      await waitInPage(page, 'document.getElementById("joins-total").textContent === "33"')
      expect(await figures()).toEqual(["33", "18", "18.2", "12"])
      expect(page.url()).toEndWith("#7d")
      const csv = await page.getAttribute("#download", "href")
      expect(await (await fetch(new URL(csv ?? "", node.adminUrl))).text()).toContain("room_peak,12,1")

      // The pointer tells the numbers of its column.
      const over = page.locator("#minutes-chart .u-over")
      const box = await over.boundingBox()
      await over.hover({ position: { x: (box?.width ?? 0) - 2, y: 50 } })
      await waitInPage(page, 'document.querySelector("#minutes-chart .note").textContent.includes("15–59 min4")')

      await page.click("#theme")
      expect(await page.getAttribute("html", "data-theme")).toBe("light")
      expect(complaints).toEqual([])
      expect(elsewhere).toEqual([])
      await page.close()
    },
    LAUNCH_MS,
  )

  test(
    "says so when there is nothing, and when there is no answer",
    async () => {
      await using own = await startNode()
      const page = await browser.newPage({ viewport: { width: 360, height: 700 } })
      await page.goto(`${own.adminUrl}stats.html`)
      await waitInPage(page, '!document.getElementById("empty").hidden')
      // Nothing is wider than a phone.
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(360)
      await own.stop()
      await page.click("text=30 days")
      await waitInPage(page, 'document.getElementById("problem").textContent.includes("could not be fetched")')
      await page.close()
    },
    LAUNCH_MS,
  )
})
