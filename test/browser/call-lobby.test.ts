// The demo page's way in: what it remembers, where the focus is, and that everything needed is in sight.

import { afterAll, beforeAll, expect, test } from "bun:test"
import type { Browser } from "playwright-core"
import { startNode } from "../helpers/node.ts"
import { SCREEN, Tab } from "./call-tab.ts"
import { LAUNCH_MS, launchChromium, TEST_MS, waitInPage } from "./chromium.ts"

let browser: Browser
beforeAll(async () => {
  browser = await launchChromium()
}, LAUNCH_MS)
afterAll(() => browser?.close())

test(
  "a camera switched off stays off after a reload, and the chosen microphone is kept",
  async () => {
    await using node = await startNode()
    const context = await browser.newContext(SCREEN)
    const { page, complaints } = await Tab.open(context, `${node.httpUrl}#again`)
    await page.locator("#preview.with-video").waitFor()
    const microphones = page.getByLabel("Microphone to use")
    const before = await microphones.inputValue()
    const others = await microphones.locator("option").evaluateAll((all) => all.map((one) => one.getAttribute("value")))
    const other = others.findLast((id) => id !== before) ?? ""
    await microphones.selectOption(other)
    await page.getByRole("button", { name: "Camera", exact: true }).click()
    await page.locator("#preview:not(.with-video)").waitFor()
    await page.reload()
    await page.locator("[data-action=microphone][aria-pressed=true]").first().waitFor()
    await page.getByText("Your camera is off").waitFor()
    await waitInPage(page, `document.querySelector("#microphones").value === ${JSON.stringify(other)}`)
    expect(complaints).toEqual([])
    await context.close()
  },
  TEST_MS,
)

test(
  "the initials are of the name alone, and who joined begins at the heading of the call",
  async () => {
    await using node = await startNode()
    const context = await browser.newContext(SCREEN)
    const tab = await Tab.open(context, `${node.httpUrl}#small`)
    await tab.page.locator("#preview.with-video").waitFor()
    await tab.press("Camera")
    await tab.enter("Ada", "Join")
    expect(await tab.page.locator(".tile.own .avatar").textContent()).toBe("A")
    expect(await tab.page.evaluate("document.activeElement.id")).toBe("call-title")
    await tab.page.getByRole("heading", { level: 1, name: "Call in the room small" }).waitFor()
    await tab.press("Chat")
    await tab.page.getByLabel("Message", { exact: true }).fill("to nobody")
    await tab.press("Send")
    await tab.page.getByRole("log").getByRole("list").getByRole("listitem").waitFor()
    await context.close()
  },
  TEST_MS,
)

test(
  "on a phone held sideways the way in is in sight",
  async () => {
    await using node = await startNode()
    for (const viewport of [
      { width: 844, height: 390 },
      { width: 667, height: 375 },
    ]) {
      for (const [hash, button] of [
        ["", "Open the room"],
        ["#room", "Join"],
      ]) {
        const context = await browser.newContext({ ...SCREEN, viewport, hasTouch: true, isMobile: true })
        const { page } = await Tab.open(context, `${node.httpUrl}${hash}`)
        const box = await page.getByRole("button", { name: button ?? "", exact: true }).boundingBox()
        expect((box?.y ?? viewport.height) + (box?.height ?? 0)).toBeLessThanOrEqual(viewport.height)
        expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(viewport.width)
        await context.close()
      }
    }
  },
  TEST_MS,
)
