// The plug-ins of one server, set up and composed, in their order, into what the core asks for (signaling/hooks.ts),
// routes and metrics. A hook that no plug-in has is not composed at all, so it costs what its absence costs.

import { CLOSE, type Close } from "../connections/close.ts"
import type { Envelope } from "../dialects/palava/client-events.ts"
import { ERRORS } from "../dialects/palava/errors.ts"
import type { Relay } from "../rooms/room-store.ts"
import type { Hooks as CoreHooks, Observer, Problem, Soon } from "../signaling/hooks.ts"
import type { Hub, Log } from "../signaling/hub.ts"
import { TO_PLUGIN } from "../signaling/outbox.ts"
import type { Session } from "../signaling/session.ts"
import { checkHooks, firstLine, type LoadedPlugin, metricName, PluginMistakes, takenByCore, validate } from "./check.ts"
import type { EventHandler, Hooks, Metric, Observe, Plugin, Received, Routes } from "./contract.ts"
import { isClosing, isRefusal } from "./define.ts"
import { connectionOf, type Holder, PluginRoom, PluginServer } from "./facade.ts"
import { Failure, Guard, type Guarded, inTime, inTurn } from "./guard.ts"

/** 5 s, unless the plug-in says otherwise: below the patience of a client that waits for its answer. */
const TIMEOUT_SECONDS = 5

/** 200 characters of a schema's complaint: enough to find the field, not a page about it. */
const ISSUE_CHARACTERS = 200

/** The store is away, and a plug-in needs it to admit a connection. */
const AWAY: Close = { code: CLOSE.serverFull.code, reason: ERRORS.unavailable }

