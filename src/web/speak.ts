// The languages of the pages: each has its words in one file, in English and German; the browser's languages decide.

/** One text in each language. */
export type Translated = readonly [english: string, german: string]

/** The first of the browser's languages that the pages speak; English when they speak none. */
export const language = navigator.languages?.map((tag) => tag.slice(0, 2)).find((tag) => /^(en|de)$/.test(tag)) ?? "en"

/** A page's own words. */
export interface Speech<Word extends string> {
  /** The text of this name, with `values` in its braces. */
  word(name: Word, values?: Readonly<Record<string, string | number>>): string
  /** Whether there is a text of this name: errors of the server become one. */
  isWord(name: string): name is Word
  /** Puts the texts in the places of their names, in what is written and in what is only said. */
  fillIn(root: ParentNode): void
}

/** How a page speaks that has these words. */
export function speak<Word extends string>(words: Readonly<Record<Word, Translated>>): Speech<Word> {
  const word: Speech<Word>["word"] = (name, values = {}) =>
    words[name][language === "de" ? 1 : 0].replace(/\{(\w+)\}/g, (_, key: string) => String(values[key] ?? ""))
  const isWord = (name: string): name is Word => Object.hasOwn(words, name)
  const put = (text: string) => text.replace(/\{(\w+)\}/g, (all, name: string) => (isWord(name) ? word(name) : all))
  const fillIn = (root: ParentNode): void => {
    for (const element of root.querySelectorAll("*:not(script, style)")) {
      if (element instanceof HTMLTemplateElement) fillIn(element.content)
      for (const attribute of element.attributes) {
        if (attribute.value.includes("{")) attribute.value = put(attribute.value)
      }
      for (const node of element.childNodes) {
        if (node instanceof Text && node.data.includes("{")) node.data = put(node.data)
      }
    }
  }
  return { word, isWord, fillIn }
}
