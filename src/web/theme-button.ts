// The button of the operators' pages that colours them (theme.ts), and what it says.

import { makeMemory } from "./memory.ts"
import { setUpTheme, type Theme } from "./theme.ts"

/** Sets the button up, with one choice for all these pages; `onChange` is called at once, and at each change of the colours. */
export function setUpThemeButton(button: HTMLElement, onChange: () => void): void {
  const show = (_: HTMLElement, theme: Theme): void => {
    button.title = button.ariaLabel = theme === "auto" ? "Colours: as the system" : `Colours: ${theme}`
    button.textContent = { auto: "◐", light: "☀", dark: "☾" }[theme]
    onChange()
  }
  setUpTheme([button], show, makeMemory("stats-"))
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", onChange)
}
