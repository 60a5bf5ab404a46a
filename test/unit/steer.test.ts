// Of two that listen on one port, the later one gets all new connections once it has asked for them.

import { expect, test } from "bun:test"
import { steerConnectionsHere } from "../../src/commands/steer.ts"

/** 40: that chance alone gives all of them to one of two is one in a million million. */
const CONNECTIONS = 40

test.skipIf(process.platform !== "linux")(
  "new connections go to the second, and to the first once it is alone",
  async () => {
    const serve = (name: string, port: number) => {
      return Bun.serve({ hostname: "127.0.0.1", port, reusePort: true, fetch: () => new Response(name) })
    }
    const first = serve("first", 0)
    const second = serve("second", first.port ?? 0)
    const answers = async (): Promise<string[]> => {
      const options = { headers: { connection: "close" }, keepalive: false }
      const all: string[] = []
      for (let at = 0; at < CONNECTIONS; at++) all.push(await (await fetch(first.url, options)).text())
      return [...new Set(all)]
    }
    steerConnectionsHere()
    expect(await answers()).toEqual(["second"])
    await second.stop(true)
    expect(await answers()).toEqual(["first"])
    await first.stop(true)
  },
)
