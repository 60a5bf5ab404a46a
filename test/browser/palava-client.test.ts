// Three pages with the unmodified npm package palava-client 2.2.1 call each other through the executable.

import { afterAll, beforeAll, test } from "bun:test"
import type { Browser } from "playwright-core"
import { startNode } from "../helpers/node.ts"
import { LAUNCH_MS, launchChromium, WAIT_MS } from "./chromium.ts"
import { palavaCall, servePalavaPage } from "./palava-call.ts"

let browser: Browser | undefined
beforeAll(async () => {
  browser = await launchChromium()
}, LAUNCH_MS)
afterAll(() => browser?.close())

test(
  "palava-client: three people see, hear and leave each other",
  async () => {
    if (browser === undefined) throw new Error("no browser")
    await using node = await startNode()
    using site = servePalavaPage()
    await palavaCall(browser, site.url, [node.url])
  },
  WAIT_MS * 4,
)
