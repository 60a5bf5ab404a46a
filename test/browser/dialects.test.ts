// The unmodified clients of other servers in Chromium, each page in a browser profile of its own, on one node and with
// the pages spread over two: a Yjs document shared by two, a call of webrtc.io-client's, a session of TogetherJS's,
// two peers of PeerJS's.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { join } from "node:path"
import type { Browser, Page } from "playwright-core"
import { startNode, type TestNode } from "../helpers/node.ts"
import { type RedisServer, startRedis } from "../helpers/redis.ts"
import { complaintsOf, LAUNCH_MS, launchChromium, TEST_MS, waitInPage } from "./chromium.ts"

const PAGES = join(import.meta.dir, "pages")
const PACKAGES = join(import.meta.dir, "../../node_modules")
const CLIENTS: Readonly<Record<string, string>> = {
  "/webrtc.io.js": join(PACKAGES, "webrtc.io-client/lib/webrtc.io.js"),
  "/peerjs.min.js": join(PACKAGES, "peerjs/dist/peerjs.min.js"),
}

let browser: Browser | undefined
let site: Bun.Server<undefined> | undefined
beforeAll(async () => {
  const [launched, yjs, docs, page] = await Promise.all([
    launchChromium(),
    bundle(),
    docsExample().then(bundle),
    docsPage(),
  ])
  browser = launched
  const bundles: Record<string, string> = { "/yjs.bundle.js": yjs, "/docs.bundle.js": docs }
  site = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request) {
      const { pathname } = new URL(request.url)
      const built = bundles[pathname]
      if (built !== undefined) return new Response(built, { headers: { "content-type": "text/javascript" } })
      if (pathname === "/docs-peerjs.html") {
        return new Response(page(nodePort(request)), { headers: { "content-type": "text/html" } })
      }
      const file = CLIENTS[pathname] ?? join(PAGES, pathname.slice(1))
      return /\.(html|js)$/.test(file) ? new Response(Bun.file(file)) : new Response(null, { status: 204 })
    },
  })
}, LAUNCH_MS)
afterAll(async () => {
  await browser?.close()
  await site?.stop(true)
})

/** yjs.js with its packages; or another text in its place. */
async function bundle(text?: string): Promise<string> {
  const entry = join(PAGES, "yjs.js")
  const replace: Bun.BunPlugin = {
    name: "replace",
    setup: (build) => {
      if (text !== undefined) build.onLoad({ filter: /pages\/yjs\.js$/ }, () => ({ contents: text, loader: "js" }))
    },
  }
  const { outputs } = await Bun.build({ entrypoints: [entry], target: "browser", plugins: [replace] })
  return (await outputs[0]?.text()) ?? ""
}

/** The example of docs/dialects.md, told its room and address by the query, with what the test asks of it. */
async function docsExample(): Promise<string> {
  const docs = await Bun.file(join(import.meta.dir, "../../docs/dialects.md")).text()
  const example = /```js\n(import \{ WebrtcProvider[\s\S]*?)```/.exec(docs)?.[1] ?? ""
  const told = example
    .replace('"my-document"', 'new URLSearchParams(location.search).get("room")')
    .replace('"wss://call.example.org"', 'new URLSearchParams(location.search).get("socket")')
  return `${told}
    const text = doc.getText("shared")
    window.drive = { text: () => text.toString(), insert: (at, piece) => text.insert(at, piece) }`
}

/** The page of docs/dialects.md for PeerJS, told a node's port. */
async function docsPage(): Promise<(port: string) => string> {
  const docs = await Bun.file(join(import.meta.dir, "../../docs/dialects.md")).text()
  const example = /```html\n(<!doctype html>\n<title>PeerJS[\s\S]*?)```/.exec(docs)?.[1] ?? ""
  const place = 'host: "call.example.org", port: 443, path: "/", secure: true'
  expect(example).toContain(place)
  return (port) => example.replace(place, `host: "127.0.0.1", port: ${port}, path: "/", secure: false`)
}

/** The port in the address of a node, which the pages of the site are told. */
function nodePort(request: Request): string {
  return new URL(new URL(request.url).searchParams.get("socket") ?? "").port
}

