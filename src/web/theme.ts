// Light, dark, or as the system has it; a button goes round the three.
import { memory } from "./memory.ts"

const THEMES = ["auto", "light", "dark"] as const

/** How a page is coloured. */
export type Theme = (typeof THEMES)[number]

/** Colours the page as `remembered` has it; `show` puts the theme on the buttons that change it. */
export function setUpTheme<Button extends HTMLElement>(
  buttons: readonly Button[],
  show: (button: Button, theme: Theme) => void,
  remembered = memory,
): void {
  let theme = THEMES.find((known) => known === remembered.get("theme")) ?? "auto"
  const apply = () => {
    if (theme === "auto") delete document.documentElement.dataset["theme"]
    else document.documentElement.dataset["theme"] = theme
    for (const button of buttons) show(button, theme)
  }
  apply()
  for (const button of buttons) {
    button.addEventListener("click", () => {
      theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "auto"
      remembered.set("theme", theme)
      apply()
    })
  }
}
