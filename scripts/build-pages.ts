// Bundles every page of src/web into one self-contained HTML file: `bun scripts/build-pages.ts`.
//
// A page is a folder with an index.html. Its stylesheets and scripts are minified and put inline, fonts and pictures
// become data: URLs (Bun does that by itself for what a stylesheet names), so the executable can embed the page as
// text and nothing is ever loaded from the network.
// Beside dist/pages/<page>.html.txt stands <page>.csp.txt: the Content-Security-Policy that allows exactly this page's
// inline script and style, by hash. (.txt, because Bun would bundle an imported .html once more.)
import { createHash } from "node:crypto"
import { mkdir, readdir } from "node:fs/promises"
import { join } from "node:path"

const PAGES = join(import.meta.dir, "../src/web")
const OUTPUT = join(import.meta.dir, "../dist/pages")

const STYLESHEET = /<link rel="stylesheet" href="\.\/([\w.-]+)"\s*\/?>/g
const SCRIPT = /<script type="module" src="\.\/([\w.-]+)"><\/script>/g

await mkdir(OUTPUT, { recursive: true })
for (const entry of await readdir(PAGES, { withFileTypes: true })) {
  if (entry.isDirectory() && (await Bun.file(join(PAGES, entry.name, "index.html")).exists()))
    await buildPage(entry.name)
}

async function buildPage(page: string): Promise<void> {
  const folder = join(PAGES, page)
  const styles: string[] = []
  const scripts: string[] = []
  const source = await Bun.file(join(folder, "index.html")).text()
  // Before the bundles are in: their white space can be inside a text, and their hashes count.
  let html = source.replace(/^\s*<!--.*?-->\s*$/gms, "").replace(/^\s+/gm, "")
  html = await replaceAll(html, STYLESHEET, async (file) => {
    const css = (await bundle(join(folder, file))).replaceAll("</", "<\\/")
    styles.push(css)
    return `<style>${css}</style>`
  })
  html = await replaceAll(html, SCRIPT, async (file) => {
    // Both would end or confuse an inline script; both can only stand inside texts and patterns of JavaScript.
    const js = (await bundle(join(folder, file))).replaceAll("</script", "<\\/script").replaceAll("<!--", "<\\!--")
    scripts.push(js)
    return `<script type="module">${js}</script>`
  })
  await Bun.write(join(OUTPUT, `${page}.html.txt`), html)
  await Bun.write(join(OUTPUT, `${page}.csp.txt`), policy(scripts, styles))
  console.log(`dist/pages/${page}.html.txt  ${Math.ceil(html.length / 1024)} KiB`)
}

async function bundle(entry: string): Promise<string> {
  const { outputs } = await Bun.build({
    entrypoints: [entry],
    target: "browser",
    minify: true,
  })
  const [output] = outputs
  if (output === undefined) throw new Error(`${entry} gave no output`)
  return (await output.text()).trim()
}

/** The replacement is made by a function, so that a `$&` in a bundle means nothing. */
async function replaceAll(text: string, pattern: RegExp, replace: (file: string) => Promise<string>): Promise<string> {
  const parts: string[] = []
  let end = 0
  for (const match of text.matchAll(pattern)) {
    parts.push(text.slice(end, match.index), await replace(match[1] ?? ""))
    end = match.index + match[0].length
  }
  return parts.join("") + text.slice(end)
}

function policy(scripts: string[], styles: string[]): string {
  const hashes = (sources: string[]) =>
    sources.map((source) => `'sha256-${createHash("sha256").update(source).digest("base64")}'`).join(" ") || "'none'"
  return [
    "default-src 'none'",
    `script-src ${hashes(scripts)}`,
    `style-src ${hashes(styles)}`,
    "img-src data: blob:",
    "font-src data:",
    "media-src blob: mediastream:",
    // ws: and wss: because Safari before 15.4 does not count them as 'self'.
    "connect-src 'self' ws: wss:",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ")
}
