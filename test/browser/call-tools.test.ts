// What a small call needs beside faces: a shared screen, a large tile, full screen, quality told, devices changed.

import { afterAll, beforeAll, expect, test } from "bun:test"
import type { Browser, Page } from "playwright-core"
import { startNode } from "../helpers/node.ts"
import { SCREEN, Tab } from "./call-tab.ts"
import { LAUNCH_MS, launchChromium, TEST_MS, WAIT_MS, waitInPage } from "./chromium.ts"
import { look } from "./look.ts"

let browser: Browser
beforeAll(async () => {
  browser = await launchChromium()
}, LAUNCH_MS)
afterAll(() => browser?.close())

/** Chromium has no screen to share here: a white sheet with moving black is shared in its place. */
const SHEET = `navigator.mediaDevices.getDisplayMedia = async () => {
  const sheet = document.createElement("canvas")
  ;[sheet.width, sheet.height] = [640, 360]
  const pen = sheet.getContext("2d")
  let count = 0
  setInterval(() => {
    pen.fillStyle = "white"
    pen.fillRect(0, 0, 640, 360)
    pen.fillStyle = "black"
    pen.fillRect(0, 0, 20 + (count++ % 20), 20)
  }, 100)
  globalThis.shared = sheet.captureStream(10)
  return shared
}`

async function openTab(url: string, name: string, script = SHEET) {
  const context = await browser.newContext(SCREEN)
  await context.addInitScript(script)
  const tab = await Tab.open(context, url)
  await tab.page.locator("#preview.with-video").waitFor()
  await tab.enter(name, "Join")
  return Object.assign(tab, { [Symbol.asyncDispose]: () => context.close() })
}

const areaOf = (page: Page, name: string) =>
  page.evaluate(`(({ clientWidth, clientHeight }) => clientWidth * clientHeight)(
    document.querySelector('article[aria-label=${JSON.stringify(name)}]'))`) as Promise<number>

/** Whether the middle of the picture on this tile is white. */
const isSheet = (name: string) => `(() => {
  const video = document.querySelector('article[aria-label=${JSON.stringify(name)}] video')
  if (!video?.videoWidth) return false
  const pen = new OffscreenCanvas(1, 1).getContext("2d")
  pen.drawImage(video, video.videoWidth / 2, video.videoHeight / 2, 1, 1, 0, 0, 1, 1)
  return pen.getImageData(0, 0, 1, 1).data.slice(0, 3).every((part) => part > 230)
})()`

test(
  "a screen is shared beside the camera, large, also to newcomers; it ends and comes again; two share at once",
  async () => {
    await using node = await startNode()
    const url = `${node.httpUrl}#screen`
    await using ada = await openTab(url, "Ada")
    await using ben = await openTab(url, "Ben")
    await ada.moves("Ben")
    await ben.page.keyboard.press("s")
    await ada.moves("Screen of Ben")
    await waitInPage(ada.page, isSheet("Screen of Ben"))
    await ada.moves("Ben")
    expect(await areaOf(ada.page, "Screen of Ben")).toBeGreaterThan(3 * (await areaOf(ada.page, "Ben")))
    expect(await look(ada.page, "shared screen")).toEqual([])
    expect(await ben.page.getByRole("button", { name: "Stop sharing the screen" }).getAttribute("aria-pressed")).toBe(
      "true",
    )
    // A newcomer gets it with the first offer.
    await using cem = await openTab(url, "Cem")
    await waitInPage(cem.page, isSheet("Screen of Ben"))
    await ada.page.keyboard.press("s")
    await Promise.all([ben, cem].map((tab) => waitInPage(tab.page, isSheet("Screen of Ada"))))
    await ada.shows(["Screen of Ben", "Ben", "Cem", "Ada (you)"])
    // The browser's own button ends it, too.
    await ben.page.evaluate(`shared.getTracks()[0].dispatchEvent(new Event("ended"))`)
    await Promise.all([ada.shows(["Ben", "Cem", "Ada (you)"]), cem.shows(["Screen of Ada", "Ada", "Ben", "Cem (you)"])])
    await ben.page.keyboard.press("s")
    await Promise.all([ada, cem].map((tab) => waitInPage(tab.page, isSheet("Screen of Ben"))))
    await Promise.all([ada.moves("Ben"), cem.moves("Ada"), ben.moves("Cem")])
    await ben.press("Leave")
    await ada.shows(["Cem", "Ada (you)"])
    expect([ada, ben, cem].flatMap(({ complaints }) => complaints)).toEqual([])
  },
  WAIT_MS * 4,
)

