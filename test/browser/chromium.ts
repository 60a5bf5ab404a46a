// Starts headless Chromium with fake media for the end-to-end tests: Debian's package, driven by playwright-core.

import { existsSync } from "node:fs"
import { type Browser, chromium, type Page } from "playwright-core"

/** 90 s: launching takes one or two, but all tests of a loaded machine may run at once. */
export const LAUNCH_MS = 90_000

/** 60 s for each thing waited for: a call between three pages takes five on an idle machine with two cores. */
export const WAIT_MS = 60_000

/** 120 s for a test of a page or two: longer than a wait in it, so that what is told at its end is what was waited for. */
export const TEST_MS = 2 * WAIT_MS

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]

const FLAGS = [
  // Tests run as root in containers, where Chromium's sandbox cannot.
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // /dev/shm is 64 MB in containers, too little for several pages with video.
  "--disable-dev-shm-usage",
  // Nobody clicks on permission questions here, and there is no camera. Ten pictures a second: the tests wait for
  // pictures that move, and each one is encoded and shown by a CPU that has no help here.
  "--use-fake-device-for-media-stream=fps=10",
  "--use-fake-ui-for-media-stream",
  // Candidates with plain addresses: no mDNS responder is needed to resolve them.
  "--disable-features=WebRtcHideLocalIpsWithMdns",
]

/** Launches it, with a fresh profile; fails with one line that says what to install. */
export async function launchChromium(): Promise<Browser> {
  const executablePath = PLACES.find((place) => existsSync(place))
  if (executablePath === undefined) {
    throw new Error("Chromium is missing: install it (Debian, Ubuntu: apt-get install chromium)")
  }
  return chromium.launch({ executablePath, headless: true, args: FLAGS, timeout: LAUNCH_MS })
}

/** Collects what a page complains about (errors, refused by its policy), to be empty at the end of a test. */
export function complaintsOf(page: Page): string[] {
  const complaints: string[] = []
  page.setDefaultTimeout(WAIT_MS)
  page.on("pageerror", (error) => complaints.push(error.message))
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text())
  })
  return complaints
}

/**
 * Waits until an expression holds in the page. Handed over as a function: playwright evaluates a text anew at each
 * look, which a page with a strict policy refuses. Five looks a second: at every frame they would take the CPU from
 * the calls they wait for. Fails with the expression: a time-out alone tells nobody what was missing.
 */
export async function waitInPage(page: Page, expression: string): Promise<void> {
  const look = new Function(`return (${expression})`) as () => unknown
  try {
    await page.waitForFunction(look, undefined, { timeout: WAIT_MS, polling: 200 })
  } catch (cause) {
    throw new Error(`not within ${WAIT_MS / 1000} s: ${expression} (${(cause as Error).message.split("\n")[0]})`, {
      cause,
    })
  }
}
