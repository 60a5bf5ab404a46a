// Every option of the program, once: flag, environment variable, default, check and help. Flags, the environment, the
// configuration file, --help, check-config and the table in README are all made from this list.

import { availableParallelism } from "node:os"
import { LIMIT_OPTIONS } from "./limit-options.ts"
import { list, type Option, option } from "./option.ts"
import {
  countOrAuto,
  filePath,
  hidden,
  hmacSecret,
  httpOrigin,
  iceUrl,
  keysPlace,
  listenAddress,
  network,
  oneOf,
  redisUrl,
  text,
  whole,
  withoutLogin,
  withoutPassword,
  yesOrNo,
} from "./values.ts"

/** What clients may speak. palava cannot be switched off: the name is there to switch all others off. */
export const DIALECTS = ["palava", "peerjs", "simplewebrtc", "togetherjs", "webrtc-io", "y-webrtc"] as const

/** All options by their name in the code; `roomSize` is `--room-size`, `PALAVA_ROOM_SIZE` and `room_size`. */
export const OPTIONS = {
  port: option({
    schema: whole(0, 65535),
    default: 4233,
    value: "PORT",
    help: "port for browsers; 0 takes a free one",
  }),
  host: option({
    schema: text(/^\S+$/, "must be an address"),
    default: "0.0.0.0",
    value: "ADDRESS",
    help: "address to listen on for browsers",
  }),
  adminListen: option({
    schema: listenAddress,
    default: "",
    defaultText: "127.0.0.1, the port after --port",
    value: "HOST:PORT",
    help: 'where console, metrics and health are for operators; "off" for nowhere',
  }),
  adminHost: list({
    schema: text(/^[\w.-]{1,253}$/, "must be a host name"),
    value: "NAME",
    help: "name operators ask --admin-listen by, besides addresses, localhost and this machine's own name",
  }),
  adminTokenFile: option({
    schema: filePath,
    default: "",
    value: "FILE",
    secretLetters: 16,
    help: "file with the token operators must bring (Authorization: Bearer, or as password); /healthz and /readyz stay open",
  }),
  tlsCert: list({
    schema: filePath,
    value: "[NAME=]FILE",
    help: "certificate chain (PEM) for wss and https, for all host names or for NAME; read again when it changes; goes with --tls-key",
  }),
  tlsKey: list({ schema: filePath, value: "[NAME=]FILE", help: "private key (PEM) of the certificate (for NAME)" }),
  hstsSeconds: option({
    schema: whole(0, 63_072_000),
    default: 31_536_000,
    value: "SECONDS",
    help: "how long browsers keep to https (Strict-Transport-Security, with --tls-cert); 0 makes them forget",
  }),
  page: option({
    schema: yesOrNo,
    default: true,
    value: "",
    help: "serve the demo call at /, and the client at /client.js and /mesh.js; --no-page switches both off",
  }),
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
  redis: option({
    schema: redisUrl,
    default: "",
    value: "URL",
    shown: withoutPassword,
    help: "Redis shared by all nodes: redis://HOST:PORT, rediss://... or HOST:PORT",
  }),
  redisCluster: list({
    schema: redisUrl,
    value: "URL",
    shown: withoutPassword,
    help: "some nodes of a Redis Cluster (7 or later), in place of --redis",
  }),
  redisPasswordFile: option({
    schema: filePath,
    default: "",
    value: "FILE",
    secretLetters: 1,
    help: "file with the password for Redis, in place of one in the URL",
  }),
  redisCa: option({
    schema: filePath,
    default: "",
    value: "FILE",
    help: "certificates (PEM) of the authority behind rediss://, in place of those the system knows",
  }),
  redisCert: option({
    schema: filePath,
    default: "",
    value: "FILE",
    help: "certificate (PEM) to show to Redis (tls-auth-clients); goes with --redis-key",
  }),
  redisKey: option({ schema: filePath, default: "", value: "FILE", help: "private key (PEM) of --redis-cert" }),
  redisPrefix: option({
    schema: text(/^[\w.-]{1,40}$/, "must be 1 to 40 letters, digits, _ . or -"),
    default: "palava",
    value: "NAME",
    help: "begins every key and channel in Redis",
  }),
  redisWaitSeconds: option({
    schema: whole(1, 60),
    default: 5,
    value: "SECONDS",
    help: "how long a request waits while Redis is away before it gets unavailable",
  }),
  leaseSeconds: option({
    schema: whole(1, 600),
    default: 10,
    value: "SECONDS",
    help: "silence after which a node counts as dead and its peers leave",
  }),
  workers: option<number | "auto">({
    schema: countOrAuto,
    default: 1,
    value: "COUNT|auto",
    help: "processes that share one port and the work, each a node; auto is one for each CPU; needs --redis or --redis-cluster",
  }),
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
