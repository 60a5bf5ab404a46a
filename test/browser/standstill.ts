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

/** On the demo page, the pictures of the others; and the own one, which goes over no network. */
export const OTHERS = "article.tile:not(.own) video"
export const OWN = "article.tile.own video"

/** 1 s: longer, and people notice. */
const STANDSTILL_MS = 1_000

/** Twice as long as the own picture, which goes over no network: where that one stands still, the machine is too busy. */
const OWN_PARTS = 2

/** How long a picture of another may stand still, ms, where the own one did for `ownMs`. */
export function mostStandstill(ownMs: number): number {
  return Math.max(STANDSTILL_MS, OWN_PARTS * ownMs)
}

/** Watches the videos that match `selector` now. */
export async function watchPictures(page: Page, selector = OTHERS): Promise<void> {
  await page.evaluate(`${SCRIPT}; watchPictures(${JSON.stringify(selector)})`)
}

/** What was seen so far. */
export async function standstillOf(page: Page, selector = OTHERS): Promise<Standstill> {
  return (await page.evaluate(`standstill(${JSON.stringify(selector)})`)) as Standstill
}
