// Which other nodes this one has heard of, for the log: a node is told of when it is first heard, and when its lease ended.
// One that stops in good order takes its lease with it and is not told of: nobody has to look after it.

import type { NodeId } from "../rooms/ids.ts"
import type { ClusterLog } from "./log.ts"

/** 1,000 nodes: those of a deployment and their predecessors; the oldest is forgotten, and would be told of again. */
const MOST_NODES = 1000

/** The other nodes as this one knows them. */
export class Nodes {
  readonly #log: ClusterLog
  readonly #own: NodeId
  readonly #seen = new Set<NodeId>()
  readonly #lost = new Set<NodeId>()

  constructor(own: NodeId, log: ClusterLog) {
    this.#own = own
    this.#log = log
  }

  /** Something came from `node`. */
  heard(node: NodeId): void {
    if (this.#seen.has(node) || node === this.#own) return
    add(this.#seen, node)
    this.#lost.delete(node)
    this.#log.info("node seen", { node })
  }

  /** The lease of `node` has ended without its doing; each survivor is told so until one of them has swept. */
  ended(node: NodeId): void {
    if (this.#lost.has(node)) return
    add(this.#lost, node)
    this.#seen.delete(node)
    this.#log.warn("node lost", { node })
  }
}

function add(nodes: Set<NodeId>, node: NodeId): void {
  nodes.add(node)
  if (nodes.size <= MOST_NODES) return
  for (const oldest of nodes) {
    nodes.delete(oldest)
    return
  }
}
