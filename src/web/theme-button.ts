// Light, dark, or as the system has it: the button of the operators' pages goes round the three.

const THEMES = ["auto", "light", "dark"] as const

/** The operators' pages share the choice. */
const KEY = "stats-theme"

/** Sets the button up; `onChange` is called at once, and at each change of the colours. */
export function setUpTheme(button: HTMLElement, onChange: () => void): void {
  let theme = THEMES.find((known) => known === remembered()) ?? "auto"
  const apply = () => {
    if (theme === "auto") delete document.documentElement.dataset["theme"]
    else document.documentElement.dataset["theme"] = theme
    button.title = button.ariaLabel = theme === "auto" ? "Colours: as the system" : `Colours: ${theme}`
    button.textContent = { auto: "◐", light: "☀", dark: "☾" }[theme]
    onChange()
  }
  button.addEventListener("click", () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "auto"
    try {
      localStorage.setItem(KEY, theme)
    } catch {
      // Without storage the choice lasts as long as the page.
    }
    apply()
  })
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", apply)
  apply()
}

function remembered(): string | null {
  try {
    return localStorage.getItem(KEY)
  } catch {
    return null
  }
}
