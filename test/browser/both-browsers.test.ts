// The demo call between Chromium and Firefox, whoever comes first, and between eight tabs.

import { afterAll, beforeAll, expect, test } from "bun:test"
import type { Browser } from "playwright-core"
import type { Browser as Firefox, Page } from "puppeteer-core"
import { startNode } from "../helpers/node.ts"
import { SCREEN, Tab } from "./call-tab.ts"
import { LAUNCH_MS, launchChromium, WAIT_MS, waitInPage } from "./chromium.ts"
import { launchFirefox } from "./firefox.ts"

let chromium: Browser
let firefox: Firefox
beforeAll(async () => {
  ;[chromium, firefox] = await Promise.all([launchChromium(), launchFirefox()])
}, LAUNCH_MS * 2)
afterAll(async () => {
  await Promise.all([chromium?.close(), firefox?.close()])
})

/** A tab of the demo page in Firefox, in the call. */
async function enterByFirefox(url: string, name: string) {
  const page = await firefox.newPage()
  page.setDefaultTimeout(WAIT_MS)
  const complaints: string[] = []
  page.on("pageerror", (error) => complaints.push(String(error)))
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text())
  })
  await page.goto(url)
  await page.waitForSelector("#preview.with-video")
  await page.type("#name", name)
  await page.click("#enter")
  await page.waitForSelector("#call:not([hidden])")
  return { page, complaints, [Symbol.asyncDispose]: () => page.close() }
}

/** Waits until the picture on this tile is there and moves. */
async function moves(page: Page, name: string): Promise<void> {
  const tile = `document.querySelector('article.with-video[aria-label=${JSON.stringify(name)}] video')`
  await page.waitForFunction(`(${tile}?.currentTime ?? 0) > 0`)
  const before = await page.evaluate(`${tile}.currentTime`)
  await page.waitForFunction(`${tile}?.currentTime > ${before} + 0.2`)
}

async function enterByChromium(url: string, name: string, script = "") {
  const context = await chromium.newContext(SCREEN)
  await context.addInitScript(script)
  const tab = await Tab.open(context, url)
  await tab.page.locator("#preview.with-video").waitFor()
  await tab.enter(name, "Join")
  return Object.assign(tab, { [Symbol.asyncDispose]: () => context.close() })
}

for (const first of ["Chromium", "Firefox"]) {
  test(
    `${first} is there first: both see each other, write, switch a camera off and on`,
    async () => {
      await using node = await startNode()
      const url = `${node.httpUrl}#${first}`
      const early = first === "Chromium" ? await enterByChromium(url, "Ada") : undefined
      await using fox = await enterByFirefox(url, "Fox")
      await using ada = early ?? (await enterByChromium(url, "Ada"))
      await Promise.all([ada.moves("Fox"), moves(fox.page, "Ada")])
      await ada.page.keyboard.press("c")
      await ada.page.locator("#chat-text").fill("hello fox")
      await ada.page.keyboard.press("Enter")
      await fox.page.waitForFunction(`document.querySelector("#chat-log")?.textContent.includes("hello fox")`)
      await ada.press("Close chat")
      await fox.page.keyboard.press("v")
      await ada.hasNoPictureOf("Fox")
      await fox.page.keyboard.press("v")
      await ada.moves("Fox")
      await moves(fox.page, "Ada")
      expect([...ada.complaints, ...fox.complaints]).toEqual([])
    },
    WAIT_MS * 3,
  )
}

/** 56 pictures are encoded, sent and shown by two cores without any help: small ones, three a second, and no sound. */
const SMALL = `navigator.mediaDevices.getUserMedia = async ({ audio }) => {
  if (audio) throw new DOMException("", "NotFoundError")
  const canvas = document.createElement("canvas")
  ;[canvas.width, canvas.height] = [160, 120]
  const pen = canvas.getContext("2d")
  setInterval(() => {
    pen.fillStyle = "hsl(" + (Date.now() % 360) + " 50% 50%)"
    pen.fillRect(0, 0, 160, 120)
  }, 333)
  return canvas.captureStream(3)
}`

test(
  "eight tabs: everybody sees everybody, and one who leaves is gone everywhere",
  async () => {
    await using node = await startNode()
    const names = ["Ada", "Ben", "Cem", "Dana", "Eva", "Finn", "Gus", "Hana"]
    await using cleanup = new AsyncDisposableStack()
    const tabs: Tab[] = []
    for (const name of names) tabs.push(cleanup.use(await enterByChromium(`${node.httpUrl}#eight`, name, SMALL)))
    for (const [at, tab] of tabs.entries()) {
      const others = names.filter((_, other) => other !== at)
      await Promise.all(others.map((name) => tab.moves(`${name}, microphone off`)))
    }
    await (tabs[7] as Tab).press("Leave")
    for (const tab of tabs.slice(0, 7)) {
      await waitInPage(tab.page, `document.querySelectorAll("article.tile").length === 7`)
    }
    expect(tabs.flatMap(({ complaints }) => complaints)).toEqual([])
  },
  WAIT_MS * 5,
)
