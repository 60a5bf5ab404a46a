// How a room reaches its members at this node.

/** Fan-out inside this node: Bun's own pub/sub. Messages reach a socket in the order they were published. */
export interface Topics {
  /** @returns whether somebody's buffer is filling: the members concerned are to be looked at, see Holder.onPressure */
  publish(topic: string, text: string): boolean
}
