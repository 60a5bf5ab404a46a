// What can be wrong with a plug-in before anything runs: its description, its options, and what its hooks claim. Every
// mistake is one line that names the plug-in and says what would be right.

import { readFileSync } from "node:fs"
import { suggestion } from "../suggest.ts"
import type { Hooks, Observe, Plugin, Schema } from "./contract.ts"
import { CONTRACT, isPlugin } from "./define.ts"

/** A plug-in with its checked options. */
export interface LoadedPlugin {
  readonly plugin: Plugin
  readonly options: unknown
  /** The file it came from; undefined for a built-in one. */
  readonly path?: string
}

/** Everything wrong with the plug-ins, a line each. */
export class PluginMistakes extends Error {
  override name = "PluginMistakes"
  readonly mistakes: readonly string[]

  constructor(mistakes: readonly string[]) {
    super(mistakes.join("\n"))
    this.mistakes = mistakes
  }
}

const PLUGIN_NAME = /^[a-z][a-z0-9-]{0,39}$/
const SNAKE_NAME = /^[a-z][a-z0-9_]{0,49}$/

const PLUGIN_KEYS = ["name", "contract", "options", "timeoutSeconds", "setup"]
/** Every hook there is. */
const HOOKS: Readonly<Record<keyof Hooks, true>> = {
  start: true,
  stop: true,
  connect: true,
  join: true,
  look: true,
  decorate: true,
  events: true,
  observe: true,
  told: true,
  routes: true,
  metrics: true,
  keeps: true,
}

/** Everything that can be observed. */
const OBSERVATIONS: Readonly<Record<keyof Observe, true>> = {
  connected: true,
  disconnected: true,
  joined: true,
  left: true,
  statusUpdated: true,
  relayed: true,
  refused: true,
  roomOpened: true,
  roomClosed: true,
}

/** The names of everything that can be observed. */
export const OBSERVED = Object.keys(OBSERVATIONS) as (keyof Observe)[]

/** What is wrong with a plug-in's description; `path` is the file it came from. */
export function describe(value: unknown, path: string): { plugin: Plugin } | { mistake: string } {
  const wrong = (what: string) => ({ mistake: `--plugin ${path}: ${what}` })
  if (!isPlugin(value)) return wrong('must have a default export made by definePlugin of "palava-machine"')
  const { name, contract, timeoutSeconds = 1, setup } = value
  if (typeof name !== "string" || !PLUGIN_NAME.test(name))
    return wrong("name must be lower case letters, digits and dashes, at most 40")
  if (contract !== CONTRACT)
    return wrong(`is written for contract ${String(contract)}, but this server has contract ${CONTRACT}`)
  if (typeof setup !== "function") return wrong("setup must be a function that returns the hooks")
  if (!(typeof timeoutSeconds === "number" && timeoutSeconds > 0)) return wrong("timeoutSeconds must be above 0")
  const unknown = strangersIn(value, PLUGIN_KEYS, path)
  if (unknown !== undefined) return wrong(unknown)
  return { plugin: value }
}

/** The plug-in's options, checked by its own schema. */
export function readOptions(plugin: Plugin, given: unknown): { options: unknown } | { mistakes: readonly string[] } {
  const place = `[plugins.${plugin.name}]`
  if (plugin.options === undefined) {
    if (given === undefined) return { options: undefined }
    return { mistakes: [`${place}: plug-in ${plugin.name} takes no options`] }
  }
  const result = validate(plugin.options, given ?? {})
  if (result instanceof Promise) return { mistakes: [`${place}: the schema of the options must not be async`] }
  return "value" in result
    ? { options: result.value }
    : { mistakes: result.issues.map((issue) => `${place}: ${issue}`) }
}

/** The checked value, or what is wrong with it, as "path: message". */
export type Validated = { readonly value: unknown } | { readonly issues: readonly string[] }

/** Runs any schema of the Standard Schema kind (standardschema.dev). */
export function validate(schema: Schema, value: unknown): Validated | Promise<Validated> {
  const result = schema["~standard"].validate(value) as StandardResult | Promise<StandardResult>
  return result instanceof Promise ? result.then(toValidated) : toValidated(result)
}