test(
  "who changes their mind at the question shares nothing",
  async () => {
    await using node = await startNode()
    const refuse = `navigator.mediaDevices.getDisplayMedia = async () => {
      throw new DOMException("", "NotAllowedError")
    }`
    await using ada = await openTab(`${node.httpUrl}#no`, "Ada", refuse)
    await ada.press("Share the screen")
    expect(await ada.page.getByRole("button", { name: "Share the screen" }).getAttribute("aria-pressed")).toBe("false")
    expect(ada.complaints).toEqual([])
  },
  TEST_MS,
)

test(
  "by keyboard: a tile is made large, and all alike again; full screen; the quality is explained",
  async () => {
    await using node = await startNode()
    const url = `${node.httpUrl}#tools`
    await using ada = await openTab(url, "Ada")
    await using ben = await openTab(url, "Ben")
    await Promise.all([ada.moves("Ben"), ben.moves("Ada")])
    const tile = ada.page.getByRole("article", { name: "Ben", exact: true })
    const before = await areaOf(ada.page, "Ben")
    const pin = tile.getByRole("button", { name: "Show large" })
    await pin.focus()
    await ada.page.keyboard.press("Enter")
    expect(await pin.getAttribute("aria-pressed")).toBe("true")
    await waitInPage(ada.page, `document.querySelector('article[aria-label="Ben"]').clientWidth > 550`)
    expect(await look(ada.page, "large")).toEqual([])
    await ada.page.keyboard.press("Enter")
    await waitInPage(ada.page, `document.querySelector('article[aria-label="Ben"]').clientWidth < 550`)
    expect(await areaOf(ada.page, "Ben")).toBe(before)

    const quality = tile.getByRole("button", { name: "Good connection" })
    await quality.focus()
    await ada.page.keyboard.press("Enter")
    const told =
      /Good connection: \d+ ms there and back, \d+\.\d % of packets lost, picture \d+ × \d+, \d+\/s, directly\./
    await ada.page.locator("#toasts", { hasText: told }).waitFor()

    await tile.getByRole("button", { name: "Full screen" }).click()
    await waitInPage(ada.page, `document.fullscreenElement?.ariaLabel === "Ben"`)
    await tile.getByRole("button", { name: "Full screen" }).click()
    await waitInPage(ada.page, "document.fullscreenElement === null")
    expect([ada, ben].flatMap(({ complaints }) => complaints)).toEqual([])
  },
  TEST_MS,
)

test(
  "camera, microphone and speaker are changed during the call",
  async () => {
    await using node = await startNode()
    const devices = `for (const kind of ["audioinput", "videoinput", "audiooutput"]) {
      (globalThis.extra ??= []).push({ kind, deviceId: "other-" + kind, label: "Other " + kind })
    }
    const listed = navigator.mediaDevices.enumerateDevices.bind(navigator.mediaDevices)
    navigator.mediaDevices.enumerateDevices = async () => [...(await listed()), ...extra]
    const asked = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices)
    globalThis.wanted = []
    navigator.mediaDevices.getUserMedia = (constraints) => {
      for (const kind of ["audio", "video"]) {
        if (!constraints[kind]?.deviceId) continue
        wanted.push(constraints[kind].deviceId.exact)
        constraints = { [kind]: true }
      }
      return asked(constraints)
    }
    globalThis.sinks = []
    HTMLMediaElement.prototype.setSinkId = async function (id) { sinks.push(id) }`
    await using ada = await openTab(`${node.httpUrl}#devices`, "Ada", devices)
    await using ben = await openTab(`${node.httpUrl}#devices`, "Ben")
    await ben.moves("Ada")
    await ada.press("Devices")
    expect(await look(ada.page, "devices in the call")).toEqual([])
    await ada.page.getByLabel("Camera to use").selectOption("Other videoinput")
    await waitInPage(ada.page, `wanted.includes("other-videoinput")`)
    await ada.page.getByLabel("Microphone to use").selectOption("Other audioinput")
    await waitInPage(ada.page, `wanted.includes("other-audioinput")`)
    await ada.page.getByLabel("Speaker to use").selectOption("Other audiooutput")
    await waitInPage(ada.page, `sinks.filter((id) => id === "other-audiooutput").length >= 2`)
    await ada.press("Close")
    await ben.moves("Ada")
    expect(await ada.page.evaluate(`localStorage["palava.speaker.device"]`)).toBe("other-audiooutput")
    // The same menus stand in the lobby again.
    await ada.press("Leave")
    await ada.page.locator("#lobby").getByLabel("Speaker to use").waitFor()
    expect([ada, ben].flatMap(({ complaints }) => complaints)).toEqual([])
  },
  TEST_MS,
)
