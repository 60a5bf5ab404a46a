// The network of three members breaks at any point, in the midst of frames, with and without what is under way, while all
// of them speak: everything arrives, once, in order, and nobody is seen to leave. `SEED=n` repeats a run.

import { expect, test } from "bun:test"
import { startNode } from "../helpers/node.ts"
import { Random } from "../helpers/random.ts"
import { Member } from "./member.ts"

const SEEDS = process.env["SEED"] === undefined ? [1, 2, 3, 4, 5, 6] : [Number(process.env["SEED"])]
const STEPS = 300

/** What was said to whom, and what each of the others must have heard of statuses. */
interface Said {
  readonly texts: Map<Member, unknown[]>
  readonly statuses: number[]
}

for (const seed of SEEDS) {
  test(`cuts at any point, seed ${seed}`, async () => {
    const random = new Random(seed)
    await using node = await startNode()
    const members: Member[] = []
    for (const name of ["ada", "bob", "cyd"]) {
      members.push(await Member.join(node.port, "cuts", { name }))
      for (const earlier of members.slice(0, -1)) await earlier.next("new_peer")
    }
    const said = new Map<Member, Said>()
    for (const member of members) said.set(member, { texts: new Map(members.map((to) => [to, []])), statuses: [] })
    const away = new Set<Member>()
    const pick = <T>(items: readonly T[]): T => random.pick(items) as T

    for (let step = 0; step < STEPS; step++) {
      const member = pick(members)
      const { texts, statuses } = said.get(member) as Said
      const to = pick(members.filter((other) => other !== member))
      const act = random.weighted({ tell: 10, status: 2, ping: 2, cut: 2, cutWithin: 1, resume: 3, resumeOver: 1 })
      if (act === "tell") {
        member.tell(to, step)
        texts.get(to)?.push(step)
      } else if (act === "status") {
        member.say({ event: "update_status", status: { step } })
        statuses.push(step)
      } else if (act === "ping" && !away.has(member)) {
        member.takeAll()
        member.say({ event: "ping", received: member.received })
      } else if (act === "cut" && !away.has(member)) {
        member.cut({ loses: random.chance(0.5) })
        away.add(member)
      } else if (act === "cutWithin" && !away.has(member)) {
        member.takeAll()
        member.cutWithin(
          { event: "send_to_peer", peer_id: to.id, data: { event: "message", text: step } },
          random.below(120),
        )
        texts.get(to)?.push(step)
        away.add(member)
      } else if (act === "resume" && away.has(member)) {
        expect(await member.resume()).toMatchObject({ event: "resumed", complete: true })
        away.delete(member)
      } else if (act === "resumeOver" && !away.has(member)) {
        // The old connection is still open, and full of frames under way.
        if (random.chance(0.5)) member.takeAll()
        expect(await member.resume()).toMatchObject({ event: "resumed", complete: true })
      }
    }
    for (const member of away) expect(await member.resume()).toMatchObject({ complete: true })
    for (const member of members) member.say({ event: "update_status", status: { step: STEPS } })
    for (const member of members) {
      const missing = () => members.some((from) => stepsOf(member, from).at(-1) !== STEPS)
      while (missing()) await member.next()
    }
    // Twice: behind what all of them sent again.
    for (let round = 0; round < 2; round++) for (const member of members) await member.drain()

    for (const member of members) {
      expect(member.heard.filter(({ event }) => event === "peer_left" || event === "error")).toEqual([])
      expect(member.heard.filter(({ event }) => event === "new_peer").length).toBe(2 - members.indexOf(member))
      for (const from of members) {
        expect(member.heardFrom(from)).toEqual(said.get(from)?.texts.get(member) as unknown[])
        const steps = stepsOf(member, from)
        expect(steps).toEqual([...(said.get(from)?.statuses ?? []), STEPS].filter((step) => steps.includes(step)))
      }
    }
  })
}

/** The changes that a member has heard of another: of many at once, not all. */
function stepsOf(member: Member, from: Member): number[] {
  return member.heard
    .filter(({ event, sender_id }) => event === "peer_updated_status" && sender_id === from.id)
    .map(({ status }) => (status as { step: number }).step)
}
