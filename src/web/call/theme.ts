// Light, dark, or as the system has it; the button goes round the three.
import { actions, memory, setIcon } from "./dom.ts"
import { word } from "./words.ts"

const THEMES = ["auto", "light", "dark"] as const
type Theme = (typeof THEMES)[number]

export function setUpTheme(): void {
  let theme = THEMES.find((known) => known === memory.get("theme")) ?? "auto"
  apply(theme)
  for (const button of actions("theme")) {
    button.addEventListener("click", () => {
      theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "auto"
      memory.set("theme", theme)
      apply(theme)
    })
  }
}

function apply(theme: Theme): void {
  if (theme === "auto") delete document.documentElement.dataset["theme"]
  else document.documentElement.dataset["theme"] = theme
  for (const button of actions("theme")) {
    setIcon(button, `theme-${theme}`)
    button.title = word(`colours_${theme}`)
    button.setAttribute("aria-label", button.title)
  }
}
