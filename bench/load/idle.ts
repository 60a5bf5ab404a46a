// Connections that have joined rooms of two and say nothing more. One operation is one connection held.

import type { Address, Connection, FrameHandler } from "./connection.ts"
import { DIALECTS } from "./dialects.ts"
import { type LoadRequest, type LoadResult, settle } from "./measure.ts"
import { untilStopped } from "./parts.ts"
import { residentBytes } from "./process-cost.ts"

/** Connections being opened at the same time: enough to be quick, below every listen backlog. */
const AT_ONCE = 64

/** Loopback addresses connected to, so that no pair of addresses runs out of ports (28,000 on Linux), nor a hundred thousand. */
const LOOPBACKS = 8

/** Keeps a connection open and remembers when it was closed all the same. */
const hold: FrameHandler & { lost: number } = {
  lost: 0,
  onFrame() {},
  onChunkEnd() {},
  onClose() {
    this.lost++
  },
}

/** The same node by another of its loopback addresses. */
export function spread(address: Address, index: number): Address {
  if (address.hostname !== "127.0.0.1") return address
  return { ...address, hostname: `127.0.0.${1 + (index % LOOPBACKS)}` }
}

/** The names of rooms of two, for connections by their index. */
export function inTwos(prefix: string): (index: number) => string {
  return (index) => `${prefix}-${index >> 1}`
}

/** The names of rooms of 2 to 10. */
function inTwosToTens(prefix: string): (index: number) => string {
  return (index) => {
    // 2 + 3 + ... + 10 is 54, in 9 rooms.
    let [room, left] = [9 * Math.floor(index / 54), index % 54]
    for (let size = 2; left >= size; size++) {
      left -= size
      room++
    }
    return `${prefix}-${room}`
  }
}

/** Opens `count` idle connections in rooms of these names. */
export async function openIdle(
  request: LoadRequest,
  count: number,
  roomOf: (index: number) => string,
): Promise<Connection[]> {
  const connections: Connection[] = []
  let next = 0
  const open = async (): Promise<void> => {
    while (next < count) {
      const index = next++
      const address = spread(request.addresses[index % request.addresses.length] as Address, index)
      const connection = await DIALECTS[request.dialect].enter(address, roomOf(index))
      connection.handler = hold
      connections.push(connection)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, open))
  return connections
}

/** Waits until the servers' memory has not shrunk by 1 % for `restSeconds`, at most 20 s; answers it. */
export async function residentAtRest({ pids, restSeconds }: LoadRequest): Promise<number> {
  let least = residentBytes(pids)
  let quietSeconds = 0
  for (let second = 0; second < 20 && quietSeconds < restSeconds; second++) {
    await settle(() => false, 1)
    const now = residentBytes(pids)
    quietSeconds = now < least * 0.99 ? 0 : quietSeconds + 1
    least = Math.min(least, now)
  }
  return least
}

/** As a part of the generator: holds `connections` idle ones in rooms of 2 to 10 until it is stopped. */
export async function held(request: LoadRequest): Promise<LoadResult> {
  await openIdle(request, request.connections, inTwosToTens(crypto.randomUUID().slice(0, 8)))
  await untilStopped()
  const { lost } = hold
  return {
    ...{ operations: request.connections, seconds: 0, generatorMicroseconds: 0, p50: 0, p99: 0, p999: 0 },
    errors: lost,
    firstError: lost > 0 ? "the server closed idle connections" : "",
  }
}

/** Parts of the time that memory has to come to rest, for those who come first: there is less to collect. */
const FIRST_REST_PART = 0.5

/** Runs the idle scenario: a few connections first, so that what the first ones cost is not counted on the others. */
export async function idle(request: LoadRequest): Promise<LoadResult> {
  const first = Math.ceil(request.connections / 10)
  const run = crypto.randomUUID().slice(0, 8)
  await openIdle(request, first, inTwos(`${run}-first`))
  await settle(() => false, request.restSeconds * FIRST_REST_PART)
  const before = residentBytes(request.pids)
  const started = Bun.nanoseconds()
  await openIdle(request, request.connections, inTwos(run))
  const seconds = (Bun.nanoseconds() - started) / 1e9
  await settle(() => false, request.restSeconds)
  const after = residentBytes(request.pids)
  return {
    operations: request.connections,
    seconds,
    generatorMicroseconds: 0,
    p50: 0,
    p99: 0,
    p999: 0,
    ...(request.pids.length > 0 && {
      residentBytes: after,
      bytesPerConnection: (after - before) / request.connections,
    }),
    errors: hold.lost,
    firstError: hold.lost > 0 ? "the server closed idle connections" : "",
  }
}
