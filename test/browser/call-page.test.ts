// The demo page in three tabs, by clicking it as a person would: lobby, tiles with moving pictures, microphone, camera,
// chat, leaving; then without a camera, and through a restart of the server.

import { afterAll, beforeAll, expect, test } from "bun:test"
import type { Browser } from "playwright-core"
import { startNode } from "../helpers/node.ts"
import { SCREEN, Tab } from "./call-tab.ts"
import { LAUNCH_MS, launchChromium, WAIT_MS, waitInPage } from "./chromium.ts"
import { PalavaPage, servePalavaPage } from "./palava-call.ts"
import { mostStandstill, OTHERS, OWN, standstillOf, watchPictures } from "./standstill.ts"

let browser: Browser
beforeAll(async () => {
  browser = await launchChromium()
}, LAUNCH_MS)
afterAll(() => browser?.close())

test(
  "the printed address in two tabs: two people who see each other",
  async () => {
    await using node = await startNode()
    const context = await browser.newContext(SCREEN)
    const first = await Tab.open(context, node.pageUrl)
    await first.enter("Ada", "Join")
    const second = await Tab.open(context, node.pageUrl)
    await second.enter("Grace", "Join")
    await Promise.all([first.moves("Grace"), second.moves("Ada")])
    await context.close()
    expect([...first.complaints, ...second.complaints]).toEqual([])
  },
  WAIT_MS * 3,
)

