// A call of three pages goes through what happens to servers and networks: a restart, a stop, a kill, a cut. Nobody's id
// changes, no page says that anybody left, and the longest standstill of any picture is printed and bounded.

import { afterAll, beforeAll, expect, test } from "bun:test"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Browser } from "playwright-core"
import { startNode, type TestNode } from "../helpers/node.ts"
import { type NetworkProxy, startProxy, startRedis } from "../helpers/redis.ts"
import { SCREEN, Tab } from "./call-tab.ts"
import { LAUNCH_MS, launchChromium, WAIT_MS, waitInPage } from "./chromium.ts"
import { mostStandstill, OTHERS, OWN, standstillOf, watchPictures } from "./standstill.ts"

/** 10 s: a train in a tunnel. */
const CUT_MS = 10_000

const NAMES = ["Ada", "Ben", "Cem"] as const

let browser: Browser
beforeAll(async () => {
  browser = await launchChromium()
}, LAUNCH_MS)
afterAll(() => browser?.close())

/** Three people in a call, each behind an address of their own. */
class Call {
  readonly tabs: Tab[] = []

  /** Opens it; the pages come to their node by their own proxy. */
  static async open(nodes: readonly TestNode[], cleanup: AsyncDisposableStack): Promise<[Call, NetworkProxy[]]> {
    const call = new Call()
    const proxies: NetworkProxy[] = []
    for (const [at, name] of NAMES.entries()) {
      const proxy = cleanup.use(await startProxy((nodes[at % nodes.length] as TestNode).port))
      proxies.push(proxy)
      const context = await browser.newContext(SCREEN)
      cleanup.defer(() => context.close())
      // Every word the page ever says, and every socket that it opens.
      await context.addInitScript(`
        globalThis.said = []
        globalThis.opened = 0
        globalThis.resumed = []
        globalThis.WebSocket = class extends WebSocket {
          constructor(...args) {
            super(...args)
            opened++
            this.addEventListener("message", ({ data }) => {
              const { event, complete } = JSON.parse(data)
              if (event === "resumed") resumed.push(complete)
            })
          }
        }
        addEventListener("DOMContentLoaded", () => new MutationObserver((changes) => {
          for (const { addedNodes, target } of changes) {
            for (const node of addedNodes) said.push((node.textContent ?? "").trim())
            if (target.nodeType === Node.TEXT_NODE) said.push(target.textContent)
          }
        }).observe(document.body, { childList: true, characterData: true, subtree: true }))`)
      const tab = await Tab.open(context, `http://127.0.0.1:${proxy.port}/#unseen`)
      await tab.page.locator("#preview.with-video").waitFor()
      await tab.enter(name, "Join")
      call.tabs.push(tab)
    }
    await call.everybodyMoves()
    for (const { page } of call.tabs) for (const pictures of [OTHERS, OWN]) await watchPictures(page, pictures)
    return [call, proxies]
  }

  /** Waits until everybody's picture moves on everybody's page. */
  async everybodyMoves(): Promise<void> {
    for (const [at, tab] of this.tabs.entries()) {
      for (const name of NAMES) if (name !== NAMES[at]) await tab.moves(name)
    }
  }

  /** Waits until so many pages have come back. */
  async isBack(count: number): Promise<void> {
    for (const { page } of this.tabs.slice(0, count)) await waitInPage(page, "resumed.length > 0")
    await this.everybodyMoves()
  }

  async ids(): Promise<unknown> {
    const tiles = `[...document.querySelectorAll("article.tile")].map(({ dataset }) => dataset.peer ?? "own").sort()`
    return Promise.all(this.tabs.map(({ page }) => page.evaluate(tiles)))
  }

  /** What every page has to show at the end, whatever happened. */
  async isUndisturbed(what: string, before: unknown): Promise<void> {
    const seen = await Promise.all(this.tabs.map(({ page }) => standstillOf(page)))
    const own = await Promise.all(this.tabs.map(({ page }) => standstillOf(page, OWN)))
    const [longestMs, ownMs] = [seen, own].map((all) =>
      Math.round(Math.max(...all.map(({ longestMs }) => longestMs))),
    ) as [number, number]
    const complete = await Promise.all(this.tabs.map(({ page }) => page.evaluate("resumed")))
    console.log(
      `${what}: longest standstill of a picture ${longestMs} ms (the own one ${ownMs} ms), complete: ${JSON.stringify(complete)}`,
    )
    expect(await this.ids()).toEqual(before)
    expect(seen.map(({ videos, gone }) => [videos, gone])).toEqual(NAMES.map(() => [2, 0]))
    const said = (await Promise.all(this.tabs.map(({ page }) => page.evaluate("said")))).flat() as string[]
    expect(said.filter((text) => /\bleft\b/.test(text) && NAMES.some((name) => text.includes(name)))).toEqual([])
    expect(longestMs).toBeLessThan(mostStandstill(ownMs))
  }
}

test(
  "one node is stopped by SIGTERM and started again",
  async () => {
    await using cleanup = new AsyncDisposableStack()
    const folder = await mkdtemp(join(tmpdir(), "palava-restart-"))
    cleanup.defer(() => rm(folder, { recursive: true }))
    const args = ["--state-file", join(folder, "state"), "--shutdown-seconds", "0"]
    const node = await startNode(args)
    const [call] = await Call.open([node], cleanup)
    const before = await call.ids()
    node.kill("SIGTERM")
    expect(await node.exited).toBe(0)
    cleanup.use(await startNode([...args, "--port", String(node.port)]))
    await call.isBack(3)
    await call.isUndisturbed("restart of the only node", before)
  },
  WAIT_MS * 4,
)

for (const signal of ["SIGTERM", "SIGKILL"] as const) {
  test(
    `one of two nodes ends by ${signal}`,
    async () => {
      await using cleanup = new AsyncDisposableStack()
      const redis = cleanup.use(await startRedis())
      const args = ["--redis", redis.url, "--shutdown-seconds", "0"]
      const [one, other] = [cleanup.use(await startNode(args)), cleanup.use(await startNode(args))]
      const [call, proxies] = await Call.open([one, other], cleanup)
      const before = await call.ids()
      one.kill(signal)
      for (const proxy of proxies) proxy.target = other.port
      for (const at of [0, 2]) await waitInPage((call.tabs[at] as Tab).page, "resumed.length > 0")
      await call.everybodyMoves()
      expect(await (call.tabs[1] as Tab).page.evaluate("opened")).toBe(1)
      await call.isUndisturbed(`one of two nodes, ${signal}`, before)
    },
    WAIT_MS * 4,
  )
}

test(
  "one page has no network for 10 s",
  async () => {
    await using cleanup = new AsyncDisposableStack()
    const node = cleanup.use(await startNode())
    const [call, proxies] = await Call.open([node], cleanup)
    const before = await call.ids()
    const proxy = proxies[0] as NetworkProxy
    proxy.isRefusing = true
    proxy.freeze()
    // The cut itself, which is what is tested.
    await Bun.sleep(CUT_MS)
    proxy.isRefusing = false
    proxy.reset()
    await call.isBack(1)
    await call.isUndisturbed("a cut of 10 s", before)
  },
  WAIT_MS * 4,
)
