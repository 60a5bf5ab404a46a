// Each state of the demo page is said as it is, and axe finds nothing wrong with it.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { join } from "node:path"
import type { Browser, BrowserContextOptions } from "playwright-core"
import { startCoturn } from "../doctor/coturn.ts"
import { startNode } from "../helpers/node.ts"
import { startProxy } from "../helpers/redis.ts"
import { SCREEN, Tab } from "./call-tab.ts"
import { LAUNCH_MS, launchChromium, TEST_MS } from "./chromium.ts"
import { look } from "./look.ts"

let browser: Browser
beforeAll(async () => {
  browser = await launchChromium()
}, LAUNCH_MS)
afterAll(() => browser?.close())

/** A tab of its own, with what it should find in place of the browser's own. */
async function openTab(url: string, script = "", options: BrowserContextOptions = {}) {
  const context = await browser.newContext({ ...SCREEN, ...options })
  await context.addInitScript(script)
  const tab = await Tab.open(context, url)
  return Object.assign(tab, { [Symbol.asyncDispose]: () => context.close() })
}

/** A socket that joins `room` and stays; `onEvent` gets what it hears. */
async function holdPlace(
  url: string,
  room: string,
  onEvent: (event: Record<string, unknown>, socket: WebSocket) => void,
) {
  const socket = new WebSocket(url)
  const { promise, resolve } = Promise.withResolvers<void>()
  socket.onmessage = ({ data }) => {
    const event = JSON.parse(String(data))
    if (event.event === "joined_room") resolve()
    onEvent(event, socket)
  }
  socket.onopen = () => socket.send(JSON.stringify({ event: "join_room", room_id: room, status: { name: "Host" } }))
  await promise
  return socket
}

const denyAll = (name: string, ...kinds: string[]) => `
  const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices)
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    if (${JSON.stringify(kinds)}.some((kind) => wanted[kind])) throw new DOMException("", "${name}")
    const stream = await real(wanted)
    globalThis.tracks = [...(globalThis.tracks ?? []), ...stream.getTracks()]
    return stream
  }`

describe("on the way in", () => {
  test.each([
    ["no camera, only a microphone", "NotFoundError", ["video"], "No camera was found."],
    ["camera and microphone denied", "NotAllowedError", ["video", "audio"], "does not allow camera and microphone"],
    ["camera in use", "NotReadableError", ["video"], "The camera is in use by another program."],
  ])(
    "%s",
    async (name, error, kinds, text) => {
      await using node = await startNode()
      await using tab = await openTab(`${node.httpUrl}#r`, denyAll(error, ...kinds))
      await tab.page.locator("#preview-note", { hasText: text }).waitFor()
      expect(await look(tab.page, name)).toEqual([])
    },
    TEST_MS,
  )

  test(
    "a device that is unplugged is named",
    async () => {
      await using node = await startNode()
      await using tab = await openTab(`${node.httpUrl}#r`, denyAll("NotFoundError"))
      await tab.page.locator("#preview.with-video").waitFor()
      await tab.page.evaluate(`tracks.find(({ kind }) => kind === "video").dispatchEvent(new Event("ended"))`)
      await tab.page.locator("#preview-note", { hasText: "The camera was disconnected." }).waitFor()
      expect(await look(tab.page, "unplugged")).toEqual([])
    },
    TEST_MS,
  )

  test(
    "a server that does not answer, and giving up on it",
    async () => {
      const node = await startNode()
      await using tab = await openTab(`${node.httpUrl}#r`)
      await node.stop()
      await tab.press("Join")
      await tab.page.getByText("The server does not answer. Trying again…").waitFor()
      expect(await look(tab.page, "no answer")).toEqual([])
      await tab.press("Cancel")
      await tab.page.getByRole("button", { name: "Join", exact: true }).waitFor()
      await tab.page.locator("#problem").waitFor({ state: "hidden" })
    },
    TEST_MS,
  )

  test(
    "a server that takes no calls from this address",
    async () => {
      await using node = await startNode(["--origin", "https://example.org"])
      await using tab = await openTab(`${node.httpUrl}#r`)
      await tab.press("Join")
      await tab.page.getByText(`takes no calls from a page at ${new URL(node.httpUrl).origin}`).waitFor()
      expect(await look(tab.page, "origin refused")).toEqual([])
    },
    TEST_MS,
  )

  test(
    "a full server, and a full room",
    async () => {
      await using node = await startNode(["--max-connections", "1", "--room-size", "1"])
      const socket = await holdPlace(node.url, "r", () => undefined)
      await using tab = await openTab(`${node.httpUrl}#r`)
      await tab.press("Join")
      await tab.page.getByText("The server is full. Trying again…").waitFor()
      expect(await look(tab.page, "server full")).toEqual([])
      socket.close()

      await using roomy = await startNode(["--room-size", "1"])
      await holdPlace(roomy.url, "r", () => undefined)
      await using late = await openTab(`${roomy.httpUrl}#r`)
      await late.press("Join")
      await late.page.getByText("This room is full.").waitFor()
      expect(await look(late.page, "room full")).toEqual([])
    },
    TEST_MS,
  )

  test(
    "a server that is restarting",
    async () => {
      await using node = await startNode(["--shutdown-seconds", "30"])
      // It waits for who is there.
      const socket = await holdPlace(node.url, "r", () => undefined)
      await using tab = await openTab(`${node.httpUrl}#r`)
      node.kill("SIGTERM")
      await tab.press("Join")
      await tab.page.getByText("The server is restarting. Trying again…").waitFor()
      expect(await look(tab.page, "restarting")).toEqual([])
      socket.close()
    },
    TEST_MS,
  )

  test(
    "while it connects",
    async () => {
      await using node = await startNode()
      await using proxy = await startProxy(node.port)
      await using tab = await openTab(`http://127.0.0.1:${proxy.port}/#r`)
      // What is sent from here on gets no answer for a while.
      proxy.delayMs = 5_000
      await tab.press("Join")
      await tab.page.getByRole("button", { name: "Connecting…" }).waitFor()
      expect(await look(tab.page, "connecting")).toEqual([])
      proxy.delayMs = 0
      await tab.page.getByRole("button", { name: "Leave" }).waitFor()
    },
    TEST_MS,
  )

  test(
    "waiting to be let in is no refusal",
    async () => {
      await using node = await startNode(["--plugin", join(import.meta.dir, "../../examples/waiting-room.ts")])
      let knocking: string | undefined
      const host = await holdPlace(node.url, "r", (event) => {
        if (event["event"] === "knock") knocking = String(event["peer_id"])
      })
      await using tab = await openTab(`${node.httpUrl}#r`)
      await tab.press("Join")
      await tab.page.getByText("The host is asked to let you in.").waitFor()
      expect(await look(tab.page, "waiting")).toEqual([])
      host.send(JSON.stringify({ event: "let_in", peer_id: knocking }))
      await tab.page.getByRole("button", { name: "Leave" }).waitFor()
      host.close()
    },
    TEST_MS,
  )
})

