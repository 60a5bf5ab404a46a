// A tab of the demo page, driven by clicking it as a person would.

import type { BrowserContext, Page } from "playwright-core"
import { complaintsOf, waitInPage } from "./chromium.ts"

/** Smaller than a real one: every picture is painted by the CPU here. Motion is reduced for the same reason. */
export const SCREEN = { viewport: { width: 800, height: 600 }, reducedMotion: "reduce" } as const

/** A tab of the demo page. */
export class Tab {
  readonly page: Page
  readonly complaints: string[]

  constructor(page: Page) {
    this.page = page
    this.complaints = complaintsOf(page)
  }

  static async open(context: BrowserContext, url: string): Promise<Tab> {
    const tab = new Tab(await context.newPage())
    await tab.page.goto(url)
    return tab
  }

  async enter(name: string, button: "Open the room" | "Join" | "Join again"): Promise<void> {
    await this.page.getByLabel("Your name").fill(name)
    await this.press(button)
    await this.page.getByRole("button", { name: "Leave" }).waitFor()
  }

  async press(button: string): Promise<void> {
    await this.page.getByRole("button", { name: button, exact: true }).click()
  }

  /** Waits until these, and only these, are on the stage; the names are what a screen reader says of a tile. */
  async shows(names: string[]): Promise<void> {
    for (const name of names) await this.page.getByRole("article", { name, exact: true }).waitFor()
    await waitInPage(this.page, `document.querySelectorAll("article.tile").length === ${names.length}`)
  }

  /** Waits until the picture on this tile is visible and moves. */
  async moves(name: string): Promise<void> {
    const tile = `document.querySelector('article.with-video[aria-label=${JSON.stringify(name)}] video')`
    const shown = `(${tile}?.getVideoPlaybackQuality().totalVideoFrames ?? 0)`
    const before = await this.page.evaluate(shown)
    await waitInPage(this.page, `${shown} > ${before} + 1`)
  }

  /** Waits until somebody's picture is gone from their tile. */
  async hasNoPictureOf(name: string): Promise<void> {
    await this.page.locator(`article:not(.with-video)[aria-label="${name}"]`).waitFor()
  }
}
