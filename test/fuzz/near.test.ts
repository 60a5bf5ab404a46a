// Both simulations on one machine: batches of relays take the short way past Redis, which breaks now and then.

import { simulateResumptions } from "./resumption/simulation.ts"
import { testSeeds } from "./seeds.ts"
import { simulate } from "./simulation.ts"

/** As in the runs over Redis alone. */
const ACTIONS = 1000
const RESUMPTION_ACTIONS = 500

/**
 * What is found when it is broken: a room that does not wait for its log (2001, 2014), a batch that does not for the one
 * before it (2014), what overtakes what waits at a repair (2008), a wait that a repair does not end (2004).
 */
const SEEDS = { foundSomething: [2001, 2004, 2008, 2014], first: 3000, count: 1 }

/** A hand-over that does not stay behind what the log says (3005, 3010). */
const RESUMPTION_SEEDS = { foundSomething: [3005, 3010], first: 3000, count: 1 }

testSeeds(SEEDS, (seed) => ({ ...simulate(seed, ACTIONS, true) }))

testSeeds(RESUMPTION_SEEDS, (seed) => ({ ...simulateResumptions(seed, RESUMPTION_ACTIONS, true) }))
