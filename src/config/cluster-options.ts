// The options of several nodes: Redis, and what they are to each other; in the order of --help.

import { list, option } from "./option.ts"
import { countOrAuto, filePath, redisUrl, text, whole, withoutPassword } from "./values.ts"

/** See options.ts, of which they are a part. */
export const CLUSTER_OPTIONS = {
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
    help: "processes that share one port and the work, each a node with limits of its own; auto is one for each CPU; needs --redis or --redis-cluster",
  }),
} as const
