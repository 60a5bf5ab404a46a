// `make bench COMPARE=`: a server that is there already, measured beside ours.

import { expect, test } from "bun:test"
import { startNode } from "../helpers/node.ts"
import { bench } from "./bench.ts"

/** No budgets: a load is refused by those of a server for people. */
const ARGS = ["rate-per-second", "output-kb-per-second", "address-share", "address-connects-per-second"].flatMap(
  (name) => [`--${name}`, "0"],
)

test("a PeerJS server given by its address takes part, and its processes are measured when they are named", async () => {
  await using node = await startNode(ARGS)
  const COMPARE = `peerjs+ws://127.0.0.1:${node.port}/peerjs?key=peerjs`
  const name = `peerjs at 127.0.0.1:${node.port}`
  const unknown = await bench("relay-300-window-1", { COMPARE })
  expect(Object.keys(unknown.runs)).toEqual([name, "palava-machine as peerjs"])
  expect(unknown.runs[name]?.[0]).toMatchObject({ errors: 0, p50: expect.any(Number) })
  expect(unknown.runs[name]?.[0]?.cpuMicroseconds).toBeUndefined()
  expect(unknown.runs["palava-machine as peerjs"]?.[0]?.cpuMicroseconds).toBeGreaterThan(0)
  const known = await bench("relay-300-window-1", { COMPARE, COMPARE_PID: String(node.pid) })
  expect(known.runs[name]?.[0]?.cpuMicroseconds).toBeGreaterThan(0)
})

test("a palava server given by its address is joined and called through", async () => {
  await using node = await startNode(ARGS)
  const COMPARE = `palava+ws://127.0.0.1:${node.port}/`
  for (const scenario of ["join-storm", "call-setup"]) {
    const { runs } = await bench(scenario, { COMPARE })
    expect(runs[`palava at 127.0.0.1:${node.port}`]?.[0]).toMatchObject({ errors: 0, p50: expect.any(Number) })
  }
})

test("results say on which machine, of which commit, with which versions", async () => {
  await using node = await startNode(ARGS)
  const { origin } = await bench("relay-300-window-1", { COMPARE: `y-webrtc+ws://127.0.0.1:${node.port}/` })
  expect(origin).toMatchObject({
    commit: expect.stringMatching(/^[0-9a-f]{7,}/),
    machine: { cpu: expect.any(String), cores: expect.any(Number), kernel: expect.stringContaining("Linux") },
    versions: { bun: Bun.version, "palava-machine": expect.any(String), peer: expect.any(String) },
  })
})

test("an address that says no dialect is refused with what is wanted", async () => {
  const failed = bench("relay-300", { COMPARE: "ws://127.0.0.1:1/" }).then(
    () => "",
    (cause: Error) => cause.message,
  )
  expect(await failed).toContain("wanted DIALECT+ws://HOST:PORT/PATH, where DIALECT is one of palava, peerjs, y-webrtc")
})
