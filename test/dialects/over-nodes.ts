// The same tests on one node and over two with Redis between them: the compiled executable, clients spread in turn.

import { afterAll, beforeAll, describe } from "bun:test"
import { startNode, type TestNode } from "../helpers/node.ts"
import { type RedisServer, startRedis } from "../helpers/redis.ts"

/** What the tests are given. */
export interface Nodes {
  readonly all: readonly TestNode[]
  /** The node whose turn it is. */
  at(index: number): TestNode
}

/** Runs `tests` on one node, then on two. They find the nodes once they run. */
export function overNodes(args: readonly string[], tests: (nodes: Nodes, count: 1 | 2) => void): void {
  for (const count of [1, 2] as const) {
    describe(`over ${count} node${count === 1 ? "" : "s"}`, () => {
      const all: TestNode[] = []
      let redis: RedisServer | undefined
      beforeAll(async () => {
        redis = count === 1 ? undefined : await startRedis()
        const more = redis === undefined ? [] : ["--redis", redis.url]
        all.push(...(await Promise.all(Array.from({ length: count }, () => startNode([...args, ...more])))))
      })
      afterAll(async () => {
        await Promise.all(all.map((node) => node[Symbol.asyncDispose]()))
        await redis?.[Symbol.asyncDispose]()
      })
      tests({ all, at: (index) => all[index % all.length] as TestNode }, count)
    })
  }
}

/** The sum of a metric over all nodes. */
export async function sumOf({ all }: Nodes, name: string): Promise<number> {
  const values = await Promise.all(all.map((node) => node.metric(name)))
  return values.reduce((total, value) => total + value, 0)
}
