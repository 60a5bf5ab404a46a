// The protocol as an AsyncAPI 3 document, from the schemas in wire.ts. Seen from the server, as AsyncAPI wants it: it
// receives what browsers say.

import { toJsonSchema } from "@valibot/to-json-schema"
import type * as v from "valibot"
import { stringify } from "yaml"
import { version } from "../../package.json" with { type: "json" }
import { CLIENT_MESSAGES, PARTS, SERVER_MESSAGES } from "./wire.ts"

/** As the document has it; `components.schemas` are JSON Schemas of draft 7. */
export interface AsyncApi {
  components: { schemas: Record<string, object>; messages: Record<string, { payload: object }> }
  [part: string]: unknown
}

const HEAD = `# Made from scripts/asyncapi/wire.ts by \`bun scripts/asyncapi/write.ts\`; a test compares. Do not edit.\n`

const definitions: Record<string, v.GenericSchema> = PARTS

function schemaOf(schema: v.GenericSchema, of?: string): object {
  const {
    $schema: _,
    $defs: _defs,
    ...rest
  } = toJsonSchema(schema, {
    definitions: Object.fromEntries(Object.entries(definitions).filter(([name]) => name !== of)),
    overrideRef: ({ referenceId }) => `#/components/schemas/${referenceId}`,
  })
  return rest
}

/** Names of messages, as operations and channels refer to them. An event may go both ways: `info`. */
const fromClient = (event: string): string => `client_${event}`
const fromServer = (event: string): string => `server_${event}`
const inChannel = (name: string): object => ({ $ref: `#/channels/socket/messages/${name}` })

/** The whole document. */
export function makeDocument(): AsyncApi {
  const messages = Object.fromEntries([
    ...Object.entries(CLIENT_MESSAGES).map(([event, { summary, schema }]) => [
      fromClient(event),
      { name: event, summary, payload: schemaOf(schema) },
    ]),
    ...Object.entries(SERVER_MESSAGES).map(([event, { summary, schema }]) => [
      fromServer(event),
      { name: event, summary, payload: schemaOf(schema) },
    ]),
  ]) as AsyncApi["components"]["messages"]
  const operations = Object.fromEntries(
    Object.entries(CLIENT_MESSAGES).map(([event, { summary, answers }]) => [
      event,
      {
        action: "receive",
        channel: { $ref: "#/channels/socket" },
        summary,
        messages: [inChannel(fromClient(event))],
        reply: {
          channel: { $ref: "#/channels/socket" },
          messages: [...answers, "error"].map((answer) => inChannel(fromServer(answer))),
        },
      },
    ]),
  )
  return {
    asyncapi: "3.0.0",
    info: {
      title: "palava",
      version,
      description:
        "Signaling for WebRTC: who is in a room, and messages from peer to peer. Text frames of JSON over a WebSocket. " +
        "docs/protocol.md says what can be relied on, and in which order things come.",
      license: { name: "MIT" },
    },
    defaultContentType: "application/json",
    servers: {
      yours: { host: "localhost:4233", protocol: "ws", description: "wss behind TLS; any path and any query will do" },
    },
    channels: {
      socket: {
        address: "/",
        messages: Object.fromEntries(
          Object.keys(messages).map((name) => [name, { $ref: `#/components/messages/${name}` }]),
        ),
        bindings: { ws: { method: "GET" } },
      },
    },
    operations: {
      ...operations,
      tell: {
        action: "send",
        channel: { $ref: "#/channels/socket" },
        summary: "Answers, and what happens in the room",
        messages: Object.keys(SERVER_MESSAGES).map((event) => inChannel(fromServer(event))),
      },
    },
    components: {
      schemas: Object.fromEntries(Object.entries(definitions).map(([name, schema]) => [name, schemaOf(schema, name)])),
      messages,
    },
  }
}

/** docs/asyncapi.yaml, as it has to be. */
export function writeDocument(): string {
  return HEAD + stringify(makeDocument(), { lineWidth: 120, aliasDuplicateObjects: false })
}
