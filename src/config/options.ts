// Every option of the program, once: flag, environment variable, default, check and help. Flags, the environment, the
// configuration file, --help, check-config and the table in README are all made from this list.

import { availableParallelism } from "node:os"
import { CLUSTER_OPTIONS } from "./cluster-options.ts"
import { LIMIT_OPTIONS } from "./limit-options.ts"
import { LISTEN_OPTIONS } from "./listen-options.ts"
import { list, type Option, option } from "./option.ts"
import {
  filePath,
  hidden,
  hmacSecret,
  httpOrigin,
  iceUrl,
  keysPlace,
  network,
  oneOf,
  text,
  whole,
  withoutLogin,
  yesOrNo,
} from "./values.ts"

/** What clients may speak. palava cannot be switched off: the name is there to switch all others off. */
export const DIALECTS = ["palava", "peerjs", "simplewebrtc", "togetherjs", "webrtc-io", "y-webrtc"] as const

/** All options by their name in the code; `roomSize` is `--room-size`, `PALAVA_ROOM_SIZE` and `room_size`. */
export const OPTIONS = {
  ...LISTEN_OPTIONS,
  origin: list({
    schema: httpOrigin,
    value: "ORIGIN",
    help: "allow connections only from pages of this origin (any, if never given)",
  }),
  trustProxy: list({
    schema: network,
    value: "CIDR",
    help: "proxies that are believed where a client is (X-Forwarded-For, Forwarded), as a network or an address",
  }),
  authSecret: option({
    schema: hmacSecret,
    default: "",
    value: "SECRET",
    shown: hidden,
    help: "let nobody into a room without a token signed with this (HS256); the process list shows it, so rather by file",
  }),
  authSecretFile: option({
    schema: filePath,
    default: "",
    value: "FILE",
    secretLetters: 32,
    standsFor: "authSecret",
    help: "file with that secret",
  }),
  authJwks: option({
    schema: keysPlace,
    default: "",
    value: "FILE|URL",
    shown: withoutLogin,
    help: "let nobody into a room without a token signed with one of these keys (JWKS; RS256, ES256 or EdDSA)",
  }),
  authAudience: option({
    schema: text(/^\S{1,200}$/, "must be 1 to 200 characters without spaces"),
    default: "palava-machine",
    value: "NAME",
    help: "who this server is to tokens that say for whom they are (aud)",
  }),
  sameIdentity: option({
    schema: oneOf("allow", "refuse", "replace"),
    default: "allow",
    value: "allow|refuse|replace",
    help: "when one identity (sub of a token, or as a plug-in says) joins a room in which it is: both stay, the newcomer is refused, or takes the place",
  }),
  dialect: list({
    schema: oneOf(...DIALECTS),
    value: "NAME",
    defaultText: "all",
    help: "whose clients may come besides palava's own",
  }),
  peerjsKey: option({
    schema: text(/^[\w.-]{1,100}$/, "must be 1 to 100 letters, digits, _ . or -"),
    default: "peerjs",
    value: "KEY",
    help: "what PeerJS clients give as key, which is also part of the path of their HTTP requests",
  }),
  peerjsDiscovery: option({
    schema: yesOrNo,
    default: false,
    value: "",
    help: "tell everybody who asks the ids of all PeerJS peers (listAllPeers)",
  }),
  yWebrtcPublishAny: option({
    schema: yesOrNo,
    default: true,
    value: "",
    help: "let y-webrtc clients publish to topics they are not subscribed to; --no-y-webrtc-publish-any does not",
  }),
  iceServer: list({
    schema: iceUrl,
    value: "URL",
    help: "STUN or TURN server told to clients; TURN needs --turn-secret",
  }),
  turnSecret: option({
    schema: text(/./, "must not be empty"),
    default: "",
    value: "SECRET",
    shown: hidden,
    help: "secret shared with the TURN server (coturn: use-auth-secret)",
  }),
  turnSecretFile: option({
    schema: filePath,
    default: "",
    value: "FILE",
    secretLetters: 1,
    standsFor: "turnSecret",
    help: "file with --turn-secret, which then no process list shows",
  }),
  turnTtlSeconds: option({
    schema: whole(60, 2_592_000),
    default: 86_400,
    value: "SECONDS",
    help: "how long TURN credentials are valid",
  }),
  ...LIMIT_OPTIONS,
  pingSeconds: option({
    schema: whole(5, 3600),
    default: 25,
    value: "SECONDS",
    help: "silence after which a client is pinged",
  }),
  deadSeconds: option({
    schema: whole(10, 7200),
    default: 50,
    value: "SECONDS",
    help: "silence after which a connection counts as dead",
  }),
  shutdownSeconds: option({
    schema: whole(0, 3600),
    default: 5,
    value: "SECONDS",
    help: "time between the announcement of a shutdown and the end",
  }),
  joinSeconds: option({
    schema: whole(0, 86_400),
    default: 900,
    value: "SECONDS",
    help: "how long a client may be in no room before its connection is closed; 0 is for ever",
  }),
  resumeSeconds: option({
    schema: whole(0, 3600),
    default: 30,
    value: "SECONDS",
    help: "how long a client whose connection broke may come back as itself; 0 is not at all",
  }),
  stateFile: option({
    schema: filePath,
    default: "",
    value: "FILE",
    help: "where a node without Redis leaves at its end who may come back, for its next start; with Redis it is not used",
  }),
  ...CLUSTER_OPTIONS,
  statsDays: option({
    schema: whole(1, 3660),
    default: 30,
    value: "DAYS",
    help: "how long the hours of the usage statistics are kept",
  }),
  statsExport: option({
    schema: text(/^(https?:\/\/[^\s/]+.*|(?!\w+:\/\/).+)$/, "must be a file or an http(s) URL"),
    default: "",
    value: "TARGET",
    shown: withoutLogin,
    help: "where each closed hour goes, exactly once: a file of JSON lines, or a webhook",
  }),
  statsExportUrlFile: option({
    schema: filePath,
    default: "",
    value: "FILE",
    secretLetters: 1,
    standsFor: "statsExport",
    help: "file with the URL for --stats-export, when it holds a secret",
  }),
  plugin: list({
    schema: filePath,
    value: "FILE",
    help: "plug-in to load, TypeScript or JavaScript (its options: [plugins.NAME] in the configuration file)",
  }),
  traceRooms: option({
    schema: yesOrNo,
    default: true,
    value: "",
    help: "keep what happened in each room in memory for an hour, for operators; --no-trace-rooms does not",
  }),
  logLevel: option({
    schema: oneOf("debug", "info", "warn", "error", "silent"),
    default: "info",
    value: "LEVEL",
    help: "debug, info, warn, error or silent; SIGUSR2 switches to debug and back",
  }),
  logFormat: option({
    schema: oneOf("auto", "json", "text"),
    default: "auto",
    value: "FORMAT",
    help: "lines on stderr as json or text; auto is text on a terminal and under systemd, else json",
  }),
} as const