test(
  "three people open a room, see each other, mute, chat and leave",
  async () => {
    await using node = await startNode()
    const context = await browser.newContext(SCREEN)
    const ada = await Tab.open(context, node.httpUrl)
    await ada.page.locator("#preview.with-video").waitFor()
    await ada.enter("Ada", "Open the room")
    await ada.page.getByRole("heading", { name: "Nobody else is here yet" }).waitFor()
    const link = ada.page.url()
    expect(decodeURIComponent(new URL(link).hash)).toMatch(/^#[a-z]+-[a-z]+-[a-z0-9]{5}$/)

    const ben = await Tab.open(context, link)
    await ben.page.getByRole("heading", { name: "You are invited" }).waitFor()
    await ben.page.locator("#preview.with-video").waitFor()
    await ben.enter("Ben", "Join")
    const cem = await Tab.open(context, link)
    await cem.page.locator("#preview.with-video").waitFor()
    await cem.enter("Cem", "Join")
    await Promise.all([
      ada.shows(["Ben", "Cem", "Ada (you)"]),
      ben.shows(["Ada", "Cem", "Ben (you)"]),
      cem.shows(["Ada", "Ben", "Cem (you)"]),
    ])
    await Promise.all([ada, ben].map((tab) => tab.moves("Cem")))
    await Promise.all([ben, cem].map((tab) => tab.moves("Ada")))
    await Promise.all([ada, cem].map((tab) => tab.moves("Ben")))

    await ada.press("Microphone")
    await ben.shows(["Ada, microphone off", "Cem", "Ben (you)"])
    await ada.page.locator("body").press("m")
    await ben.shows(["Ada", "Cem", "Ben (you)"])
    await ben.press("Camera")
    await ada.hasNoPictureOf("Ben")
    await ben.press("Camera")
    await ada.moves("Ben")

    await ada.press("Chat")
    await ada.page.getByLabel("Message", { exact: true }).fill("Hello <b>you</b> two: https://example.org/a")
    await ada.page.getByLabel("Message", { exact: true }).press("Enter")
    for (const tab of [ben, cem]) {
      await tab.page.getByLabel("1 unread").waitFor()
      await tab.press("Chat")
      await tab.page.getByRole("log").getByText("Hello <b>you</b> two").waitFor()
      expect(await tab.page.getByRole("log").getByRole("link").getAttribute("href")).toBe("https://example.org/a")
    }

    // On a small screen it covers the controls.
    await cem.page.keyboard.press("Escape")
    await cem.press("Leave")
    await cem.page.getByRole("heading", { name: "You left the call" }).waitFor()
    await Promise.all([ada.shows(["Ben", "Ada (you)"]), ben.shows(["Ada", "Ben (you)"])])
    await cem.enter("Cem", "Join again")
    await Promise.all([ada.moves("Cem"), cem.moves("Ada")])
    // A closed tab, too, is gone at once.
    await ben.page.close()
    await ada.shows(["Cem", "Ada (you)"])
    expect([ada, ben, cem].flatMap((tab) => tab.complaints)).toEqual([])
    await context.close()
  },
  WAIT_MS * 4,
)

test(
  "without camera and microphone one still sees the others and chats",
  async () => {
    await using node = await startNode()
    const context = await browser.newContext(SCREEN)
    const ada = await Tab.open(context, `${node.httpUrl}#quiet room/ü`)
    await ada.page.locator("#preview.with-video").waitFor()
    await ada.enter("", "Join")
    const bare = await browser.newContext(SCREEN)
    // As browsers have it on pages that came without https.
    await bare.addInitScript("Object.defineProperty(navigator, 'mediaDevices', { value: undefined })")
    const ben = await Tab.open(bare, ada.page.url())
    await ben.page.getByText("only to pages opened by https").waitFor()
    await ben.enter("Ben", "Join")
    await Promise.all([ben.moves("Guest"), ada.shows(["Ben, microphone off", "You"])])
    await ben.press("Chat")
    await ben.page.getByLabel("Message", { exact: true }).fill("I only see you")
    await ben.press("Send")
    await ada.page.getByLabel("1 unread").waitFor()
    expect([ada, ben].flatMap((tab) => tab.complaints)).toEqual([])
    await Promise.all([context.close(), bare.close()])
  },
  WAIT_MS * 3,
)

test(
  "a restart of the server brings everybody back, without ghosts and without taking a picture away",
  async () => {
    const node = await startNode()
    const contexts = await Promise.all([browser.newContext(SCREEN), browser.newContext(SCREEN)])
    const room = `${node.httpUrl}#again`
    const [ada, ben] = await Promise.all([Tab.open(contexts[0], room), Tab.open(contexts[1], room)])
    for (const tab of [ada, ben]) await tab.page.locator("#preview.with-video").waitFor()
    await ada.enter("Ada", "Join")
    await ben.enter("Ben", "Join")
    await Promise.all([ada.moves("Ben"), ben.moves("Ada")])
    const tile = `document.querySelector('article[aria-label="Ben"]')`
    const before = await ada.page.evaluate(`(${tile}.kept = true, ${tile}.dataset.peer)`)

    for (const { page } of [ada, ben]) for (const pictures of [OTHERS, OWN]) await watchPictures(page, pictures)
    node.kill("SIGKILL")
    await node.exited
    await Promise.all([ada, ben].map((tab) => tab.page.getByText("The server is out of reach").waitFor()))
    // The call itself needs no server.
    await ada.moves("Ben")
    await using _next = await startNode(["--port", String(node.port)])
    await Promise.all([ada, ben].map((tab) => tab.page.locator("#banner").waitFor({ state: "hidden" })))
    await waitInPage(ada.page, `${tile}?.kept && ${tile}.dataset.peer !== ${JSON.stringify(before)}`)
    await Promise.all([ada.shows(["Ben", "Ada (you)"]), ben.shows(["Ada", "Ben (you)"])])
    await Promise.all([ada.moves("Ben"), ben.moves("Ada")])
    for (const { page } of [ada, ben]) {
      const { longestMs, videos, gone } = await standstillOf(page)
      expect(longestMs).toBeLessThan(mostStandstill((await standstillOf(page, OWN)).longestMs))
      expect([videos, gone]).toEqual([1, 0])
    }
    await Promise.all(contexts.map((context) => context.close()))
  },
  WAIT_MS * 4,
)

test(
  "two who offer at the same moment do not glare: at the beginning, and five times later",
  async () => {
    await using node = await startNode()
    const context = await browser.newContext(SCREEN)
    // The page keeps its connections to itself; the test needs them.
    await context.addInitScript(`
      const Real = RTCPeerConnection
      globalThis.connections = []
      globalThis.RTCPeerConnection = class extends Real {
        constructor(...args) {
          super(...args)
          connections.push(this)
        }
      }
      // One that is announced as a Chrome, so that it is offered to, but thinks that it is none, and offers.
      if (location.search === "?both") {
        Object.defineProperty(navigator, "userAgent", { get: () => "Firefox" })
        const send = WebSocket.prototype.send
        WebSocket.prototype.send = function (text) {
          send.call(this, text.replace('"user_agent":"firefox"', '"user_agent":"chrome"'))
        }
      }`)
    const ada = await Tab.open(context, `${node.httpUrl}#glare`)
    const ben = await Tab.open(context, `${node.httpUrl}?both#glare`)
    for (const tab of [ada, ben]) await tab.page.locator("#preview.with-video").waitFor()
    await ada.enter("Ada", "Join")
    await ben.enter("Ben", "Join")
    await Promise.all([ada.moves("Ben"), ben.moves("Ada")])
    const credentials = `connections.at(-1).localDescription.sdp.match(/a=ice-ufrag:(\\S+)/)[1]`
    for (let round = 0; round < 5; round++) {
      const before = await Promise.all([ada, ben].map((tab) => tab.page.evaluate(credentials)))
      await Promise.all([ada, ben].map((tab) => tab.page.evaluate("connections.at(-1).restartIce()")))
      for (const [index, tab] of [ada, ben].entries()) {
        const renewed = `${credentials} !== ${JSON.stringify(before[index])}`
        await waitInPage(tab.page, `connections.at(-1).signalingState === "stable" && ${renewed}`)
      }
    }
    await Promise.all([ada.moves("Ben"), ben.moves("Ada")])
    expect([ada, ben].flatMap((tab) => tab.complaints)).toEqual([])
    // One gave way at the beginning and connected anew; after that no connection was given up.
    const connections = await Promise.all([ada, ben].map((tab) => tab.page.evaluate("connections.length")))
    expect(connections.map(Number).sort()).toEqual([1, 2])
    await context.close()
  },
  WAIT_MS * 3,
)

test(
  "the demo page and palava-client meet in one room",
  async () => {
    await using node = await startNode()
    using site = servePalavaPage()
    const context = await browser.newContext(SCREEN)
    const first = await PalavaPage.open(browser, { pageUrl: site.url, socketUrl: node.url, room: "mixed", name: "Pal" })
    const ada = await Tab.open(context, `${node.httpUrl}#mixed`)
    await ada.page.locator("#preview.with-video").waitFor()
    await ada.enter("Ada", "Join")
    const last = await PalavaPage.open(browser, { pageUrl: site.url, socketUrl: node.url, room: "mixed", name: "Ava" })
    await Promise.all([ada.moves("Pal"), ada.moves("Ava")])
    await Promise.all([first.sees(["Ada", "Ava"]), last.sees(["Pal", "Ada"])])
    expect(ada.complaints).toEqual([])
    await Promise.all([context.close(), first.page.close(), last.page.close()])
  },
  WAIT_MS * 3,
)
