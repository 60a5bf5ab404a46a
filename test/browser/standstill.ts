// How long pictures stand still: counts the pictures that a page really shows, by requestVideoFrameCallback, and keeps the
// longest time between two of the same video. For all that nobody in a call must see. Each page needs a context of its
// own: Chromium shows one picture a second in a tab that is behind another.

import { join } from "node:path"
import type { Page } from "playwright-core"

/** What was seen since `watchPictures`. */
export interface Standstill {
  /** The longest time without a new picture, of any video watched; one that has not ended counts up to now. */
  readonly longestMs: number
  /** Pictures shown, of all videos. */
  readonly pictures: number
  /** Videos watched, and how many of them are not on the page any more. */
  readonly videos: number
  readonly gone: number
}

const SCRIPT = await Bun.file(join(import.meta.dir, "pages/standstill.js")).text()

/** Watches the videos that match `selector` now: on the demo page, when not given, those of the others. */
export async function watchPictures(page: Page, selector = "article.tile:not(.own) video"): Promise<void> {
  await page.evaluate(`${SCRIPT}; watchPictures(${JSON.stringify(selector)})`)
}

/** What was seen so far. */
export async function standstillOf(page: Page): Promise<Standstill> {
  return (await page.evaluate("standstill()")) as Standstill
}
