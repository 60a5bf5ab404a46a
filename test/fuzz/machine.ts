// The machine on which all nodes of a simulated run are: short ways between them, which take their time, and break.

import type { Neighbours } from "../../src/cluster/neighbours.ts"
import type { NodeId } from "../../src/rooms/ids.ts"
import type { Random } from "../helpers/random.ts"
import type { VirtualTime } from "../helpers/virtual-time.ts"

/** 1 s without an answer, and a way is given up. */
const ANSWER_MS = 1_000

/** A way breaks at one frame in ten: before it arrives, behind it, or so that it arrives when nobody waits for it. */
const BREAKS = 0.1

/** A process, as its neighbours see it. */
interface Process {
  /** Has something happen in it, when it runs. */
  deliver(run: () => void): void
}

interface Listening {
  readonly process: Process
  readonly take: (frame: Buffer) => Promise<void> | undefined
}

/** One node's way to another. */
interface Way {
  isOpen: boolean
  isBroken: boolean
  /** When what was sent last arrives: nothing overtakes it. */
  arrivesAt: number
  /** What has arrived waits for what came before. */
  taken: Promise<void>
  readonly unanswered: Set<(isTaken: boolean) => void>
}

/** See the head of this file. */
export class SimulatedMachine {
  /** Frames that were taken, and ways that broke. */
  readonly count = { taken: 0, broken: 0 }
  readonly #time: VirtualTime
  readonly #random: Random
  readonly #listening = new Map<NodeId, Listening>()

  constructor(time: VirtualTime, random: Random) {
    this.#time = time
    this.#random = random
  }

  /** What a process on it sees of the others. */
  neighboursOf(process: Process): Neighbours {
    const ways = new Map<NodeId, Way>()
    let own: NodeId | undefined
    return {
      listen: (node, take) => {
        own = node
        this.#listening.set(node, { process, take })
      },
      isNear: (node) => {
        const way = ways.get(node)
        if (way?.isOpen === true && !way.isBroken) return true
        if (way === undefined || way.isBroken) ways.set(node, this.#open(process))
        return false
      },
      send: (node, frame) => this.#send(process, node, ways.get(node), Buffer.from(frame)),
      close: () => {
        if (own !== undefined) this.#listening.delete(own)
        for (const way of ways.values()) this.#break(way)
      },
    }
  }

  #open(process: Process): Way {
    const way = { isOpen: false, isBroken: false, arrivesAt: 0, taken: Promise.resolve(), unanswered: new Set<never>() }
    this.#time.after(this.#random.next() * 2, () =>
      process.deliver(() => {
        way.isOpen = true
      }),
    )
    return way
  }

  #break(way: Way): void {
    if (way.isBroken) return
    way.isBroken = true
    this.count.broken++
    for (const settle of way.unanswered) settle(false)
  }

  #send(from: Process, node: NodeId, way: Way | undefined, frame: Buffer): Promise<boolean> {
    if (way === undefined || way.isBroken) return Promise.resolve(false)
    return new Promise((resolve) => {
      const settle = (isTaken: boolean): void => {
        stop()
        way.unanswered.delete(settle)
        from.deliver(() => resolve(isTaken))
      }
      const stop = this.#time.after(ANSWER_MS, () => this.#break(way))
      way.unanswered.add(settle)
      const breaks = this.#random.chance(BREAKS)
      const isLost = breaks && this.#random.chance(0.3)
      const lateMs = breaks && this.#random.chance(0.5) ? this.#random.next() * 3 * ANSWER_MS : 0
      if (breaks) this.#time.after(this.#random.next(), () => this.#break(way))
      if (isLost) return
      way.arrivesAt = Math.max(way.arrivesAt, this.#time.now + this.#random.next() * 0.3 + lateMs)
      this.#time.after(way.arrivesAt - this.#time.now, () =>
        this.#arrive(node, way, frame, () => {
          if (!breaks) this.#time.after(this.#random.next() * 0.3, () => settle(true))
        }),
      )
    })
  }

  #arrive(node: NodeId, way: Way, frame: Buffer, onTaken: () => void): void {
    const listening = this.#listening.get(node)
    listening?.process.deliver(() => {
      way.taken = way.taken
        .then(() => listening.take(frame))
        .then(
          () => {
            this.count.taken++
            onTaken()
          },
          () => this.#break(way),
        )
    })
  }
}
