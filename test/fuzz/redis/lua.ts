// Lua scripts as Redis runs them: the globals KEYS, ARGV, redis and cmsgpack, and numbers as in Lua 5.1. fengari is a Lua
// 5.3 with whole numbers of 32 bits; here every number is a float, and a whole one has no ".0" as text.
//
// Text is kept as bytes: one character of a JavaScript string for each byte, as in "latin1".

import { createRequire } from "node:module"
import { decode, encode } from "@msgpack/msgpack"
import type { Fengari, LuaObjects, LuaState, LuaStrings } from "fengari"

// Its files need each other in a circle, and work in this order only.
const require = createRequire(import.meta.url)
const { lua, lauxlib, lualib } = require("fengari") as Fengari
const lobject = require("fengari/src/lobject.js") as LuaObjects
const lstring = require("fengari/src/lstring.js") as LuaStrings

/** What a command or a script answers. */
export type SimulatedReply = string | number | null | SimulatedReply[]

/** Has Redis carry out a command. */
export type Call = (words: readonly string[]) => SimulatedReply

const readNumber = lobject.luaO_str2num
lobject.luaO_str2num = (bytes, value) => {
  const length = readNumber(bytes, value)
  if (length > 0 && value.ttisinteger()) value.setfltvalue(value.value)
  return length
}
lobject.luaO_tostring = (state, value) => value.setsvalue(lstring.luaS_bless(state, toBytes(formatNumber(value.value))))

/** One Lua, which keeps the scripts it has seen. */
export class LuaScripts {
  readonly #state: LuaState = lauxlib.luaL_newstate()
  readonly #compiled = new Map<string, number>()
  #error: unknown

