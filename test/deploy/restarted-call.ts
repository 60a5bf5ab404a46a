// Three members of a room on a machine whose server is restarted meanwhile, run there: says on stdout when they are in the
// room, and then what they saw. Bundled by the test, as there is nothing but the server on that machine.

import { Member } from "../resume/member.ts"

const PORT = 4233

/** Comes back as soon as somebody listens. */
async function comeBack(member: Member): Promise<boolean> {
  for (;;) {
    try {
      return (await member.resume()).complete
    } catch {
      await Bun.sleep(20)
    }
  }
}

const members: Member[] = []
for (const name of ["ada", "bob", "cyd"]) {
  members.push(await Member.join(PORT, "room", { name }))
  for (const earlier of members.slice(0, -1)) await earlier.next("new_peer")
}
console.log("joined")
let last = 0
const tellAll = (): void => {
  last++
  for (const from of members) for (const to of members) if (from !== to) from.tell(to, last)
}
const timer = setInterval(tellAll, 50)
const closes = await Promise.all(members.map(({ socket }) => socket.closed))
for (const member of members) member.cut()
clearInterval(timer)
tellAll()
const complete: boolean[] = []
for (const member of members) complete.push(await comeBack(member))
tellAll()
for (const member of members) await member.drain()
for (const member of members) await member.drain()
const numbers = JSON.stringify(Array.from({ length: last }, (_, index) => index + 1))
const lost = members.flatMap((to) =>
  members.filter((from) => from !== to && JSON.stringify(to.heardFrom(from)) !== numbers).map(({ id }) => id),
)
const leaves = members.flatMap(({ heard }) => heard.filter(({ event }) => event === "peer_left"))
console.log(JSON.stringify({ closes, complete, lost, leaves }))
process.exit(0)