for (const count of [1, 2] as const) {
  describe(`over ${count} node${count === 1 ? "" : "s"}`, () => {
    const nodes: TestNode[] = []
    let redis: RedisServer | undefined
    beforeAll(async () => {
      redis = count === 1 ? undefined : await startRedis()
      const args = redis === undefined ? [] : ["--redis", redis.url]
      nodes.push(...(await Promise.all(Array.from({ length: count }, () => startNode(args)))))
    })
    afterAll(async () => {
      await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()))
      await redis?.[Symbol.asyncDispose]()
    })

    /** Opens a page of the site in a profile of its own, told the node whose turn it is. */
    const open = async (file: string, at: number, query: Record<string, string>, hash = "") => {
      const context = await (browser as Browser).newContext()
      const page = await context.newPage()
      const complaints = complaintsOf(page)
      const socket = nodes[at % nodes.length]?.url ?? ""
      const more = new URLSearchParams({ socket, ...query })
      await page.goto(`http://localhost:${site?.port}/${file}.html?${more}${hash}`)
      return { page, complaints, close: () => context.close() }
    }
    const holds = (page: Page, expression: string) => waitInPage(page, `window.drive && ${expression}`)

    // A password changes nothing for the server but that what it passes on is one text.
    for (const password of count === 1 ? ["", "secret"] : [""]) {
      test(
        `Yjs: two tabs share a document${password === "" ? "" : " with a password"}, a third comes later`,
        async () => {
          const query = { room: `doc-${crypto.randomUUID()}`, ...(password === "" ? {} : { password }) }
          const ada = await open("yjs", 0, query)
          await holds(ada.page, "true")
          await ada.page.evaluate(`drive.insert(0, "Hello 🙂")`)
          const ben = await open("yjs", 1, query)
          await holds(ben.page, `drive.text() === "Hello 🙂"`)
          await ben.page.evaluate(`drive.insert(drive.text().length, ", world")`)
          await holds(ada.page, `drive.text() === "Hello 🙂, world"`)
          const cem = await open("yjs", 0, query)
          await holds(cem.page, `drive.text() === "Hello 🙂, world" && drive.connected() === 2`)
          await ben.page.evaluate("drive.leave()")
          await holds(ada.page, "drive.connected() === 1")
          await cem.page.evaluate(`drive.insert(0, "> ")`)
          await holds(ada.page, `drive.text() === "> Hello 🙂, world"`)
          expect([ada, ben, cem].flatMap(({ complaints }) => complaints)).toEqual([])
          await Promise.all([ada, ben, cem].map(({ close }) => close()))
        },
        TEST_MS,
      )
    }

    test(
      "PeerJS: the page of docs/dialects.md",
      async () => {
        const ada = await open("docs-peerjs", 0, {})
        await waitInPage(ada.page, "me.textContent.length === 36")
        const id = (await ada.page.evaluate("me.textContent")) as string
        const ben = await open("docs-peerjs", 1, {}, `#${id}`)
        await waitInPage(ben.page, `heard.textContent === "hello from ${id}"`)
        await waitInPage(
          ada.page,
          `heard.textContent === "hello from " + ${JSON.stringify(await ben.page.evaluate("me.textContent"))}`,
        )
        expect([ada, ben].flatMap(({ complaints }) => complaints)).toEqual([])
        await Promise.all([ada, ben].map(({ close }) => close()))
      },
      TEST_MS,
    )

    if (count === 1) {
      test(
        "Yjs: the example of docs/dialects.md",
        async () => {
          const room = `doc-${crypto.randomUUID()}`
          const [ada, ben] = [await open("docs", 0, { room }), await open("docs", 1, { room })]
          await holds(ben.page, "true")
          await ada.page.evaluate(`drive.insert(0, "as in the docs")`)
          await holds(ben.page, `drive.text() === "as in the docs"`)
          expect([ada, ben].flatMap(({ complaints }) => complaints)).toEqual([])
          await Promise.all([ada, ben].map(({ close }) => close()))
        },
        TEST_MS,
      )
    }

    test(
      "webrtc.io-client: two see each other, one leaves",
      async () => {
        const room = `call-${crypto.randomUUID()}`
        const seesOne = "drive.seen().length === 1 && drive.seen()[0].videoWidth > 0 && drive.seen()[0].currentTime > 0"
        const ada = await open("webrtc-io", 0, { room })
        await holds(ada.page, "rtc._socket && rtc._socket.readyState === 1 && rtc.streams.length === 1")
        const ben = await open("webrtc-io", 1, { room })
        await holds(ada.page, seesOne)
        await holds(ben.page, seesOne)
        await ben.page.evaluate("drive.leave()")
        await holds(ada.page, "drive.left() === 1 && drive.seen().length === 0")
        expect([ada, ben].flatMap(({ complaints }) => complaints)).toEqual([])
        await Promise.all([ada, ben].map(({ close }) => close()))
      },
      TEST_MS,
    )

    test(
      "PeerJS: two tabs talk by a data channel and see each other, call in vain, and come back",
      async () => {
        const name = `ben-${crypto.randomUUID()}`
        const ada = await open("peerjs", 0, {})
        const ben = await open("peerjs", 1, { id: name })
        await holds(ada.page, "drive.opened().length === 1")
        await holds(ben.page, `drive.opened().join() === "${name}"`)
        const id = await ada.page.evaluate("drive.opened()[0]")
        expect(id).toMatch(/^[0-9a-f-]{36}$/)
        await ben.page.evaluate(`drive.connect("${id}")`)
        for (const { page } of [ada, ben]) await holds(page, "drive.isOpen()")
        expect(await ada.page.evaluate("drive.metadata()")).toEqual({ from: "test", list: [1, "ü"] })
        await ben.page.evaluate(`drive.say("hello, früh 🙂")`)
        await holds(ada.page, `drive.heard().join() === "hello, früh 🙂"`)
        await ada.page.evaluate(`drive.call("${name}")`)
        for (const { page } of [ada, ben]) await holds(page, "drive.sees()")
        await ben.page.evaluate(`drive.connect("nobody-${crypto.randomUUID()}")`)
        await holds(ben.page, `drive.errors().join() === "peer-unavailable"`)
        await ben.page.evaluate("drive.comeBack()")
        await holds(ben.page, "drive.opened().length === 2")
        await ada.page.evaluate(`drive.connect("${name}")`)
        for (const { page } of [ada, ben]) await holds(page, "drive.isOpen()")
        await ada.page.evaluate(`drive.say("again")`)
        await holds(ben.page, `drive.heard().join() === "again"`)
        await ben.page.evaluate("drive.leave()")
        await holds(ada.page, "!drive.isOpen()")
        expect([ada, ben].flatMap(({ complaints }) => complaints)).toEqual([])
        await Promise.all([ada, ben].map(({ close }) => close()))
      },
      TEST_MS,
    )

    test(
      "TogetherJS: greeting, chat, a form edited by all at once, a call, a broken connection, leaving",
      async () => {
        const room = `together-${crypto.randomUUID()}`
        const ada = await open("togetherjs", 0, { room, name: "Ada" })
        await holds(ada.page, "drive.counts().length === 1")
        const ben = await open("togetherjs", 1, { room, name: "Ben" })
        const cem = await open("togetherjs", 0, { room, name: "Cem" })
        const all = [ada, ben, cem]
        await holds(ada.page, `drive.peers().join() === "Ben,Cem"`)
        await holds(ben.page, `drive.peers().join() === "Ada,Cem"`)
        await holds(cem.page, `drive.peers().join() === "Ada,Ben"`)
        await ben.page.evaluate(`drive.chat("hello, früh 🙂")`)
        for (const { page } of [ada, cem]) await holds(page, `drive.chats().join() === "hello, früh 🙂"`)
        await Promise.all(
          all.map(({ page }, at) => page.evaluate(`for (let n = 0; n < 50; n++) drive.edit("${"xyz"[at]}")`)),
        )
        for (const { page } of all) await holds(page, "drive.form().length === 150")
        const forms = await Promise.all(all.map(({ page }) => page.evaluate("drive.form()")))
        expect(forms).toEqual([forms[0], forms[0], forms[0]])
        await cem.page.evaluate("drive.leave()")
        for (const [{ page }, other] of [
          [ada, "Ben"],
          [ben, "Ada"],
        ] as const) {
          await holds(page, `drive.peers().join() === "${other}"`)
        }
        await ada.page.evaluate("drive.call()")
        for (const { page } of [ada, ben]) await holds(page, `drive.state() === "connected"`)
        await ben.page.evaluate("drive.breakOff()")
        await holds(ben.page, "drive.counts().length > 1 && drive.isOpen()")
        await ada.page.evaluate(`drive.chat("still there?")`)
        await holds(ben.page, `drive.chats().includes("still there?")`)
        expect(all.flatMap(({ complaints }) => complaints)).toEqual([])
        await Promise.all(all.map(({ close }) => close()))
      },
      TEST_MS,
    )
  })
}