/** The headings of --help and of the configuration file, each with the option it begins at. */
export const GROUPS: readonly { readonly title: string; readonly from: OptionName }[] = [
  { title: "Where it listens", from: "port" },
  { title: "Who may connect, and what clients are told", from: "origin" },
  { title: "Limits", from: "roomSize" },
  { title: "Times", from: "pingSeconds" },
  { title: "Several nodes (Redis)", from: "redis" },
  { title: "Statistics, plug-ins, logs", from: "statsDays" },
]

/** The name of an option in the code. */
export type OptionName = keyof typeof OPTIONS

/** The effective configuration. */
export type Config = { readonly [Name in OptionName]: (typeof OPTIONS)[Name] extends Option<infer T> ? T : never } & {
  /** Options of plug-ins by their name, from the configuration file's `[plugins.NAME]`. */
  readonly plugins: Readonly<Record<string, unknown>>
}

/** Whether there may be other nodes. */
export function isClustered({ redis, redisCluster }: Pick<Config, "redis" | "redisCluster">): boolean {
  return redis !== "" || redisCluster.length > 0
}

/** How many processes share the work. */
export function workersOf({ workers }: Pick<Config, "workers">): number {
  return workers === "auto" ? availableParallelism() : workers
}

/** Every option's name, in the order of --help. */
export const OPTION_NAMES = Object.keys(OPTIONS) as OptionName[]

/** The option called `name`, whatever its type. */
export function optionOf(name: OptionName): Option {
  return OPTIONS[name] as Option
}

/** `roomSize` as `--room-size`. */
export function flagOf(name: OptionName): string {
  return `--${words(name).join("-")}`
}

/** `roomSize` as `PALAVA_ROOM_SIZE`. */
export function variableOf(name: OptionName): string {
  return `PALAVA_${words(name).join("_").toUpperCase()}`
}

/** `roomSize` as `room_size`, its key in the configuration file. */
export function fileKeyOf(name: OptionName): string {
  return words(name).join("_")
}

function words(name: string): string[] {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).split(" ")
}
