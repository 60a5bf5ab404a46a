// What is measured over TLS is: the handshake by its kinds, and a scenario of ws over wss.

import { expect, test } from "bun:test"
import { bench } from "./bench.ts"

test("handshakes in full and with tickets are measured of both servers", async () => {
  const { runs } = await bench("tls-handshake")
  const ways = ["in full, ECDSA", "in full, RSA", "with a ticket"]
  expect(Object.keys(runs)).toEqual(ways.flatMap((way) => [`bare forwarder, ${way}`, `palava-machine, ${way}`]))
  for (const [result] of Object.values(runs)) expect(result).toMatchObject({ errors: 0, firstError: "" })
})

test("relays go over TLS too", async () => {
  const { runs } = await bench("tls-call-setup")
  expect(Object.keys(runs)).toEqual(["bare forwarder", "palava-machine"])
  for (const [result] of Object.values(runs)) expect(result).toMatchObject({ errors: 0, firstError: "" })
})
