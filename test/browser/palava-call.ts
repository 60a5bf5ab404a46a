// Drives pages that run the unmodified npm package palava-client. Each page is told its own WebSocket address, so the
// same call runs with all pages on one node or each on another.

import { join } from "node:path"
import type { Browser, Page } from "playwright-core"
import { complaintsOf, waitInPage } from "./chromium.ts"
import { type Site, serveFiles } from "./site.ts"

const FILES: Record<string, string> = {
  "/": join(import.meta.dir, "pages/palava.html"),
  "/palava.js": join(import.meta.dir, "pages/palava.js"),
  "/palava.bundle.js": join(import.meta.dir, "../../node_modules/palava-client/palava.bundle.js"),
}

/** Serves the test page. */
export function servePalavaPage(): Site {
  return serveFiles((pathname) => FILES[pathname])
}

/** One person in the call. */
export class PalavaPage {
  readonly name: string
  readonly page: Page
  readonly complaints: string[]

  private constructor(name: string, page: Page) {
    this.name = name
    this.page = page
    this.complaints = complaintsOf(page)
  }

  /** Opens the page and waits until it is in the room. */
  static async open(
    browser: Browser,
    options: { pageUrl: string; socketUrl: string; room: string; name: string },
  ): Promise<PalavaPage> {
    const { pageUrl, socketUrl, room, name } = options
    const one = new PalavaPage(name, await browser.newPage())
    await one.page.goto(`${pageUrl}?${new URLSearchParams({ socket: socketUrl, room, name })}`)
    await one.waitFor("drive.hasJoined()")
    return one
  }

  /** Waits until exactly these are seen, connected, with two more pictures of each than when asked. */
  async sees(names: string[]): Promise<void> {
    await this.knows(names)
    const before = (await this.page.evaluate("drive.peers()")) as { name: string; frames: number }[]
    const frames = Object.fromEntries(before.map((peer) => [peer.name, peer.frames]))
    await this.waitFor(
      `drive.peers().every((peer) =>
        ["connected", "completed"].includes(peer.ice) && peer.frames > ${JSON.stringify(frames)}[peer.name] + 1)`,
    )
  }

  /** Waits until exactly these are in the room. */
  async knows(names: string[]): Promise<void> {
    const wanted = JSON.stringify(JSON.stringify([...names].sort()))
    await this.waitFor(`JSON.stringify(drive.peers().map(({ name }) => name).sort()) === ${wanted}`)
  }

  /** Says something to somebody, through the server and over the data channel, and waits until it was heard. */
  async tells(other: PalavaPage, text: string): Promise<void> {
    const [to, from, data] = [other.name, this.name, text].map((value) => JSON.stringify(value))
    await this.page.evaluate(`drive.say(${to}, ${data})`)
    await other.waitFor(`drive.heard(${from}, "server", ${data})`)
    await this.waitFor(`drive.peers().some(({ name, channel }) => name === ${to} && channel)`)
    await this.page.evaluate(`drive.sayOverChannel(${to}, ${data})`)
    await other.waitFor(`drive.heard(${from}, "channel", ${data})`)
  }

  async leaves(): Promise<void> {
    await this.page.evaluate("drive.leave()")
  }

  private async waitFor(expression: string): Promise<void> {
    try {
      await waitInPage(this.page, expression)
    } catch (error) {
      const state = await this.page.evaluate("JSON.stringify([drive.peers(), drive.events])").catch(String)
      const told = this.complaints.join("; ") || "nothing"
      throw new Error(`${this.name} waits for ${expression}; it has ${state} and complained of ${told}`, {
        cause: error,
      })
    }
  }
}

/** The whole call of three: all see each other, talk, one renames itself, one leaves, the others go on. */
export async function palavaCall(browser: Browser, pageUrl: string, socketUrls: string[]): Promise<void> {
  const [first = "", second = first, third = first] = socketUrls
  const room = `call-${crypto.randomUUID()}`
  const ada = await PalavaPage.open(browser, { pageUrl, socketUrl: first, room, name: "Ada" })
  const ben = await PalavaPage.open(browser, { pageUrl, socketUrl: second, room, name: "Ben" })
  const cem = await PalavaPage.open(browser, { pageUrl, socketUrl: third, room, name: "Cem" })
  await Promise.all([ada.sees(["Ben", "Cem"]), ben.sees(["Ada", "Cem"]), cem.sees(["Ada", "Ben"])])
  await ada.tells(ben, "hello Ben")
  await ben.tells(cem, "hello Cem, früher 🙂")
  await cem.tells(ada, "hello Ada")
  await cem.page.evaluate(`drive.rename("Džem")`)
  await Promise.all([ada.knows(["Ben", "Džem"]), ben.knows(["Ada", "Džem"])])
  await cem.leaves()
  await Promise.all([ada.sees(["Ben"]), ben.sees(["Ada"])])
  // palava-client starts to play at the first track of a peer, and again at the second, which interrupts the first.
  const complaints = [ada, ben, cem]
    .flatMap((one) => one.complaints)
    .filter((text) => !text.includes("interrupted by a new load request"))
  await Promise.all([ada, ben, cem].map((one) => one.page.close()))
  if (complaints.length > 0) throw new Error(`a page complained: ${complaints.join("; ")}`)
}