/** What is wrong with the hooks of one plug-in, from `path` if from a file, given what others have taken. */
export function checkHooks(name: string, hooks: Hooks, taken: Map<string, string>, path: string | undefined): string[] {
  const mistakes: string[] = []
  const wrong = (what: string) => mistakes.push(`plug-in ${name}: ${what}`)
  const take = (what: string) => {
    const owner = taken.get(what)
    if (owner !== undefined) wrong(`${what} belongs to ${owner} already`)
    else taken.set(what, `plug-in ${name}`)
  }
  for (const [value, known] of [
    [hooks, Object.keys(HOOKS)],
    [hooks.observe ?? {}, OBSERVED],
    [hooks.routes ?? {}, ["public", "admin"]],
  ] as const) {
    const unknown = strangersIn(value, known, path)
    if (unknown !== undefined) wrong(unknown)
  }
  for (const event of Object.keys(hooks.events ?? {})) {
    if (!SNAKE_NAME.test(event)) wrong(`event "${event}" must be in snake_case`)
    take(`event ${event}`)
  }
  for (const [audience, routes] of Object.entries(hooks.routes ?? {})) {
    for (const path of Object.keys(routes)) {
      if (!path.startsWith("/")) wrong(`route "${path}" must begin with /`)
      take(`${audience} route ${path}`)
    }
  }
  for (const metric of Object.keys(hooks.metrics ?? {})) {
    if (!SNAKE_NAME.test(metric)) wrong(`metric "${metric}" must be in snake_case`)
    take(`metric ${metricName(name, metric)}`)
  }
  return mistakes
}

/** What no plug-in may take, and whose it is; `events` are those of the dialects. */
export function takenByCore(events: readonly string[]): Map<string, string> {
  const core = "the server"
  return new Map([
    ...events.map((event) => [`event ${event}`, core] as const),
    ...["/healthz", "/readyz"].map((path) => [`public route ${path}`, core] as const),
    ...["/healthz", "/readyz", "/metrics"].map((path) => [`admin route ${path}`, core] as const),
  ])
}

/** A plug-in's metric as it is shown. */
export function metricName(plugin: string, metric: string): string {
  return `palava_${plugin.replaceAll("-", "_")}_${metric}`
}

/** One line from whatever was thrown: plug-ins fail in words of their own. */
export function firstLine(cause: unknown): string {
  const text = cause instanceof Error || cause instanceof Object ? String((cause as Error).message) : String(cause)
  return text.split("\n")[0] ?? ""
}

interface StandardIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[]
}

type StandardResult = { readonly value: unknown } | { readonly issues: readonly StandardIssue[] }

function toValidated(result: StandardResult): Validated {
  if (!("issues" in result) || result.issues === undefined) return { value: (result as { value: unknown }).value }
  return {
    issues: result.issues.map(({ message, path = [] }) => {
      const keys = path.map((step) => String(typeof step === "object" ? step.key : step))
      return keys.length === 0 ? message : `${keys.join(".")}: ${message}`
    }),
  }
}

/** The first key of `value` that is none of `known`, what may be meant, and where in the plug-in's file it stands. */
function strangersIn(value: object, known: readonly string[], path: string | undefined): string | undefined {
  const [stranger] = Object.keys(value).filter((key) => !known.includes(key))
  if (stranger === undefined) return undefined
  const place = path === undefined ? "" : placeOf(stranger, path)
  return `there is no ${stranger}${suggestion(stranger, known) || `, but only ${known.join(", ")}`}${place}`
}

/** Where a word stands first in a file; nothing where it does not. */
function placeOf(word: string, path: string): string {
  const lines = readFileSync(path, "utf8").split("\n")
  const at = lines.findIndex((line) => line.split(/[^\w$]+/).includes(word))
  return at < 0 ? "" : ` (${path}:${at + 1})`
}

/** A place in a file, in one line of a stack. */
const FRAME = /(?:\(|at )(\/[^()]+:\d+:\d+)\)?$/

/** Files inside the executable. */
const INSIDE = /^\/\$bunfs\//

/** What a plug-in threw in one line, and where, as far as its stack tells. */
export function oneLine(cause: unknown): string {
  const stack = String((cause as { stack?: unknown } | null | undefined)?.stack)
  const places = stack.split("\n").flatMap((line) => FRAME.exec(line)?.[1] ?? [])
  const place = places.find((each) => !INSIDE.test(each))
  return `${firstLine(cause)}${place === undefined ? "" : ` (${place})`}`
}