  constructor(call: Call) {
    const state = this.#state
    const libraries = { _G: lualib.luaopen_base, table: lualib.luaopen_table, string: lualib.luaopen_string }
    for (const [name, open] of Object.entries({ ...libraries, math: lualib.luaopen_math })) {
      lauxlib.luaL_requiref(state, toBytes(name), open, 1)
    }
    // In Lua 5.1 it was a global.
    this.#evaluate("unpack = table.unpack")
    this.#setGlobal("redis", { call: () => push(state, call(readWords(state))) })
    this.#setGlobal("cmsgpack", {
      pack: () => push(state, fromBytes(encode(toPlain(state, 1)))),
      unpack: () => push(state, fromPlain(decode(lua.lua_tolstring(state, 1)))),
    })
    lua.lua_settop(state, 0)
  }

  /** Runs a script. @throws what a command threw, or an Error for one of Lua's */
  run(text: string, keys: readonly string[], args: readonly string[]): SimulatedReply {
    const state = this.#state
    push(state, [...keys])
    lua.lua_setglobal(state, toBytes("KEYS"))
    push(state, [...args])
    lua.lua_setglobal(state, toBytes("ARGV"))
    lua.lua_rawgeti(state, lua.LUA_REGISTRYINDEX, this.#compiled.get(text) ?? this.#compile(text))
    this.#call(1)
    const reply = toReply(state, lua.lua_gettop(state))
    lua.lua_settop(state, 0)
    return reply
  }

  #compile(text: string): number {
    const bytes = toBytes(text)
    if (lauxlib.luaL_loadbuffer(this.#state, bytes, bytes.length, toBytes("script")) !== lua.LUA_OK) this.#throw()
    const reference = lauxlib.luaL_ref(this.#state, lua.LUA_REGISTRYINDEX)
    this.#compiled.set(text, reference)
    return reference
  }

  #evaluate(text: string): void {
    lua.lua_rawgeti(this.#state, lua.LUA_REGISTRYINDEX, this.#compile(text))
    this.#call(0)
  }

  #call(results: number): void {
    this.#error = undefined
    if (lua.lua_pcall(this.#state, 0, results, 0) !== lua.LUA_OK) this.#throw()
  }

  #throw(): never {
    const error = this.#error ?? new Error(`Lua: ${fromBytes(lua.lua_tolstring(this.#state, -1))}`)
    lua.lua_settop(this.#state, 0)
    throw error
  }

  #setGlobal(name: string, functions: Readonly<Record<string, () => void>>): void {
    const state = this.#state
    lua.lua_createtable(state, 0, 2)
    for (const [field, call] of Object.entries(functions)) {
      lua.lua_pushcfunction(state, () => {
        try {
          call()
          return 1
        } catch (error) {
          this.#error = error
          throw error
        }
      })
      lua.lua_setfield(state, -2, toBytes(field))
    }
    lua.lua_setglobal(state, toBytes(name))
  }
}

/** Bytes as text, one character each. */
export function fromBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1")
}

/** The bytes of such a text. */
export function toBytes(text: string): Buffer {
  return Buffer.from(text, "latin1")
}

/** As Lua 5.1 and Redis write whole numbers; none of our scripts writes another. */
function formatNumber(value: number): string {
  if (!Number.isSafeInteger(value)) throw new Error(`not written as Redis would: ${value}`)
  return String(value)
}

function readWords(state: LuaState): string[] {
  return Array.from({ length: lua.lua_gettop(state) }, (_, at) => {
    const type = lua.lua_type(state, at + 1)
    if (type === lua.LUA_TNUMBER) return formatNumber(lua.lua_tonumber(state, at + 1))
    if (type !== lua.LUA_TSTRING) throw new Error("Lua redis lib command arguments must be strings or integers")
    return fromBytes(lua.lua_tolstring(state, at + 1))
  })
}

function push(state: LuaState, value: SimulatedReply): void {
  if (typeof value === "string") lua.lua_pushlstring(state, toBytes(value), value.length)
  else if (typeof value === "number") lua.lua_pushnumber(state, value)
  else if (value === null) lua.lua_pushboolean(state, false)
  else {
    lua.lua_createtable(state, value.length, 0)
    for (const [at, entry] of value.entries()) {
      push(state, entry)
      lua.lua_rawseti(state, -2, at + 1)
    }
  }
}

/** What a script's result becomes on the wire: whole numbers, lists up to the first nil. */
function toReply(state: LuaState, index: number): SimulatedReply {
  switch (lua.lua_type(state, index)) {
    case lua.LUA_TSTRING:
      return fromBytes(lua.lua_tolstring(state, index))
    case lua.LUA_TNUMBER:
      return Math.trunc(lua.lua_tonumber(state, index))
    case lua.LUA_TBOOLEAN:
      return lua.lua_toboolean(state, index) ? 1 : null
    case lua.LUA_TTABLE:
      return readList(state, index, toReply)
    default:
      return null
  }
}

/** A Lua value for MessagePack, whose text is UTF-8. */
function toPlain(state: LuaState, index: number): unknown {
  switch (lua.lua_type(state, index)) {
    case lua.LUA_TSTRING: {
      const bytes = lua.lua_tolstring(state, index)
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8")
    }
    case lua.LUA_TNUMBER:
      return lua.lua_tonumber(state, index)
    case lua.LUA_TBOOLEAN:
      return lua.lua_toboolean(state, index)
    case lua.LUA_TTABLE:
      return readList(state, index, toPlain)
    default:
      throw new Error("no script packs such a value")
  }
}

function readList<Entry>(state: LuaState, index: number, read: (state: LuaState, index: number) => Entry): Entry[] {
  const table = lua.lua_absindex(state, index)
  return Array.from({ length: lua.lua_rawlen(state, table) }, (_, at) => {
    lua.lua_rawgeti(state, table, at + 1)
    const entry = read(state, lua.lua_gettop(state))
    lua.lua_pop(state, 1)
    return entry
  })
}

function fromPlain(value: unknown): SimulatedReply {
  if (typeof value === "string") return fromBytes(Buffer.from(value, "utf8"))
  if (typeof value === "number") return value
  // What a reply calls nothing, a script sees as false.
  if (value === false) return null
  if (Array.isArray(value)) return value.map(fromPlain)
  throw new Error("no script unpacks such a value")
}
