// What every RoomStore must do, whichever backend keeps the rooms: one suite, run by each store's own test file.
// Events may come before or after the reply to the command that caused them, so tests wait for them by position.

import { describe } from "bun:test"
import { changesSuite } from "./changes.ts"
import { identitiesSuite } from "./identities.ts"
import { joinsSuite } from "./joins.ts"
import type { MakeStore } from "./recorder.ts"
import { restoresSuite } from "./restores.ts"

/** Tests that any store passes. */
export function roomStoreSuite(name: string, makeStore: MakeStore): void {
  describe(`${name} keeps the contract of a room store:`, () => {
    joinsSuite(makeStore)
    identitiesSuite(makeStore)
    changesSuite(makeStore)
    restoresSuite(makeStore)
  })
}
