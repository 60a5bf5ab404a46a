// Two honest peers in a room, a process of their own so that nobody else's work is taken for the server's:
// `honest.ts URL [TOKEN]`. They say 50 messages a second to each other from the first line on that is read from stdin. Each line is
// answered with one: `ready` by their ids, `take` by a Latencies since the line before, `end` by what went wrong.

import { createInterface } from "node:readline"
import { TestClient, type WireEvent } from "../helpers/client.ts"

/** 20 ms: each says 50 messages a second. */
const EVERY_MS = 20

/** Their address, as a trusted proxy says it: the attacker comes from another. */
const ADDRESS = { headers: { "X-Forwarded-For": "203.0.113.7" }, tls: { rejectUnauthorized: false } }

/** Milliseconds of a message from one to the other: half of them, 99 of 100, and all took at most so long. */
export interface Latencies {
  readonly p50: number
  readonly p99: number
  readonly worst: number
}

/** What became of all they said. */
export interface Ending {
  readonly sent: number
  /** What one did not get, or got wrong. */
  readonly wrong: readonly unknown[]
}

if (import.meta.main) await live(process.argv[2] ?? "", process.argv[3])

async function live(url: string, token: string | undefined): Promise<void> {
  const [first, second] = [await TestClient.connect(url, ADDRESS), await TestClient.connect(url, ADDRESS)]
  for (const client of [first, second]) {
    client.send({ event: "join_room", room_id: "honest", token })
    client.ownId = (await client.next("joined_room"))["own_id"] as string
  }
  await first.next("new_peer")
  const sentAt: number[] = []
  const latencies: number[] = []
  const hear = ({ event, number }: WireEvent): void => {
    if (event === "message" && number !== undefined) latencies.push(performance.now() - (sentAt[number as number] ?? 0))
  }
  for (const client of [first, second]) client.onEvent = hear
  let timer: Timer | undefined

  const take = (): Latencies => {
    const sorted = latencies.splice(0).sort((a, b) => a - b)
    const at = (part: number): number => sorted[Math.floor((sorted.length - 1) * part)] ?? 0
    return { p50: at(0.5), p99: at(0.99), worst: at(1) }
  }
  const end = async (): Promise<Ending> => {
    clearInterval(timer)
    for (let round = 0; round < 2; round++) for (const client of [first, second]) await client.drain()
    const sent = sentAt.length
    return { sent: sent * 2, wrong: [...wrongOf(first, second, sent), ...wrongOf(second, first, sent)] }
  }
  const answers: Readonly<Record<string, () => unknown>> = { ready: () => [first.ownId, second.ownId], take, end }

  for await (const line of createInterface({ input: process.stdin })) {
    timer ??= setInterval(() => {
      const data = { event: "message", number: sentAt.length }
      sentAt.push(performance.now())
      first.send({ event: "send_to_peer", peer_id: second.ownId, data })
      second.send({ event: "send_to_peer", peer_id: first.ownId, data })
    }, EVERY_MS)
    console.log(JSON.stringify(await answers[line]?.()))
    if (line === "end") break
  }
  process.exit(0)
}

/** Whatever is not what the other said, once and in order; but for what others say as themselves who are in the room. */
function wrongOf(client: TestClient, other: TestClient, sent: number): unknown[] {
  const others = new Set(client.all.flatMap(({ event, peer_id }) => (event === "new_peer" ? [peer_id] : [])))
  others.delete(other.ownId)
  const isOurs = ({ event, sender_id }: WireEvent): boolean =>
    !["joined_room", "new_peer", "pong"].includes(event) && !others.has(sender_id)
  const heard = client.all.filter(isOurs)
  const wrong: unknown[] = heard.filter(
    (event, number) => event.event !== "message" || event["number"] !== number || event["sender_id"] !== other.ownId,
  )
  return heard.length === sent ? wrong : [...wrong, `${sent - heard.length} lost`]
}
