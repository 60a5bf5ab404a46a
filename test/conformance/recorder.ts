import { type NodeId, type PeerId, type RoomKey, toRoomKey } from "../../src/rooms/ids.ts"
import type {
  JoinRequest,
  Member,
  Position,
  Ref,
  Relay,
  RelayFailure,
  RoomEvent,
  RoomListener,
  RoomSnapshot,
  RoomStore,
} from "../../src/rooms/room-store.ts"

/** A listener that remembers what it was told, and can be waited on. */
export class Recorder implements RoomListener {
  readonly events: { readonly room: RoomKey; readonly event: RoomEvent }[] = []
  readonly relays: Relay[] = []
  readonly failures: { readonly from: PeerId; readonly ref: Ref; readonly error: RelayFailure }[] = []
  readonly opened: RoomKey[] = []
  readonly closed: { readonly room: RoomKey; readonly peak: number; readonly openMs: number }[] = []
  readonly swept: { readonly room: RoomKey; readonly peer: PeerId; readonly stayedMs: number }[] = []
  resyncs = 0
  /** What onResync does. */
  resync: () => Promise<void> = async () => {}
  readonly #waiting = new Set<() => void>()

  onRoomEvent(room: RoomKey, event: RoomEvent): void {
    this.events.push({ room, event })
    this.#wake()
  }

  onRelay(relay: Relay): void {
    this.relays.push(relay)
    this.#wake()
  }

  onRelayFailed({ from }: Relay, ref: Ref, error: RelayFailure): void {
    this.failures.push({ from, ref, error })
    this.#wake()
  }

  onRoomOpened(room: RoomKey): void {
    this.opened.push(room)
    this.#wake()
  }

  onSwept(room: RoomKey, peer: PeerId, stayedMs: number): void {
    this.swept.push({ room, peer, stayedMs })
    this.#wake()
  }

  onRoomClosed(room: RoomKey, peak: number, openMs: number): void {
    this.closed.push({ room, peak, openMs })
    this.#wake()
  }

  async onResync(): Promise<void> {
    await this.resync()
    this.resyncs++
    this.#wake()
  }

  /** The events of one room so far. */
  eventsOf(room: RoomKey): RoomEvent[] {
    return this.events.filter((entry) => entry.room === room).map(({ event }) => event)
  }

  /** Resolves when `isTrue`, asked after everything that is told. */
  until(isTrue: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const ask = () => {
        if (!isTrue()) return
        this.#waiting.delete(ask)
        resolve()
      }
      this.#waiting.add(ask)
      ask()
    })
  }

  /** Resolves when the event at `position` has come. */
  reached(room: RoomKey, position: Position | undefined): Promise<void> {
    const { epoch, seq } = position ?? { epoch: "", seq: 0 }
    return this.until(() => this.eventsOf(room).some((event) => event.epoch === epoch && event.seq >= seq))
  }

  #wake(): void {
    for (const ask of [...this.#waiting]) ask()
  }
}

/** A store that is started, and what its listener heard. */
export interface StoreUnderTest extends AsyncDisposable {
  readonly store: RoomStore
  readonly heard: Recorder
}

/** Starts a store, alone with its rooms. */
export type MakeStore = () => Promise<StoreUnderTest>

let rooms = 0

/** A room nobody else uses. */
export function makeRoom(): RoomKey {
  return toRoomKey(`room ${process.pid} ${++rooms} ${Math.random()}`)
}

/** A join with nothing special about it. */
export function joinOf(room: RoomKey, peer: PeerId, more: Partial<JoinRequest> = {}): JoinRequest {
  return {
    room,
    peer,
    generation: 1,
    rev: 1,
    status: "{}",
    limit: 100,
    ifTaken: "leave",
    withSnapshot: true,
    ...more,
  }
}

/** A member as a joinOf() makes it. */
export function memberOf(node: NodeId, peer: PeerId, more: Partial<Member> = {}): Member {
  return { peer, node, generation: 1, rev: 1, status: "{}", ...more }
}

/** Joins, and gives the position of its event. */
export async function join(
  store: RoomStore,
  request: JoinRequest,
): Promise<Position & { snapshot: RoomSnapshot | undefined }> {
  const result = await store.join(request)
  if (result.kind !== "joined") throw new Error(result.kind)
  return { ...result.position, snapshot: result.snapshot }
}
