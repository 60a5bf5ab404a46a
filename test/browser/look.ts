// Looks at a state of the demo page: axe (WCAG 2.1 A and AA) finds nothing wrong in light and dark, and, with SHOTS set
// to a folder, a picture of each is kept there to be looked at.

import { join } from "node:path"
import axe from "axe-core"
import type { Page } from "playwright-core"

const OPTIONS = { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"], resultTypes: ["violations"] }

/** Until what has changed is painted. */
const PAINTED = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"

/** 5 s for the other colours; reached only where they are wrong. */
const COLOURS_MS = 5_000

/** What axe complains of, one line for each element. */
export async function look(page: Page, name: string): Promise<string[]> {
  const found: string[] = []
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" })
    await page.evaluate(PAINTED)
    const shots = process.env["SHOTS"]
    if (shots !== undefined) await page.screenshot({ path: join(shots, `${name}-${colorScheme}.png`) })
    await page.evaluate(axe.source)
    // On a busy machine the browser takes its time to give every element the other colours: what is wrong stays wrong.
    const giveUpAt = performance.now() + COLOURS_MS
    let complaints = await complaintsOf(page)
    while (complaints.length > 0 && performance.now() < giveUpAt) {
      await page.evaluate(PAINTED)
      complaints = await complaintsOf(page)
    }
    found.push(...complaints.map((complaint) => `${name} ${colorScheme}: ${complaint}`))
  }
  return found
}

async function complaintsOf(page: Page): Promise<string[]> {
  const { violations } = (await page.evaluate(`axe.run(document, ${JSON.stringify(OPTIONS)})`)) as axe.AxeResults
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id} ${target} ${failureSummary}`),
  )
}
