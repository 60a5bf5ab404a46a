// The plug-ins of one server, set up and composed, in their order, into what the core asks for (dialects/hooks.ts),
// routes and metrics. A hook that no plug-in has is not composed at all, so it costs what its absence costs.

import { CLOSE, type Close } from "../connections/close.ts"
import type { Conversation } from "../dialects/conversation.ts"
import type {
  AskedJoin,
  Hooks as CoreHooks,
  MayKnow,
  PluginRequest,
  Refused,
  Soon,
  Verdict,
} from "../dialects/hooks.ts"
import type { Log } from "../log.ts"
import { TO_PLUGIN } from "../rooms/announcer.ts"
import type { Grant } from "../rooms/grant.ts"
import type { Relay } from "../rooms/room-store.ts"
import { checkHooks, type LoadedPlugin, metricName, oneLine, PluginMistakes, takenByCore, validate } from "./check.ts"
import type { EventHandler, Hooks, Metric, Plugin, Received, Routes } from "./contract.ts"
import { isAdmission, isClosing, isRefusal } from "./define.ts"
import { connectionOf, type Holder, moveConnection, type PluggedNode, PluginRoom, PluginServer } from "./facade.ts"
import { refusedBy, restrict } from "./grants.ts"
import { Failure, Guard, type Guarded, inTime, inTurn } from "./guard.ts"
import { composeObserver } from "./observer.ts"

/** 5 s, unless the plug-in says otherwise: below the patience of a client that waits for its answer. */
const TIMEOUT_SECONDS = 5

/** 200 characters of a schema's complaint: enough to find the field, not a page about it. */
const ISSUE_CHARACTERS = 200

/** A plug-in that is set up. */
interface Mounted extends Holder, Guarded {
  readonly path: string | undefined
  hooks: Hooks
}

/** The part of the metrics that plug-ins add to. */
export interface MetricSink {
  addCounter(name: string, help: string, read: Metric["read"], label?: string): void
  addGauge(name: string, help: string, read: Metric["read"], label?: string): void
}

/** See the head of this file. */
export class PluginHost {
  /** For the core. */
  readonly hooks: CoreHooks
  /** HTTP answers by path. */
  readonly publicRoutes: Routes
  readonly adminRoutes: Routes
  readonly #guard: Guard
  readonly #mounted: Mounted[] = []
  #node: PluggedNode | undefined

