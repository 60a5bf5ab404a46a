// What operators ask of the whole cluster: the answers of all nodes put together, as the API gives them.

import type { NodeId } from "../rooms/ids.ts"
import type { TraceEntry } from "../trace/timelines.ts"
import { findingsOf } from "./findings.ts"
import { MOST_GONE, MOST_ROOMS, type Question } from "./local-node.ts"
import type { Answers, Questions } from "./questions.ts"
import type {
  Coverage,
  MemberReport,
  NodeReport,
  NodesAnswer,
  RoomAnswer,
  RoomDetail,
  RoomReport,
  RoomsAnswer,
  RoomsReport,
} from "./reports.ts"

/** What was asked for is not there, or not the only one; `status` as HTTP has it. */
export class AdminRefusal extends Error {
  override name = "AdminRefusal"
  readonly status: number
  readonly error: string

  constructor(status: number, error: string, message: string) {
    super(message)
    this.status = status
    this.error = error
  }
}

/** See the head of this file. */
export class AllNodes {
  readonly #questions: Questions
  readonly #node: NodeId
  readonly #nodes: () => Promise<ReadonlyMap<NodeId, number>>

  /** @param nodes those that live; see RoomStore.nodes */
  constructor(questions: Questions, node: NodeId, nodes: () => Promise<ReadonlyMap<NodeId, number>>) {
    this.#questions = questions
    this.#node = node
    this.#nodes = nodes
  }

  /** The nodes, this one first. */
  async nodes(): Promise<NodesAnswer> {
    const { answers, ...coverage } = await this.#ask<NodeReport>({ kind: "node" })
    const leases = await this.#nodes().catch(() => new Map<NodeId, number>())
    const nodes = [...answers].map(([node, report]) => {
      const lease = leases.get(node)
      return { ...report, lease_ms: lease === undefined || !Number.isFinite(lease) ? null : Math.round(lease) }
    })
    return { nodes, ...coverage }
  }

  /** The largest rooms of all nodes. */
  async rooms(): Promise<RoomsAnswer> {
    const { answers, ...coverage } = await this.#ask<RoomsReport>({ kind: "rooms" })
    const byRoom = new Map<string, RoomReport>()
    let most = 0
    for (const { total, rooms } of answers.values()) {
      most = Math.max(most, total)
      for (const room of rooms) if ((byRoom.get(room.room)?.members ?? 0) < room.members) byRoom.set(room.room, room)
    }
    const rooms = [...byRoom.values()].sort((one, other) => other.members - one.members || one.since - other.since)
    const last = new Map<string, number>()
    for (const { gone } of answers.values()) {
      for (const { room, last: at } of gone) if (!byRoom.has(room)) last.set(room, Math.max(at, last.get(room) ?? 0))
    }
    const gone = [...last].map(([room, at]) => ({ room, last: at })).sort((one, other) => other.last - one.last)
    return {
      total: Math.max(most, rooms.length),
      rooms: rooms.slice(0, MOST_ROOMS),
      gone: gone.slice(0, MOST_GONE),
      ...coverage,
    }
  }

  /**
   * One room.
   * @param digits of its hash, the first ones or all
   * @throws AdminRefusal when there is none, or more than one
   */
  async room(digits: string): Promise<RoomAnswer> {
    const { answers, ...coverage } = await this.#ask<RoomDetail[]>({ kind: "room", digits })
    const found = [...answers.values()].flat()
    const keys = new Set(found.map(({ room }) => room))
    const [room] = keys
    if (room === undefined)
      throw new AdminRefusal(404, "unknown_room", `no room begins with ${digits}${asFarAs(coverage)}`)
    if (keys.size > 1) {
      throw new AdminRefusal(409, "ambiguous_room", `${keys.size} rooms or more begin with ${digits}: give more digits`)
    }
    const byPeer = new Map<string, MemberReport>()
    const timeline: (TraceEntry & { node: string })[] = []
    for (const [node, details] of answers) {
      for (const member of details.flatMap((detail) => detail.members)) {
        // A member's own node knows best.
        if (member.node === node || !byPeer.has(member.peer)) byPeer.set(member.peer, member)
      }
      for (const entry of details.flatMap((detail) => detail.timeline)) timeline.push({ ...entry, node })
    }
    const members = [...byPeer.values()].sort((one, other) => one.since - other.since)
    timeline.sort((one, other) => one.at - other.at)
    const dropped = found.reduce((sum, detail) => sum + detail.dropped, 0)
    return { room, members, timeline, dropped, findings: findingsOf(members, timeline), ...coverage }
  }

  /**
   * Parts from a peer, at whichever node it is.
   * @throws AdminRefusal when it is at none
   */
  async kick(peer: string, by: string): Promise<{ node: string; peer: string }> {
    const { answers, ...coverage } = await this.#ask<boolean>({ kind: "kick", peer, by })
    for (const [node, isKicked] of answers) if (isKicked) return { node, peer }
    throw new AdminRefusal(404, "unknown_peer", `nobody has the id ${peer}${asFarAs(coverage)}`)
  }

  /**
   * Parts from all members of a room.
   * @throws AdminRefusal as `room` does
   */
  async closeRoom(digits: string, by: string): Promise<{ room: string; members: number } & Coverage> {
    const { room } = await this.room(digits)
    const { answers, ...coverage } = await this.#ask<number>({ kind: "closeRoom", room, by })
    return { room, members: [...answers.values()].reduce((sum, count) => sum + count, 0), ...coverage }
  }

  /**
   * Gives an order to one node.
   * @param which the first digits of its id or all; empty for this one
   * @throws AdminRefusal when there is no such node, more than one, or it does not answer
   */
  async order(which: string, question: Question): Promise<NodeReport> {
    const node = which === "" ? this.#node : await this.#find(which)
    const { answers, silent } = await this.#questions.ask<NodeReport>(question, (asked) => asked === node)
    const report = answers.get(node)
    if (report === undefined) {
      throw new AdminRefusal(504, "no_answer", `node ${node}: ${silent[0]?.reason ?? "cannot be asked now"}`)
    }
    return report
  }

  async #find(which: string): Promise<NodeId> {
    const nodes = await this.#nodes().catch(() => new Map([[this.#node, 0]]))
    const found = [...nodes.keys()].filter((node) => node.startsWith(which))
    if (found.length > 1) throw new AdminRefusal(409, "ambiguous_node", `${found.length} nodes begin with ${which}`)
    if (found[0] === undefined) throw new AdminRefusal(404, "unknown_node", `no node begins with ${which}`)
    return found[0]
  }

  #ask<T>(question: Question): Promise<Answers<T>> {
    return this.#questions.ask<T>(question)
  }
}

/** What an answer of "none" does not cover. */
function asFarAs({ silent, problem }: Coverage): string {
  const gaps = [
    ...silent.map(({ node, reason }) => `node ${node}: ${reason}`),
    ...(problem === undefined ? [] : [problem]),
  ]
  return gaps.length === 0 ? "" : `, as far as is known (${gaps.join("; ")})`
}
