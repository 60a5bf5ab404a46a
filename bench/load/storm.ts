// Clients in rooms of four lose their node at once, and all come back: by joining anew or by resuming. One operation is one client
// that is back; latency is from its own connect until it is in its room. They come as fast as the server takes them.
//
// In four steps with `run.ts`: says "lose" when all are in; is told on its input where to come back to; reads the clocks, and the
// storm begins; answers the result. Pairs on the node that they come back to relay meanwhile (pairs.ts).

import { type Address, type Connection, connect, type FrameHandler } from "./connection.ts"
import type { Tally } from "./counted-stream.ts"
import { DIALECTS } from "./dialects.ts"
import { spread } from "./idle.ts"
import { type LoadRequest, type LoadResult, makeTally, settle } from "./measure.ts"
import { startPart } from "./parts.ts"
import { cpuNanoseconds, ownCpuNanoseconds, residentBytes } from "./process-cost.ts"

const MEMBERS = 4
/** Handshakes under way at the same time: below every listen backlog (512 in Bun), or the kernel's retries would be measured. */
const AT_ONCE = 256
/** Pairs that relay meanwhile. */
const PAIRS = 5
/** 60 s without a client more that is back: the rest does not come. */
const STUCK_SECONDS = 60

/** Where to come back to, as `run.ts` writes it in one line. */
export interface Refuge {
  addresses: Address[]
  pids: number[]
}

/** The clients of all rooms. */
interface Crowd {
  clients: Client[]
  tally: Tally
  /** Whether a closed connection is what the scenario wants just now. */
  isLosing: boolean
  /** Clients whose membership was held no longer, and that joined anew. */
  tooLate: number
}

/** One client of the palava dialect, over two connections. */
class Client implements FrameHandler {
  readonly #crowd: Crowd
  readonly #room: string
  readonly #resumes: boolean
  id = ""
  /** Ids in its room, as it knows them, its own among them. */
  readonly seen = new Set<string>()
  #token = ""
  /** Text frames since its join. */
  #received = 0
  #startedAt = 0

  constructor(crowd: Crowd, room: string, resumes: boolean) {
    this.#crowd = crowd
    this.#room = room
    this.#resumes = resumes
  }

  /** Connects and asks to be let in; resolves when the request is on its way. */
  async come(address: Address): Promise<void> {
    this.#startedAt = Bun.nanoseconds()
    const connection = await connect(address, "/", this)
    if (this.#token === "") this.#join(connection)
    else connection.send({ event: "resume", token: this.#token, received: this.#received })
  }

  #join(connection: Connection): void {
    this.#received = 0
    this.seen.clear()
    const status = { name: "Ada Lovelace", user_agent: "chrome" }
    connection.send({ event: "join_room", room_id: this.#room, status, ...(this.#resumes && { resume: true }) })
  }

  onFrame(connection: Connection, bytes: Buffer, start: number, length: number): void {
    const message = JSON.parse(bytes.toString("utf8", start, start + length))
    if (message.event !== "resumed") this.#received++
    switch (message.event) {
      case "new_peer":
        this.#meet(message.peer_id)
        break
      case "peer_left":
        this.seen.delete(message.sender_id)
        break
      case "joined_room":
        this.#enter(message)
        break
      case "resumed":
        if (message.own_id !== this.id) this.#complain(`came back as another: ${JSON.stringify(message)}`)
        if (!message.complete) {
          this.#received = 1
          this.seen.clear()
        }
        this.#enter(message)
        break
      case "error":
        // It was not back within the time for which its membership was held.
        if (message.id === "resume_failed") {
          this.#crowd.tooLate++
          this.#join(connection)
        } else this.#complain(JSON.stringify(message))
        break
      case "shutdown":
        if (!this.#crowd.isLosing) this.#complain("the server shuts down")
        break
      default:
        this.#complain(JSON.stringify(message))
    }
  }

  onChunkEnd(): void {}

  onClose(): void {
    if (!this.#crowd.isLosing) this.#complain("the server closed the connection")
  }

  // biome-ignore lint/suspicious/noExplicitAny: parsed JSON of a server that is being measured
  #enter(message: any): void {
    this.id = message.own_id
    this.#token = message.resume?.token ?? ""
    for (const peer of message.peers ?? []) this.#meet(peer.peer_id)
    this.seen.add(this.id)
    this.#crowd.tally.latency.add(Bun.nanoseconds() - this.#startedAt)
    this.#crowd.tally.completed++
  }

  #meet(id: string): void {
    if (this.seen.has(id)) this.#complain(`${id} was announced twice`)
    this.seen.add(id)
  }

  #complain(what: string): void {
    this.#crowd.tally.wrong++
    this.#crowd.tally.firstWrong ||= what.slice(0, 300)
  }
}

/** Lets `come` be called for each of `count`, so many at a time. */
async function forEach(count: number, come: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < count) await come(next++)
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, count) }, worker))
}

