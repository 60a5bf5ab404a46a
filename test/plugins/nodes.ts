// One node, or two behind one Redis: what the plug-in tests run on. The scenarios know nothing of the difference.

import { join } from "node:path"
import { startNode, type TestNode } from "../helpers/node.ts"
import { startRedis } from "../helpers/redis.ts"

/** The folder of the examples. */
export const EXAMPLES = join(import.meta.dir, "../../examples")

/** The folder of the plug-ins that exist only for tests. */
export const FIXTURES = join(import.meta.dir, "fixtures")

/** Nodes that share their rooms. */
export interface TestNodes extends AsyncDisposable {
  readonly first: TestNode
  /** The same as the first when there is only one. */
  readonly last: TestNode
  readonly all: readonly TestNode[]
}

/** Starts `count` nodes with the same arguments. */
export async function startNodes(count: 1 | 2, args: readonly string[]): Promise<TestNodes> {
  const stack = new AsyncDisposableStack()
  const redis = count === 1 ? undefined : stack.use(await startRedis())
  const store = redis === undefined ? [] : ["--redis", redis.url]
  const all: TestNode[] = []
  for (let at = 0; at < count; at++) all.push(stack.use(await startNode([...store, ...args])))
  const [first] = all
  const last = all.at(-1)
  if (first === undefined || last === undefined) throw new Error("no nodes")
  return { first, last, all, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}