  /**
   * Sets all plug-ins up, in order.
   * @param events those of the dialects, which no plug-in may take
   * @throws PluginMistakes with every mistake found
   */
  constructor(plugins: readonly LoadedPlugin[], log: Log, version: string, events: readonly string[]) {
    this.#guard = new Guard(log)
    const taken = takenByCore(events)
    const names = new Set<string>()
    const mistakes: string[] = []
    for (const { plugin, options, path } of plugins) {
      if (names.has(plugin.name)) mistakes.push(`plug-in ${plugin.name}: there are two of that name`)
      names.add(plugin.name)
      const mounted = this.#mount(plugin, path)
      try {
        mounted.hooks = plugin.setup(new PluginServer(mounted, version, log), options) ?? {}
        mistakes.push(...checkHooks(plugin.name, mounted.hooks, taken, path))
      } catch (cause) {
        mistakes.push(`plug-in ${plugin.name}: setup failed: ${oneLine(cause)}`)
      }
    }
    if (mistakes.length > 0) throw new PluginMistakes(mistakes)
    this.hooks = {
      connect: this.#composeConnect(),
      join: this.#composeJoin(),
      look: this.#composeLook(),
      joinedFields: this.#composeDecorate(),
      events: this.#composeEvents(),
      observer: composeObserver(this.#with("observe"), this.#guard),
      moved: moveConnection,
      told: this.#with("told").length === 0 ? undefined : (relay) => this.#onTold(relay),
    }
    this.publicRoutes = this.#composeRoutes("public")
    this.adminRoutes = this.#composeRoutes("admin")
  }

  /**
   * Starts all plug-ins, in order.
   * @throws what a plug-in's start threw, with its name
   */
  async start(node: PluggedNode): Promise<void> {
    this.#node = node
    for (const plugin of this.#mounted) {
      const { keeps } = plugin.hooks
      if (keeps !== undefined) node.connections.memory.add(() => Number(this.#guard.ask(plugin, "keeps", keeps)) || 0)
      try {
        await inTime(plugin, Promise.resolve(plugin.hooks.start?.()))
      } catch (cause) {
        throw new Error(`plug-in ${plugin.name}: start failed: ${oneLine(cause)}`, { cause })
      }
    }
  }

  /** Stops all plug-ins, the last one first. */
  async stop(): Promise<void> {
    for (const mounted of this.#with("stop").reverse()) {
      await this.#guard.ask(mounted, "stop", () => mounted.hooks.stop?.())
    }
  }

  /** Counts and logs an error that nobody caught, if its stack leads to a plug-in's file. @returns whether it does */
  blame(cause: unknown): boolean {
    const stack = String((cause as { stack?: unknown } | null | undefined)?.stack)
    const culprit = this.#mounted.find(({ path }) => path !== undefined && stack.includes(path))
    if (culprit === undefined) return false
    this.#guard.fail(culprit, "something it began", cause)
    return true
  }

  /** Adds the plug-ins' metrics, and how often they failed. */
  addMetrics(sink: MetricSink): void {
    const { failures } = this.#guard
    sink.addCounter("palava_plugin_failures_total", "Hooks that failed, by plug-in.", () => failures, "plugin")
    for (const mounted of this.#mounted) {
      for (const [key, { help, label, read }] of Object.entries(mounted.hooks.metrics ?? {})) {
        const value = () => {
          const answer = this.#guard.ask(mounted, `metric ${key}`, read)
          return typeof answer === "number" || (typeof answer === "object" && label !== undefined)
            ? (answer as ReturnType<typeof read>)
            : {}
        }
        const add = key.endsWith("_total") ? sink.addCounter : sink.addGauge
        add(metricName(mounted.name, key), help, value, label)
      }
    }
  }

  #mount({ name, timeoutSeconds = TIMEOUT_SECONDS }: Plugin, path: string | undefined): Mounted {
    const mounted: Mounted = {
      name,
      path,
      index: this.#mounted.length,
      timeoutMs: timeoutSeconds * 1000,
      hooks: {},
      node: () => {
        if (this.#node === undefined)
          throw new Error("the server does not run yet: use it in hooks, from start on, not in setup")
        return this.#node
      },
      tellHere: (room, text) => queueMicrotask(() => this.#tellPlugin(mounted, text, room, mounted.node().rooms.node)),
    }
    this.#mounted.push(mounted)
    return mounted
  }

  /** The plug-ins that have a hook, in order. */
  #with(hook: keyof Hooks): Mounted[] {
    return this.#mounted.filter(({ hooks }) => hooks[hook] !== undefined)
  }

  #composeConnect(): CoreHooks["connect"] {
    const plugins = this.#with("connect")
    if (plugins.length === 0) return undefined
    return (request, visitor, conversation) =>
      inTurn<Mounted, unknown, Close>(
        plugins,
        (plugin) => this.#guard.ask(plugin, "connect", () => plugin.hooks.connect?.(request, visitor)),
        (answer, plugin) => {
          if (answer instanceof Failure) return answer.error === "internal" ? CLOSE.internal : CLOSE.unavailable
          if (isClosing(answer)) return answer
          connectionOf(plugin, conversation).data = answer
          return undefined
        },
      )
  }

  #composeJoin(): CoreHooks["join"] {
    const plugins = this.#with("join")
    if (plugins.length === 0) return undefined
    return (conversation: Conversation, asked: AskedJoin): Soon<Verdict | undefined> => {
      let grant: Grant | undefined
      const refused = inTurn<Mounted, unknown, Refused>(
        plugins,
        (plugin) => {
          const join = { ...asked, connection: connectionOf(plugin, conversation) }
          return this.#guard.ask<unknown>(plugin, "join", () => plugin.hooks.join?.(join))
        },
        (answer) => {
          if (isAdmission(answer)) grant = restrict(grant, answer.grant)
          return refusedBy(answer)
        },
      )
      const verdict = (refused: Refused | undefined): Verdict | undefined => refused ?? (grant && { grant })
      return refused instanceof Promise ? refused.then(verdict) : verdict(refused)
    }
  }

  #composeLook(): CoreHooks["look"] {
    const plugins = this.#with("look")
    if (plugins.length === 0) return undefined
    return (request, visitor): Soon<Refused | MayKnow> => {
      const known: MayKnow[] = []
      const refused = inTurn<Mounted, unknown, Refused>(
        plugins,
        (plugin) => this.#guard.ask<unknown>(plugin, "look", () => plugin.hooks.look?.(request, visitor)),
        (answer, plugin) => {
          const ask = answer as MayKnow
          if (typeof answer === "function") known.push((id) => this.#guard.ask(plugin, "look", () => ask(id)) === true)
          return refusedBy(answer)
        },
      )
      const verdict = (refused: Refused | undefined) => refused ?? ((id: string) => known.every((may) => may(id)))
      return refused instanceof Promise ? refused.then(verdict) : verdict(refused)
    }
  }

  #composeDecorate(): CoreHooks["joinedFields"] {
    const plugins = this.#with("decorate")
    if (plugins.length === 0) return undefined
    return (conversation, membership) => {
      let all: Record<string, unknown> | undefined
      for (const plugin of plugins) {
        this.#guard.tell(plugin, "decorate", () => {
          const room = new PluginRoom(plugin, membership.room)
          const fields = plugin.hooks.decorate?.(connectionOf(plugin, conversation), room)
          // Here, so that what JSON cannot carry fails in this plug-in and not in the join.
          if (fields !== undefined) all = Object.assign(all ?? {}, JSON.parse(JSON.stringify(fields)))
        })
      }
      return all
    }
  }

  #composeEvents(): CoreHooks["events"] {
    const entries = this.#with("events").flatMap((plugin) =>
      Object.entries(plugin.hooks.events ?? {}).map(([event, handler]) => {
        const handle = (conversation: Conversation, request: PluginRequest) =>
          this.#onEvent(plugin, handler, conversation, request)
        return [event, handle] as const
      }),
    )
    return entries.length === 0 ? undefined : new Map(entries)
  }

  #onEvent(
    plugin: Mounted,
    { schema, handle }: EventHandler,
    conversation: Conversation,
    request: PluginRequest,
  ): Soon<void> {
    const { event: _event, ref: _ref, ...sent } = request.fields
    const answer = this.#guard.ask<unknown>(plugin, `event ${request.event}`, () => {
      const checked = validate(schema, sent)
      const go = (result: Awaited<typeof checked>): unknown => {
        if (!("value" in result)) return request.refuseInvalid(result.issues[0]?.slice(0, ISSUE_CHARACTERS) ?? "")
        const received: Received<unknown> = {
          connection: connectionOf(plugin, conversation),
          fields: result.value,
          reply: (name, fields = {}) => request.reply(name, fields),
        }
        return handle(received as Received<never>)
      }
      return checked instanceof Promise ? checked.then(go) : go(checked)
    })
    const finish = (settled: unknown): void => {
      if (settled instanceof Failure) request.refuseFailed(settled)
      else if (isRefusal(settled)) request.refuseAs(settled)
    }
    return answer instanceof Promise ? answer.then(finish) : finish(answer)
  }

  #composeRoutes(audience: "public" | "admin"): Routes {
    const entries = this.#with("routes").flatMap((plugin) =>
      Object.entries(plugin.hooks.routes?.[audience] ?? {}).map(([path, answer]) => {
        const route = async (request: Request, address = ""): Promise<Response> => {
          const response = await this.#guard.ask(plugin, `route ${path}`, () => answer(request, address))
          return response instanceof Response ? response : new Response("internal error\n", { status: 500 })
        }
        return [path, route] as const
      }),
    )
    return Object.fromEntries(entries)
  }

  #onTold({ room, from, to, text }: Relay): void {
    const plugin = this.#mounted.find(({ name }) => name === to.slice(TO_PLUGIN.length))
    if (plugin !== undefined) this.#tellPlugin(plugin, text, room, from)
  }

  #tellPlugin(plugin: Mounted, text: string, room: string, from: string): void {
    this.#guard.tell(plugin, "told", () => plugin.hooks.told?.(JSON.parse(text), room, from))
  }
}
