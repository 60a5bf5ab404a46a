// Looks at a state of the demo page: axe (WCAG 2.1 A and AA) finds nothing wrong in light and dark, and, with SHOTS set
// to a folder, a picture of each is kept there to be looked at.

import { join } from "node:path"
import axe from "axe-core"
import type { Page } from "playwright-core"

const OPTIONS = { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"], resultTypes: ["violations"] }

/** What axe complains of, one line for each element. */
export async function look(page: Page, name: string): Promise<string[]> {
  const found: string[] = []
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" })
    // Until the colours are painted.
    await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    const shots = process.env["SHOTS"]
    if (shots !== undefined) await page.screenshot({ path: join(shots, `${name}-${colorScheme}.png`) })
    await page.evaluate(axe.source)
    const { violations } = (await page.evaluate(`axe.run(document, ${JSON.stringify(OPTIONS)})`)) as axe.AxeResults
    for (const { id, nodes } of violations) {
      for (const { target, failureSummary } of nodes)
        found.push(`${name} ${colorScheme}: ${id} ${target} ${failureSummary}`)
    }
  }
  return found
}
