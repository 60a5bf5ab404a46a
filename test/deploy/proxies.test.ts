// The examples for reverse proxies in deploy/, each run for real: Debian's nginx, Caddy and HAProxy with a certificate of
// their own in front of two nodes, and a call set up through them under a sub-path. Only names, addresses and ports of
// the examples are replaced.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { makeCertificate } from "../helpers/certificate.ts"
import { TestClient } from "../helpers/client.ts"
import { startNode, type TestNode } from "../helpers/node.ts"
import { freePort, poll, type RedisServer, startRedis } from "../helpers/redis.ts"

const DEPLOY = join(import.meta.dir, "../../deploy")

/** An example made to run here: what is written where, and the command that runs it in the foreground. */
interface Proxy {
  readonly example: string
  readonly adapt: (example: string, port: number) => string
  readonly command: (file: string) => readonly string[]
}

let folder: string
let redis: RedisServer
let certificate: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "palava-proxies-"))
  // Those who start as root go on as a user of their own, who must read what is in it.
  chmodSync(folder, 0o755)
  redis = await startRedis()
  const { cert, key } = makeCertificate()
  certificate = cert
  for (const [name, text] of [
    ["fullchain.pem", cert],
    ["privkey.pem", key],
    ["both.pem", cert + key],
  ] as const) {
    writeFileSync(join(folder, name), text)
  }
})
afterAll(async () => {
  await redis[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

/** Puts this machine's certificate in the place of certbot's. */
function withCertificate(text: string): string {
  return text.replaceAll("/etc/letsencrypt/live/call.example.org/", `${folder}/`)
}

const PROXIES: Record<string, Proxy> = {
  nginx: {
    example: "nginx/palava-machine.conf",
    adapt: (example, port) => `daemon off; pid ${folder}/nginx.pid; error_log ${folder}/nginx.log;
events {}
http { access_log off; client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f;
uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
${withCertificate(example).replace("listen 443", `listen 127.0.0.1:${port}`)} }`,
    command: (file) => ["nginx", "-c", file, "-p", folder],
  },
  caddy: {
    example: "caddy/Caddyfile",
    adapt: (example, port) =>
      `{\n\tadmin off\n\tauto_https disable_redirects\n}\n${example.replace(
        "call.example.org {",
        `https://127.0.0.1:${port}, https://localhost:${port} {\n\ttls ${folder}/fullchain.pem ${folder}/privkey.pem`,
      )}`,
    command: (file) => ["caddy", "run", "--adapter", "caddyfile", "--config", file],
  },
  haproxy: {
    example: "haproxy/haproxy.cfg",
    adapt: (example, port) =>
      example
        .replace(
          "bind :443 ssl crt /etc/haproxy/call.example.org.pem",
          `bind 127.0.0.1:${port} ssl crt ${folder}/both.pem`,
        )
        .replace("maxconn 100000", "maxconn 1000"),
    command: (file) => ["haproxy", "-db", "-f", file],
  },
}

/** Runs a proxy in front of the nodes; the port it listens on, once it does. */
async function startProxy(name: string, nodes: readonly TestNode[]): Promise<AsyncDisposable & { port: number }> {
  const { example, adapt, command } = PROXIES[name] as Proxy
  const port = await freePort()
  const text = nodes.reduce(
    (config, node, at) => config.replaceAll(`10.0.0.1${at + 1}:4233`, `127.0.0.1:${node.port}`),
    adapt(readFileSync(join(DEPLOY, example), "utf8"), port),
  )
  const file = join(folder, `${name}.conf`)
  writeFileSync(file, text)
  // nginx and haproxy are in /usr/sbin, which is not in every user's PATH.
  const env = { PATH: `${process.env["PATH"]}:/usr/sbin:/sbin`, HOME: folder }
  const child = Bun.spawn([...command(file)], { env, cwd: folder, stdout: "pipe", stderr: "pipe" })
  const output = Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  await poll(async () => {
    if (child.exitCode !== null) throw new Error(`${name} ended: ${(await output).join("")}`)
    return await isListening(port)
  })
  return {
    port,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM")
      await child.exited
    },
  }
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1")
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false))
    socket.once("close", () => resolve(false)).once("connect", () => socket.destroy())
  })
}

for (const name of Object.keys(PROXIES)) {
  describe(name, () => {
    test("a call is set up through it, over two nodes", async () => {
      const args = ["--redis", redis.url, "--redis-prefix", crypto.randomUUID(), "--shutdown-seconds", "1"]
      const nodes = await Promise.all([startNode(args), startNode(args)])
      await using one = nodes[0] as TestNode
      await using two = nodes[1] as TestNode
      await using proxy = await startProxy(name, [one, two])
      const tls = { ca: certificate }
      const url = `wss://localhost:${proxy.port}/call/`

      // A proxy that has just begun may not know yet that both nodes are there: clients come until each has one.
      const clients: TestClient[] = []
      const isSpread = async () =>
        (await one.metric("palava_connections")) > 0 && (await two.metric("palava_connections")) > 0
      while (!(await isSpread()) && clients.length < 20) clients.push(await TestClient.connect(url, { tls }))
      expect(await isSpread()).toBe(true)

      for (const client of clients) await client.join("tea")
      const [first, ...others] = clients as [TestClient, ...TestClient[]]
      for (const peer of others) {
        await first.nextWhere(({ event, peer_id }) => event === "new_peer" && peer_id === peer.ownId)
        // As large as the offer of a browser with video, which no proxy may hold back until it has more.
        const sdp = "a=candidate ".repeat(400)
        peer.send({ event: "send_to_peer", peer_id: first.ownId, data: { event: "offer", sdp } })
        expect(await first.next("offer")).toEqual({ event: "offer", sdp, sender_id: peer.ownId })
        first.send({ event: "send_to_peer", peer_id: peer.ownId, data: { event: "answer", sdp } })
        expect(await peer.next("answer")).toEqual({ event: "answer", sdp, sender_id: first.ownId })
        for (let candidate = 0; candidate < 20; candidate++) {
          const data = { event: "ice_candidate", candidate }
          peer.send({ event: "send_to_peer", peer_id: first.ownId, data })
          expect(await first.next("ice_candidate")).toEqual({ ...data, sender_id: peer.ownId })
        }
      }

      const page = await fetch(`https://localhost:${proxy.port}/call/`, { tls })
      expect([page.status, await page.text()]).toEqual([200, expect.stringContaining("<!doctype html>")])

      // One node shuts down: whoever comes now meets the other.
      two.kill("SIGTERM")
      await first.nextWhere(({ event }) => event === "shutdown" || event === "peer_left", "a sign of the shutdown")
      await two.exited
      await using late = await TestClient.connect(url, { tls })
      expect((await late.join("late")).event).toBe("joined_room")
      for (const client of clients) client.terminate()
    })
  })
}
