// Drives pages of another origin than the server's, which use its /client.js and /mesh.js (pages/mesh.js).

import { join } from "node:path"
import type { Browser, BrowserContext, Page } from "playwright-core"
import { complaintsOf, waitInPage } from "./chromium.ts"
import { type Site, serveFolder } from "./site.ts"

/** Serves the test page. */
export function serveMeshPage(): Site {
  return serveFolder(join(import.meta.dir, "pages"))
}

/** One person in the call. */
export class MeshPage {
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
    browser: Browser | BrowserContext,
    site: Site,
    query: { socket: string; room: string; name: string; agent?: string },
    prepare: (page: Page) => Promise<unknown> = async () => undefined,
  ): Promise<MeshPage> {
    const one = new MeshPage(query.name, await browser.newPage())
    await prepare(one.page)
    await one.page.goto(`${site.url}mesh.html?${new URLSearchParams(query)}`)
    await one.waitFor("globalThis.drive?.client.ownId !== undefined")
    return one
  }

  async waitFor(expression: string): Promise<void> {
    await waitInPage(this.page, expression)
  }

  async do<T>(expression: string): Promise<T> {
    return (await this.page.evaluate(expression)) as T
  }

  /** Waits until somebody's picture moves, and has this colour. */
  async sees(name: string, colour = "red"): Promise<void> {
    const quoted = JSON.stringify(name)
    const before = await this.do<number>(`drive.frames(${quoted})`)
    await this.waitFor(
      `drive.frames(${quoted}) > ${before} + 1 && drive.colour(${quoted}) === ${JSON.stringify(colour)}`,
    )
  }

  async hears(...lines: string[]): Promise<void> {
    await this.waitFor(`${JSON.stringify(lines)}.every((line) => drive.heard.includes(line))`)
  }
}