describe("in the call", () => {
  test(
    "a restart of the server is announced, and its return is said",
    async () => {
      const node = await startNode(["--shutdown-seconds", "2"])
      await using tab = await openTab(`${node.httpUrl}#r`)
      await tab.enter("Ada", "Join")
      expect(await look(tab.page, "alone")).toEqual([])
      node.kill("SIGTERM")
      await tab.page.getByText("The server restarts in 2 s; the call goes on.").waitFor()
      await tab.page.getByText("The server is out of reach").waitFor()
      expect(await look(tab.page, "server away")).toEqual([])
      await node.exited
      await using _next = await startNode(["--port", String(node.port)])
      await tab.page.evaluate(`dispatchEvent(new Event("online"))`)
      await tab.page.locator("#toasts", { hasText: "The server is back" }).waitFor()
      await tab.page.locator("#banner").waitFor({ state: "hidden" })
    },
    TEST_MS,
  )

  test(
    "an operator parts somebody from the server: it is said why, and the others see them go",
    async () => {
      await using node = await startNode()
      await using ada = await openTab(`${node.httpUrl}#r`)
      await using ben = await openTab(`${node.httpUrl}#r`)
      for (const [tab, name] of [
        [ada, "Ada"],
        [ben, "Ben"],
      ] as const) {
        await tab.page.locator("#preview.with-video").waitFor()
        await tab.enter(name, "Join")
      }
      await ada.moves("Ben")
      const peer = await ada.page.evaluate(`document.querySelector('article[aria-label="Ben"]').dataset.peer`)
      const kicked = await fetch(`${node.adminUrl}api/kick`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ peer }),
      })
      expect(kicked.status).toBe(200)
      await ben.page.getByText("The server closed the connection:").waitFor()
      expect(await look(ben.page, "closed by the server")).toEqual([])
      await ada.shows(["Ada (you)"])
    },
    TEST_MS,
  )

  /** Lets no way be found but by the relay, as firewalls do. */
  const ONLY_RELAY = `const Real = RTCPeerConnection
    globalThis.RTCPeerConnection = class extends Real {
      constructor(init) { super({ ...init, iceTransportPolicy: "relay" }) }
    }`

  test(
    "who cannot be reached for 15 s: which way was tried, and what is missing",
    async () => {
      // Nobody listens there.
      await using silent = await startNode(["--ice-server", "turn:127.0.0.1:9", "--turn-secret", "secret"])
      await using coturn = await startCoturn("its own secret")
      const server = `turn:127.0.0.1:${coturn.port}`
      await using refused = await startNode(["--ice-server", server, "--turn-secret", "another secret"])
      const inGerman = { locale: "de-DE" }
      await using ada = await openTab(`${silent.httpUrl}#r`, ONLY_RELAY)
      await using ben = await openTab(`${silent.httpUrl}#r`, ONLY_RELAY, inGerman)
      await using cem = await openTab(`${refused.httpUrl}#r`, ONLY_RELAY)
      await using dana = await openTab(`${refused.httpUrl}#r`, ONLY_RELAY, inGerman)
      for (const tab of [ada, cem]) await tab.enter("Ada", "Join")
      for (const { page } of [ben, dana]) await page.getByRole("button", { name: "Beitreten" }).click()
      await ada.page.getByText("No direct way found, and the relay (TURN) does not answer.").waitFor()
      await ben.page.getByText("Kein direkter Weg, und die Vermittlung (TURN) antwortet nicht.").waitFor()
      await cem.page.getByText("No direct way found, and the relay (TURN) refuses its password.").waitFor()
      await dana.page.getByText("Kein direkter Weg, und die Vermittlung (TURN) lehnt das Kennwort ab.").waitFor()
      expect([...(await look(cem.page, "refused")), ...(await look(ben.page, "nicht erreicht"))]).toEqual([])
    },
    TEST_MS,
  )
})
