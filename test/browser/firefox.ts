// Starts headless Firefox with fake media: Debian's package, driven by puppeteer-core (WebDriver BiDi), as playwright
// drives only a Firefox of its own.

import { existsSync } from "node:fs"
import puppeteer, { type Browser } from "puppeteer-core"
import { LAUNCH_MS, WAIT_MS } from "./chromium.ts"

const PLACES = ["/usr/bin/firefox-esr", "/usr/bin/firefox"]

const PREFERENCES = {
  "media.navigator.streams.fake": true,
  "media.navigator.permission.disabled": true,
  // Candidates with plain addresses, also of this machine itself.
  "media.peerconnection.ice.obfuscate_host_addresses": false,
  "media.peerconnection.ice.loopback": true,
  // Sound is heard without a click.
  "media.autoplay.default": 0,
}

/** Launches it, with a fresh profile; fails with one line that says what to install. */
export async function launchFirefox(): Promise<Browser> {
  const executablePath = PLACES.find((place) => existsSync(place))
  if (executablePath === undefined) {
    throw new Error("Firefox is missing: install it (Debian: apt-get install firefox-esr)")
  }
  return puppeteer.launch({
    browser: "firefox",
    executablePath,
    headless: true,
    extraPrefsFirefox: PREFERENCES,
    timeout: LAUNCH_MS,
    protocolTimeout: WAIT_MS * 2,
  })
}