/** What the protocol itself says in `joined_room`, which no plug-in may say otherwise. */
const RESERVED_FIELDS = ["event", "own_id", "peers", "ref", "sender_id"]

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
  /** For the hub. */
  readonly hooks: CoreHooks
  /** HTTP answers by path. */
  readonly publicRoutes: Routes
  readonly adminRoutes: Routes
  readonly #guard: Guard
  readonly #mounted: Mounted[] = []
  #hub: Hub | undefined

  /**
   * Sets all plug-ins up, in order.
   * @throws PluginMistakes with every mistake found
   */
  constructor(plugins: readonly LoadedPlugin[], log: Log, version: string) {
    this.#guard = new Guard(log)
    const taken = takenByCore()
    const names = new Set<string>()
    const mistakes: string[] = []
    for (const { plugin, options, path } of plugins) {
      if (names.has(plugin.name)) mistakes.push(`plug-in ${plugin.name}: there are two of that name`)
      names.add(plugin.name)
      const mounted = this.#mount(plugin, path)
      try {
        mounted.hooks = plugin.setup(new PluginServer(mounted, version, log), options) ?? {}
        mistakes.push(...checkHooks(plugin.name, mounted.hooks, taken))
      } catch (cause) {
        mistakes.push(`plug-in ${plugin.name}: setup failed: ${firstLine(cause)}`)
      }
    }
    if (mistakes.length > 0) throw new PluginMistakes(mistakes)
    this.hooks = {
      connect: this.#composeConnect(),
      join: this.#composeJoin(),
      joinedFields: this.#composeDecorate(),
      events: this.#composeEvents(),
      observer: this.#composeObserver(),
      told: this.#with("told").length === 0 ? undefined : (relay) => this.#onTold(relay),
    }
    this.publicRoutes = this.#composeRoutes("public")
    this.adminRoutes = this.#composeRoutes("admin")
  }

  /**
   * Starts all plug-ins, in order.
   * @throws what a plug-in's start threw, with its name
   */
  async start(hub: Hub): Promise<void> {
    this.#hub = hub
    for (const plugin of this.#mounted) {
      try {
        await inTime(plugin, Promise.resolve(plugin.hooks.start?.()))
      } catch (cause) {
        throw new Error(`plug-in ${plugin.name}: start failed: ${firstLine(cause)}`, { cause })
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
      hub: () => {
        if (this.#hub === undefined)
          throw new Error("the server does not run yet: use it in hooks, from start on, not in setup")
        return this.#hub
      },
      tellHere: (room, text) => queueMicrotask(() => this.#tellPlugin(mounted, text, room, mounted.hub().node)),
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
    return (request, session) =>
      inTurn<Mounted, unknown, Close>(
        plugins,
        (plugin) => this.#guard.ask(plugin, "connect", () => plugin.hooks.connect?.(request)),
        (answer, plugin) => {
          if (answer instanceof Failure) return answer.error === "internal" ? CLOSE.internal : AWAY
          if (isClosing(answer)) return answer
          connectionOf(plugin, session).data = answer
          return undefined
        },
      )
  }

  #composeJoin(): CoreHooks["join"] {
    const plugins = this.#with("join")
    if (plugins.length === 0) return undefined
    return (session, wish) =>
      inTurn<Mounted, unknown, Problem>(
        plugins,
        (plugin) => {
          const asked = { ...wish, connection: connectionOf(plugin, session) }
          return this.#guard.ask<unknown>(plugin, "join", () => plugin.hooks.join?.(asked))
        },
        (answer) => {
          if (answer instanceof Failure) return { id: answer.error, message: ERRORS[answer.error] }
          return isRefusal(answer) ? answer : undefined
        },
      )
  }

  #composeDecorate(): CoreHooks["joinedFields"] {
    const plugins = this.#with("decorate")
    if (plugins.length === 0) return undefined
    return (session, view) => {
      let all: Record<string, unknown> | undefined
      for (const plugin of plugins) {
        this.#guard.tell(plugin, "decorate", () => {
          const room = new PluginRoom(plugin, view)
          const fields = plugin.hooks.decorate?.(connectionOf(plugin, session), room)
          // Here, so that what JSON cannot carry fails in this plug-in and not in the join.
          if (fields !== undefined) all = Object.assign(all ?? {}, JSON.parse(JSON.stringify(fields)))
        })
      }
      if (all !== undefined) for (const name of RESERVED_FIELDS) delete all[name]
      return all
    }
  }

  #composeEvents(): CoreHooks["events"] {
    const entries = this.#with("events").flatMap((plugin) =>
      Object.entries(plugin.hooks.events ?? {}).map(([event, handler]) => {
        const handle = (session: Session, envelope: Envelope) => this.#onEvent(plugin, handler, session, envelope)
        return [event, handle] as const
      }),
    )
    return entries.length === 0 ? undefined : new Map(entries)
  }

  #onEvent(plugin: Mounted, { schema, handle }: EventHandler, session: Session, envelope: Envelope): Soon<void> {
    const { event, ref } = envelope
    const { event: _event, ref: _ref, ...sent } = envelope.fields
    const answer = this.#guard.ask<unknown>(plugin, `event ${event}`, () => {
      const checked = validate(schema, sent)
      const go = (result: Awaited<typeof checked>): unknown => {
        if (!("value" in result)) {
          const issue = result.issues[0]?.slice(0, ISSUE_CHARACTERS)
          session.refuseAs({ id: "invalid_message", message: `${ERRORS.invalid_message}: ${issue}` }, ref)
          return undefined
        }
        const received: Received<unknown> = {
          connection: connectionOf(plugin, session),
          fields: result.value,
          reply: (name, fields = {}) => session.reply(name, fields, ref),
        }
        return handle(received as Received<never>)
      }
      return checked instanceof Promise ? checked.then(go) : go(checked)
    })
    const finish = (settled: unknown): void => {
      if (settled instanceof Failure) session.refuse(settled.error, ref)
      else if (isRefusal(settled)) session.refuseAs(settled, ref)
    }
    return answer instanceof Promise ? answer.then(finish) : finish(answer)
  }

  /** Of each observation only what somebody observes; the function of the only one, if it is one. */
  #composeObserver(): Observer | undefined {
    // Three parameters, not a rest: `relayed` is on the hot path and must not make an array for each message.
    const compose = (name: keyof Observe) => {
      const calls = this.#with("observe").flatMap((plugin) => {
        const owner = plugin.hooks.observe
        const observe = owner?.[name] as ((a: unknown, b: unknown, c: unknown) => void) | undefined
        if (observe === undefined) return []
        return [
          (a?: unknown, b?: unknown, c?: unknown): void => {
            try {
              observe.call(owner, a, b, c)
            } catch (cause) {
              this.#guard.fail(plugin, `observe ${name}`, cause)
            }
          },
        ]
      })
      if (calls.length < 2) return calls[0]
      return (a?: unknown, b?: unknown, c?: unknown): void => {
        for (const call of calls) call(a, b, c)
      }
    }
    const statusUpdated = compose("statusUpdated")
    const observer: Observer = {
      connected: compose("connected"),
      disconnected: compose("disconnected"),
      joined: compose("joined"),
      left: compose("left"),
      statusUpdated: statusUpdated && ((peer, room, status) => statusUpdated(peer, room, JSON.parse(status))),
      relayed: compose("relayed"),
      refused: compose("refused"),
      roomOpened: compose("roomOpened"),
      roomClosed: compose("roomClosed"),
    }
    return Object.values(observer).some((call) => call !== undefined) ? observer : undefined
  }

  #composeRoutes(audience: "public" | "admin"): Routes {
    const entries = this.#with("routes").flatMap((plugin) =>
      Object.entries(plugin.hooks.routes?.[audience] ?? {}).map(([path, answer]) => {
        const route = async (request: Request): Promise<Response> => {
          const response = await this.#guard.ask(plugin, `route ${path}`, () => answer(request))
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
