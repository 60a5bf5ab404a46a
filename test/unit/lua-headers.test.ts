// Each Lua file says in its header what it takes; the typed call must say the same, in the same order.

import { describe, expect, test } from "bun:test"
import { readdirSync } from "node:fs"
import { SCRIPTS } from "../../src/cluster/redis/scripts.ts"

/** The names behind `-- KEYS` or `-- ARGV`. */
function namesIn(text: string, head: string): string[] {
  const line = text.match(new RegExp(`^-- ${head}(.*)$`, "m"))?.[1] ?? "missing"
  return line.trim().split(/\s+/).filter(Boolean)
}

describe("Lua headers:", () => {
  for (const script of SCRIPTS) {
    test(`${script.name} takes what its typed call gives`, () => {
      const { text } = script
      expect({ keys: namesIn(text, "KEYS"), args: namesIn(text, "ARGV") }).toEqual({
        keys: [...script.keys],
        args: [...script.args],
      })
      expect(text).toMatch(/^-- [A-Z]/)
      expect(text).toMatch(/^-- Returns {2}\S/m)
      expect(text).toMatch(/^-- Publishes {2}\S/m)
    })
  }

  test("every file has its typed call, under its name", () => {
    const files = readdirSync(new URL("../../scripts/lua", import.meta.url)).sort()
    expect(SCRIPTS.map(({ name }) => `${name}.lua`).sort()).toEqual(files)
  })

  test("only negative numbers of the one table refuse", () => {
    for (const { text } of SCRIPTS) {
      const refusals = [
        ...text.matchAll(/\b(FULL|TAKEN|UNPROVEN|LEASE_OVER|OTHER_PARTITIONS|REPLACED)\b.*= (.*)$/gm),
      ].map((match) => match[0])
      for (const line of refusals)
        expect(line).toMatch(
          /^(FULL, LEASE_OVER, TAKEN, UNPROVEN, LOCKED, IDENTITY_IN_ROOM = -1, -2, -4, -5, -6, -7|REPLACED = -8|LEASE_OVER = -2|OTHER_PARTITIONS = -3)$/,
        )
    }
  })
})
