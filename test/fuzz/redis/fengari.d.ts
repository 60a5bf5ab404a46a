// The part of fengari that is used here: it brings no types of its own. Numbers are those of Lua's C interface.

declare module "fengari" {
  /** A running Lua. */
  export interface LuaState {
    readonly top: number
  }
  type CFunction = (state: LuaState) => number
  interface Lua {
    readonly LUA_OK: number
    readonly LUA_TBOOLEAN: number
    readonly LUA_TNUMBER: number
    readonly LUA_TSTRING: number
    readonly LUA_TTABLE: number
    readonly LUA_REGISTRYINDEX: number
    lua_absindex(state: LuaState, index: number): number
    lua_createtable(state: LuaState, list: number, fields: number): void
    lua_getglobal(state: LuaState, name: Uint8Array): number
    lua_gettop(state: LuaState): number
    lua_pcall(state: LuaState, args: number, results: number, handler: number): number
    lua_pop(state: LuaState, count: number): void
    lua_pushboolean(state: LuaState, value: boolean): void
    lua_pushcfunction(state: LuaState, call: CFunction): void
    lua_pushlstring(state: LuaState, bytes: Uint8Array, length: number): void
    lua_pushnumber(state: LuaState, value: number): void
    lua_rawgeti(state: LuaState, index: number, at: number): number
    lua_rawlen(state: LuaState, index: number): number
    lua_rawseti(state: LuaState, index: number, at: number): void
    lua_setfield(state: LuaState, index: number, name: Uint8Array): void
    lua_setglobal(state: LuaState, name: Uint8Array): void
    lua_settop(state: LuaState, index: number): void
    lua_toboolean(state: LuaState, index: number): boolean
    lua_tolstring(state: LuaState, index: number): Uint8Array
    lua_tonumber(state: LuaState, index: number): number
    lua_type(state: LuaState, index: number): number
  }
  interface Auxiliary {
    luaL_loadbuffer(state: LuaState, text: Uint8Array, length: number, name: Uint8Array): number
    luaL_newstate(): LuaState
    luaL_ref(state: LuaState, table: number): number
    luaL_requiref(state: LuaState, name: Uint8Array, open: CFunction, isGlobal: number): void
  }
  interface Libraries {
    readonly luaopen_base: CFunction
    readonly luaopen_table: CFunction
    readonly luaopen_string: CFunction
    readonly luaopen_math: CFunction
  }
  /** The package. */
  export interface Fengari {
    readonly lua: Lua
    readonly lauxlib: Auxiliary
    readonly lualib: Libraries
  }
  interface Value {
    readonly value: number
    ttisinteger(): boolean
    setfltvalue(value: number): void
    setsvalue(value: unknown): void
  }
  /** Its file src/lobject.js. */
  export interface LuaObjects {
    /** Reads a number: how many bytes of it, or 0. */
    luaO_str2num(bytes: Uint8Array, value: Value): number
    /** Makes a number text, in place. */
    luaO_tostring(state: unknown, value: Value): void
  }
  /** Its file src/lstring.js. */
  export interface LuaStrings {
    luaS_bless(state: unknown, bytes: Uint8Array): unknown
  }
}
