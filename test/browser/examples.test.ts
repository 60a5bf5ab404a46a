// The examples for browsers, as their readers would use them: examples/call.html opened from another origin than the
// server's, with another of its kind and with the demo page; examples/use-room.tsx in React's strict mode.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Browser, Page } from "playwright-core"
import { startNode } from "../helpers/node.ts"
import { complaintsOf, LAUNCH_MS, launchChromium, WAIT_MS, waitInPage } from "./chromium.ts"
import { serveFolder } from "./site.ts"

const EXAMPLES = join(import.meta.dir, "../../examples")
const PAGES = join(import.meta.dir, "pages")

let browser: Browser
beforeAll(async () => {
  browser = await launchChromium()
}, LAUNCH_MS)
afterAll(() => browser?.close())

/** Waits until so many pictures are on the page, all of them with more frames than when asked. */
async function moves(page: Page, selector: string, count: number): Promise<void> {
  const frames = `[...document.querySelectorAll(${JSON.stringify(selector)})].map((video) =>
    video.getVideoPlaybackQuality().totalVideoFrames)`
  await waitInPage(page, `${frames}.length === ${count}`)
  const before = JSON.stringify(await page.evaluate(frames))
  await waitInPage(page, `${frames}.length === ${count} && ${frames}.every((now, at) => now > ${before}[at] + 1)`)
}

test(
  "the page of thirty lines: two tabs of it and the demo page see each other",
  async () => {
    await using node = await startNode()
    const source = await Bun.file(join(EXAMPLES, "call.html")).text()
    expect(source.split("localhost:4233")).toHaveLength(4)
    expect(source.trimEnd().split("\n").length).toBeLessThanOrEqual(30)
    using site = serveFolder(EXAMPLES, (text) => text.replaceAll("localhost:4233", `localhost:${node.port}`))
    const context = await browser.newContext({ viewport: { width: 800, height: 600 }, reducedMotion: "reduce" })
    const pages = await Promise.all([context.newPage(), context.newPage()])
    const complaints = pages.map(complaintsOf)
    for (const page of pages) await page.goto(`${site.url}call.html#tea`)
    await Promise.all(pages.map((page) => moves(page, "video", 2)))
    const demo = await context.newPage()
    complaints.push(complaintsOf(demo))
    await demo.goto(`${node.httpUrl}#tea`)
    await demo.locator("#preview.with-video").waitFor()
    await demo.getByLabel("Your name").fill("Demo")
    await demo.getByRole("button", { name: "Join" }).click()
    await Promise.all([...pages.map((page) => moves(page, "video", 3)), moves(demo, "article.with-video video", 3)])
    // Sound comes, too.
    const sounds = `[...document.querySelectorAll("video")].map(({ srcObject }) => srcObject.getAudioTracks().length)`
    expect(await pages[0]?.evaluate(sounds)).toEqual([1, 1, 1])
    await pages[1]?.close()
    await moves(pages[0] as Page, "video", 2)
    await demo.getByRole("button", { name: "Leave" }).click()
    await moves(pages[0] as Page, "video", 1)
    expect(complaints.flat()).toEqual([])
    await context.close()
  },
  WAIT_MS * 3,
)

test("docs/client.md begins with that page, and shows the other examples as they are", async () => {
  const text = await Bun.file(join(EXAMPLES, "../docs/client.md")).text()
  const [first = ""] = [...text.matchAll(/```\w+\n([\s\S]*?)```/g)].map(([, block]) => block)
  expect(first).toBe(await Bun.file(join(EXAMPLES, "call.html")).text())
  for (const name of ["call.html", "bot.ts", "use-room.tsx"]) expect(text).toContain(`](../examples/${name})`)
})

test(
  "the React hook: two people in one page, through mounting twice, a late camera, another room and a refusal",
  async () => {
    await using node = await startNode()
    const folder = await mkdtemp(join(tmpdir(), "palava-hook-"))
    const { success } = await Bun.build({
      entrypoints: [join(PAGES, "hook.jsx")],
      outdir: folder,
      target: "browser",
      define: { "process.env.NODE_ENV": '"development"' },
    })
    expect(success).toBe(true)
    await Bun.write(join(folder, "hook.html"), Bun.file(join(PAGES, "hook.html")))
    using site = serveFolder(folder)
    const page = await browser.newPage()
    const complaints = complaintsOf(page)
    await page.goto(`${site.url}hook.html?socket=${node.url}`)
    const ada = page.getByRole("region", { name: "Ada" })
    const ben = page.getByRole("region", { name: "Ben" })
    await moves(page, `[aria-label="Ada"] [aria-label="Ben"] video`, 1)
    await moves(page, `[aria-label="Ben"] [aria-label="Ada"] video`, 1)
    await ada.getByRole("button", { name: "Go" }).click()
    await ben.getByRole("figure").waitFor({ state: "detached" })
    expect(await ada.getByRole("figure").count()).toBe(0)
    await ben.getByRole("button", { name: "Go" }).click()
    await moves(page, "figure video", 2)
    await ben.getByRole("button", { name: "Say" }).click()
    await ada.getByRole("button", { name: "Fail" }).click()
    await ada.getByText("room id too long").waitFor()
    await ben.getByRole("figure").waitFor({ state: "detached" })
    expect(complaints).toEqual([])
    await page.close()
    await rm(folder, { recursive: true })
  },
  WAIT_MS * 3,
)
