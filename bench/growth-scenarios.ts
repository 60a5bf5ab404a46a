// What growth costs: relays, visits and memory against the number of connections, of rooms, of members in a room, and of nodes.

import type { LoadRequest, LoadResult } from "./load/measure.ts"
import { type Contender, type Effort, FORWARDER, PALAVA, type Scenario } from "./scenarios.ts"
import { forwarder, type Launch, palava, palavaOnNodes } from "./servers/servers.ts"
import type { Runs } from "./target.ts"

/** One way to grow, and the sizes that are measured. */
interface Axis {
  /** The scenario's, and the file's. */
  name: string
  /** What is counted. */
  unit: string
  points: readonly number[]
  load(point: number): Partial<LoadRequest>
  launch(point: number): Launch
}

function axes({ isQuick, connectionPoints }: Effort): Axis[] {
  const sizes = [2, 4, 10, 50, 200, 500]
  const local = palava()
  const launch = () => local
  const rooms = [1, 10, 100, 1_000, 4_000]
  return [
    {
      name: "growth-connections",
      unit: "connections",
      points: connectionPoints,
      load: (connections) => ({ connections }),
      launch,
    },
    { name: "growth-rooms", unit: "rooms", points: isQuick ? [1, 10] : rooms, load: (rooms) => ({ rooms }), launch },
    {
      name: "growth-members",
      unit: "members in a room",
      points: isQuick ? [2, 10] : sizes,
      load: (roomSize) => ({ roomSize, rooms: 4 }),
      launch,
    },
    {
      name: "growth-nodes",
      unit: "nodes",
      points: isQuick ? [1, 2] : [1, 2, 3, 4],
      load: () => ({}),
      launch: (nodes) => (nodes === 1 ? local : palavaOnNodes(nodes)),
    },
  ]
}

/** The name of a contender of so many; `pointOf` reads it back. */
function nameOf(server: string, point: number, unit: string): string {
  return `${server}, ${point} ${unit}`
}

/** How many it was that a contender of this name had; undefined for one that is not of the server. */
export function pointOf(name: string): number | undefined {
  const [, point] = new RegExp(`^${PALAVA}, (\\d+) `).exec(name) ?? []
  return point === undefined ? undefined : Number(point)
}

/** The axes as pictures and tables call them. */
export const GROWTH = [
  { name: "growth-connections", title: "Connections" },
  { name: "growth-rooms", title: "Rooms that talk at once" },
  { name: "growth-members", title: "Members of each room that talks" },
  { name: "growth-nodes", title: "Nodes, each room on two of them" },
]

/** What was measured at each point of an axis, the fewest first; none if it was not run. */
export function pointsOf(runs: Runs = {}): { point: number; results: LoadResult[] }[] {
  return Object.entries(runs).flatMap(([contender, results]) => {
    const point = pointOf(contender)
    return point === undefined ? [] : [{ point, results }]
  })
}

/** The scenarios of growth; the bare forwarder is beside the fewest and the most connections. */
export function growthScenarios(effort: Effort): Scenario[] {
  return axes(effort).map(({ name, unit, points, load, launch }) => {
    const contenders: Contender[] = points.map((point) => ({
      name: nameOf(PALAVA, point, unit),
      launch: launch(point),
      load: load(point),
    }))
    const ends = name === "growth-connections" && !effort.isQuick ? [points[0] ?? 0, points.at(-1) ?? 0] : []
    for (const point of ends)
      contenders.push({ name: nameOf(FORWARDER, point, unit), launch: forwarder, load: load(point) })
    return {
      name,
      title: `Growth: more ${unit}`,
      operation: "message",
      contenders,
      load: { scenario: "growth", rooms: 50, window: 8, payload: "candidate" },
      isFresh: true,
      rounds: 1,
    }
  })
}