/** Waits until all have been let in. @throws when no more are */
async function allIn(tally: Tally, count: number): Promise<void> {
  for (let before = -1; tally.completed < count; ) {
    if (tally.completed === before) throw new Error(`stuck: ${tally.completed} of ${count} are in; ${tally.firstWrong}`)
    before = tally.completed
    await settle(() => tally.completed >= count, STUCK_SECONDS)
  }
}

/** The next line of the input. */
async function readRefuge(): Promise<Refuge> {
  for await (const line of console) return JSON.parse(line)
  throw new Error("nobody said where to come back to")
}

/** Members of a room who do not know each other, or still know somebody else. */
function strangers(clients: readonly Client[]): number {
  let wrong = 0
  for (let first = 0; first < clients.length; first += MEMBERS) {
    const room = clients.slice(first, first + MEMBERS)
    for (const client of room) if (!room.every(({ id }) => client.seen.has(id))) wrong++
  }
  return wrong
}

/** Runs the storm: `connections` clients, which resume if `resumes`. */
export async function storm(request: LoadRequest): Promise<LoadResult> {
  const { connections: count, dialect, resumes = false } = request
  const crowd: Crowd = { clients: [], tally: makeTally(), isLosing: false, tooLate: 0 }
  const { tally } = crowd
  const rooms = Math.ceil(count / MEMBERS)
  const knowsRooms = dialect === "palava"
  const run = crypto.randomUUID().slice(0, 8)
  if (knowsRooms)
    for (let index = 0; index < count; index++)
      crowd.clients.push(new Client(crowd, `${run}-${Math.floor(index / MEMBERS) % rooms}`, resumes))

  const comeTo = async (address: Address, index: number): Promise<void> => {
    const started = Bun.nanoseconds()
    const at = spread(address, index)
    if (knowsRooms) return crowd.clients[index]?.come(at)
    const connection = await DIALECTS[dialect].enter(at, "")
    connection.handler = { onFrame() {}, onChunkEnd() {}, onClose() {} }
    tally.latency.add(Bun.nanoseconds() - started)
    tally.completed++
  }
  const [first] = request.addresses as [Address]
  await forEach(count, (index) => comeTo(first, index))
  await allIn(tally, count)
  await settle(() => strangers(crowd.clients) === 0)

  crowd.isLosing = true
  console.log("lose")
  const { addresses, pids } = await readRefuge()
  const pairs = await startPart({ ...request, scenario: "pairs", rooms: PAIRS, addresses }, true)
  await settle(() => false, request.warmupSeconds)
  crowd.isLosing = false
  tally.completed = 0
  tally.latency.clear()
  const before = { at: Bun.nanoseconds(), cpu: cpuNanoseconds(pids), own: ownCpuNanoseconds() }
  await forEach(count, (index) => comeTo(addresses[0] as Address, index))
  await allIn(tally, count)
  const after = { at: Bun.nanoseconds(), cpu: cpuNanoseconds(pids), own: ownCpuNanoseconds() }
  const relayed = await pairs.stop()
  await settle(() => strangers(crowd.clients) === 0)
  const strange = strangers(crowd.clients)
  return {
    operations: count,
    seconds: (after.at - before.at) / 1e9,
    cpuMicroseconds: (after.cpu - before.cpu) / count / 1000,
    generatorMicroseconds: (after.own - before.own) / count / 1000,
    p50: tally.latency.percentile(0.5),
    p99: tally.latency.percentile(0.99),
    p999: tally.latency.percentile(0.999),
    residentBytes: residentBytes(pids),
    pairsP99: relayed.p99,
    tooLate: crowd.tooLate,
    errors: tally.wrong + strange + relayed.errors,
    firstError: tally.firstWrong || relayed.firstError || (strange > 0 ? `${strange} do not know their room` : ""),
  }
}
