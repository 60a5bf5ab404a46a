// The configuration file that is installed: every option with what it does and its default, commented out.

import { fileKeyOf, type OptionName, optionOf, variableOf } from "../../src/config/options.ts"
import { groupsOfOptions } from "../../src/config/print.ts"
import { choicesOf } from "./completions.ts"

/** Something to write for options that have no default. */
const EXAMPLES: { readonly [Name in OptionName]?: unknown } = {
  adminListen: "127.0.0.1:4234",
  adminHost: ["ops.example.org"],
  adminTokenFile: "$CREDENTIALS_DIRECTORY/admin-token",
  tlsCert: ["$CREDENTIALS_DIRECTORY/fullchain.pem"],
  tlsKey: ["$CREDENTIALS_DIRECTORY/privkey.pem"],
  origin: ["https://call.example.org"],
  authSecret: "at least 32 bytes; openssl rand -base64 32",
  authSecretFile: "/run/credentials/palava-machine.service/auth-secret",
  authJwks: "https://id.example.org/.well-known/jwks.json",
  trustProxy: ["127.0.0.1", "10.0.0.0/8"],
  iceServer: ["stun:turn.example.org:3478", "turn:turn.example.org:3478?transport=udp"],
  turnSecret: "the static-auth-secret of coturn",
  turnSecretFile: "$CREDENTIALS_DIRECTORY/turn-secret",
  redis: "redis://10.0.0.5:6379",
  redisCluster: ["redis://10.0.0.5:6379", "redis://10.0.0.6:6379"],
  stateFile: "/run/palava-machine/state",
  redisPasswordFile: "$CREDENTIALS_DIRECTORY/redis-password",
  redisCa: "/etc/palava-machine/redis-ca.pem",
  redisCert: "/etc/palava-machine/redis-cert.pem",
  redisKey: "$CREDENTIALS_DIRECTORY/redis-key.pem",
  statsExportUrlFile: "$CREDENTIALS_DIRECTORY/stats-export-url",
  statsExport: "/var/lib/palava-machine/hours.jsonl",
  plugin: ["/etc/palava-machine/hello.ts"],
}

/** The text of palava-machine.toml. */
export function configFile(): string {
  const groups = groupsOfOptions().map(
    ({ title, names }) => `# ${title}\n# ${"-".repeat(title.length)}\n\n${names.map(entry).join("\n\n")}`,
  )
  return `# Configuration of palava-machine. Every option is here with its default, or with an example where it has none; to
# change one take the # away. Flags and environment variables come before this file. What is in force, and what is
# wrong, tells \`palava-machine check-config --config FILE\`; what keeps users out, \`palava-machine doctor --config FILE\`.

${groups.join("\n\n")}

# Options of a plug-in, under its name:
#[plugins.hello]
`
}

function entry(name: OptionName): string {
  const { help, default: fallback, schema, isList = false } = optionOf(name)
  const choices = choicesOf(schema)
  const example = EXAMPLES[name] ?? (isList && choices.length > 0 ? choices : undefined)
  const told = example === undefined ? help : `${help}; an example`
  return `# ${told} (${variableOf(name)})\n#${fileKeyOf(name)} = ${JSON.stringify(example ?? fallback)}`
}
