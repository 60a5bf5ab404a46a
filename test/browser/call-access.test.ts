// The demo page for everybody: by keyboard alone, with the focus in sight, on a phone, without motion, in German.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { join } from "node:path"
import type { Browser, Page } from "playwright-core"
import { startNode } from "../helpers/node.ts"
import { SCREEN, Tab } from "./call-tab.ts"
import { LAUNCH_MS, launchChromium, TEST_MS } from "./chromium.ts"
import { look } from "./look.ts"

let browser: Browser
beforeAll(async () => {
  browser = await launchChromium()
}, LAUNCH_MS)
afterAll(() => browser?.close())

const FOCUSED = `(() => {
  const { activeElement: element } = document
  const name = element.getAttribute("aria-label") ?? element.textContent.trim()
  return { name, isSeen: getComputedStyle(element).outlineStyle !== "none" || element.tagName === "H1" }
})()`

/** Presses Tab until the focus is on what has this name; each stop on the way has to show it. */
async function tabTo(page: Page, name: string): Promise<void> {
  // 20: there are fewer stops on the page.
  for (let stop = 0; stop < 20; stop++) {
    await page.keyboard.press("Tab")
    const focused = (await page.evaluate(FOCUSED)) as { name: string; isSeen: boolean }
    expect(focused).toMatchObject({ isSeen: true })
    if (focused.name === name) return
  }
  throw new Error(`Tab does not reach ${name}`)
}

test(
  "all by keyboard: join, mute, chat, leave and join again",
  async () => {
    await using node = await startNode()
    const context = await browser.newContext(SCREEN)
    const { page, complaints } = await Tab.open(context, `${node.httpUrl}#keys`)
    await page.locator("#preview.with-video").waitFor()
    await page.keyboard.type("Ada")
    await tabTo(page, "Join")
    await page.keyboard.press("Enter")
    await page.getByRole("button", { name: "Leave" }).waitFor()
    await tabTo(page, "Microphone")
    await page.keyboard.press("Space")
    await page.getByRole("article", { name: "Ada (you), microphone off" }).waitFor()
    await page.keyboard.press("c")
    await page.keyboard.type("Hello")
    await page.keyboard.press("Enter")
    await page.getByRole("log").getByText("Hello").waitFor()
    expect(await look(page, "chat")).toEqual([])
    await page.keyboard.press("Escape")
    expect(await page.evaluate(FOCUSED)).toMatchObject({ name: "Chat" })
    await page.keyboard.press("?")
    await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor()
    expect(await look(page, "shortcuts")).toEqual([])
    await page.keyboard.press("Escape")
    await tabTo(page, "Leave")
    await page.keyboard.press("Enter")
    await page.getByRole("heading", { name: "You left the call" }).waitFor()
    expect(await page.evaluate(FOCUSED)).toMatchObject({ name: "Join again", isSeen: true })
    await page.keyboard.press("Enter")
    await page.getByRole("button", { name: "Leave" }).waitFor()
    expect(complaints).toEqual([])
    await context.close()
  },
  TEST_MS,
)

test(
  "two on a phone: axe finds nothing in lobby, call and chat, and nothing moves",
  async () => {
    await using node = await startNode()
    const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true } as const
    const context = await browser.newContext({ ...SCREEN, ...phone })
    const ada = await Tab.open(context, node.httpUrl)
    await ada.page.locator("#preview.with-video").waitFor()
    const found = await look(ada.page, "phone lobby")
    await ada.enter("Ada", "Open the room")
    const ben = await Tab.open(context, ada.page.url())
    await ben.enter("Ben", "Join")
    await ada.moves("Ben")
    found.push(...(await look(ada.page, "phone call")))
    const lasting = "document.getAnimations().filter((one) => one.effect.getComputedTiming().endTime > 1).length"
    expect(await ada.page.evaluate(lasting)).toBe(0)
    await ada.press("Chat")
    found.push(...(await look(ada.page, "phone chat")))
    expect(found).toEqual([])
    await context.close()
  },
  TEST_MS,
)

test(
  "in German when the browser prefers it",
  async () => {
    await using node = await startNode()
    const context = await browser.newContext({ ...SCREEN, locale: "de-AT" })
    const { page } = await Tab.open(context, node.httpUrl)
    await page.getByRole("heading", { name: "Von Angesicht zu Angesicht" }).waitFor()
    expect(await page.getAttribute("html", "lang")).toBe("de")
    expect(await page.evaluate(`document.body.innerHTML.replace(/<script[^]*/, "").includes("{")`)).toBe(false)
    await page.getByRole("button", { name: "Raum öffnen" }).click()
    await page.getByRole("button", { name: "Verlassen" }).waitFor()
    expect(await look(page, "German")).toEqual([])
    await context.close()
  },
  TEST_MS,
)

test("every text that index.html names is there, with the same places for values in both languages", async () => {
  const folder = join(import.meta.dir, "../../src/web/call")
  const [html = "", words = ""] = await Promise.all(
    ["index.html", "words.ts"].map((file) => Bun.file(join(folder, file)).text()),
  )
  const texts = new Map(
    [...words.matchAll(/^ {2}(\w+): \[\s*"([^"]+)",\s*"([^"]+)",?\s*\],$/gm)].map(([, name, ...both]) => [name, both]),
  )
  for (const [, name] of html.matchAll(/\{(\w+)\}/g)) expect(texts.has(name)).toBe(true)
  for (const [english = "", german = ""] of texts.values()) {
    const placesIn = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort()
    expect(placesIn(german)).toEqual(placesIn(english))
  }
  expect(texts.size).toBe(words.match(/^ {2}\w+: \[/gm)?.length ?? 0)
})
