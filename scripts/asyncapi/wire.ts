// Everything on the wire, as schemas: what a browser may say and what it may hear (docs/protocol.md). The document
// docs/asyncapi.yaml is made from them. The server's own checks are in src/dialects/palava, without what only describes;
// test/client/asyncapi.test.ts holds the two, and what the executable really sends, against each other.

import * as v from "valibot"
import { CLIENT_EVENTS } from "../../src/dialects/palava/client-events.ts"
import { ERRORS } from "../../src/dialects/palava/errors.ts"

/** Events that the table of the core does not have: `info` is a plug-in's, `resume` a connection's. */
export const CLIENT_EVENT_NAMES = [...new Set([...Object.keys(CLIENT_EVENTS), "info", "resume"])]

/** Ids that the table of errors does not have. */
export const ERROR_IDS = [...new Set([...Object.keys(ERRORS), "resume_failed"])]

/** 50 characters, as the server checks it; JSON Schema counts code points, as the server does. */
const shortText = (description: string) =>
  v.pipe(v.string(), v.minLength(1), v.maxLength(50), v.description(description))

const Count = v.pipe(
  v.number(),
  v.integer(),
  v.minValue(0),
  v.description("How many text frames of the other side have come since the join"),
)
const Seconds = v.pipe(v.number(), v.integer(), v.minValue(0))
const Ref = v.pipe(
  v.union([v.pipe(v.string(), v.maxLength(64)), v.number()]),
  v.description("Chosen by the client; the direct answer carries the same"),
)
const PeerId = v.pipe(v.string(), v.description("Of a connection, or of a membership that was resumed"))
const Name = v.pipe(v.string(), v.regex(/\S/), v.maxLength(50), v.description("Not only white space"))
const UserAgent = shortText("Decides who offers: newcomers that are `chrome` are offered to")
const Status = v.pipe(
  v.looseObject({ name: v.exactOptional(Name), user_agent: v.exactOptional(UserAgent) }),
  v.description("What a peer tells of itself: these two keys and any others, 4096 bytes as JSON at most"),
)
const StatusChange = v.pipe(
  v.looseObject({ name: v.exactOptional(v.nullable(Name)), user_agent: v.exactOptional(v.nullable(UserAgent)) }),
  v.description("Keys to replace, and keys to remove, which are null; 4096 bytes as JSON at most"),
)
const Peer = v.looseObject({ peer_id: PeerId, status: Status })
const IceServer = v.pipe(
  v.looseObject({
    urls: v.union([v.string(), v.array(v.string())]),
    username: v.exactOptional(v.string()),
    credential: v.exactOptional(v.string()),
  }),
  v.description("An RTCIceServer, ready for new RTCPeerConnection"),
)
const Ticket = v.pipe(
  v.looseObject({ token: v.string(), seconds: Seconds }),
  v.description("Takes the membership over from a broken connection, once, for so many seconds after the break"),
)
const Description = v.pipe(
  v.union([v.string(), v.looseObject({ type: v.exactOptional(v.string()), sdp: v.string() })]),
  v.description("The text, or as a browser has it; palava-client needs the second"),
)
const Candidate = v.looseObject({
  candidate: v.string(),
  sdpMid: v.exactOptional(v.nullable(v.string())),
  sdpMLineIndex: v.exactOptional(v.nullable(v.number())),
})

/** The fields of what peers tell each other. */
const RELAYED = {
  offer: { sdp: Description },
  answer: { sdp: Description },
  ice_candidate: {
    candidate: v.union([v.string(), Candidate]),
    sdpmid: v.exactOptional(v.nullable(v.string())),
    sdpmlineindex: v.exactOptional(v.nullable(v.number())),
  },
  message: { data: v.exactOptional(v.unknown()) },
}
const RelayData = v.pipe(
  v.looseObject({ event: v.picklist(["offer", "answer", "ice_candidate", "message"]) }),
  v.description("Passed on unread; see the messages of these names for what clients agree on"),
)

/** Parts that several messages share, by the name they have in the document. */
export const PARTS = { Ref, PeerId, Status, StatusChange, Peer, IceServer, Ticket, RelayData, Description, Candidate }

const IceFields = {
  ice_servers: v.exactOptional(v.array(IceServer)),
  turn_user: v.exactOptional(v.string()),
  turn_password: v.exactOptional(v.string()),
}

/** A message: an event's name, its fields, and what it is for. */
const message = <Event extends string, Fields extends v.ObjectEntries>(
  event: Event,
  summary: string,
  fields: Fields,
) => ({
  summary,
  schema: v.looseObject({ event: v.literal(event), ...fields }),
})
const withRef = { ref: v.exactOptional(Ref) }

/** What a browser may say, and which events answer it. An `error` may answer anything. */
export const CLIENT_MESSAGES = {
  join_room: {
    ...message("join_room", "Join a room", {
      room_id: shortText("The room's name"),
      status: v.exactOptional(v.nullable(StatusChange)),
      token: v.exactOptional(v.pipe(v.string(), v.description("An access token, where the server asks for one"))),
      resume: v.exactOptional(
        v.pipe(v.boolean(), v.description("Whether the client can resume: joined_room brings a ticket")),
      ),
      ...withRef,
    }),
    answers: ["joined_room"],
  },
  leave_room: { ...message("leave_room", "Leave the room; nothing happens outside of one", withRef), answers: [] },
  lock_room: { ...message("lock_room", "Let nobody new into the room", withRef), answers: ["room_locked"] },
  unlock_room: { ...message("unlock_room", "Let others in again", withRef), answers: ["room_unlocked"] },
  send_to_peer: {
    ...message("send_to_peer", "Tell a member of the same room", { peer_id: PeerId, data: RelayData, ...withRef }),
    answers: [],
  },
  update_status: {
    ...message("update_status", "Change the own status", { status: StatusChange, ...withRef }),
    answers: ["peer_updated_status"],
  },
  info: {
    ...message("info", "Ask which server this is; as a member, for ICE servers too", withRef),
    answers: ["info"],
  },
  ping: {
    ...message("ping", "Ask whether the server lives, and tell what has come", {
      received: v.exactOptional(Count),
      ...withRef,
    }),
    answers: ["pong"],
  },
  resume: {
    ...message("resume", "Be the member that one was, as the first message of a connection", {
      token: v.string(),
      received: Count,
      ...withRef,
    }),
    answers: ["resumed"],
  },
} as const

const relayed = <Event extends keyof typeof RELAYED>(event: Event) =>
  message(event, `A peer's ${event}`, { ...RELAYED[event], sender_id: PeerId })

/** What a browser may hear. */
export const SERVER_MESSAGES = {
  joined_room: message("joined_room", "You are in; these others are, too", {
    own_id: PeerId,
    peers: v.array(Peer),
    resume: v.exactOptional(Ticket),
    ...IceFields,
    ...withRef,
  }),
  resumed: message("resumed", "You are who you were; status and peers come when it is not complete", {
    own_id: PeerId,
    received: Count,
    complete: v.pipe(v.boolean(), v.description("Whether nothing was lost, in either direction")),
    resume: v.exactOptional(Ticket),
    status: v.exactOptional(Status),
    peers: v.exactOptional(v.array(Peer)),
  }),
  new_peer: message("new_peer", "Somebody came", { peer_id: PeerId, status: Status }),
  peer_left: message("peer_left", "Somebody left", { sender_id: PeerId }),
  room_locked: message("room_locked", "A member saw to it that nobody new comes in", { peer_id: PeerId }),
  room_unlocked: message("room_unlocked", "A member saw to it that others come in again", { peer_id: PeerId }),
  peer_updated_status: message("peer_updated_status", "A status changed; this is the whole of it", {
    sender_id: PeerId,
    status: Status,
  }),
  offer: relayed("offer"),
  answer: relayed("answer"),
  ice_candidate: relayed("ice_candidate"),
  message: relayed("message"),
  error: message("error", "A refusal; the connection lives on", {
    id: v.pipe(v.string(), v.examples(ERROR_IDS), v.description("Stable; newer servers and plug-ins may have more")),
    message: v.string(),
    description: v.string(),
    ...withRef,
  }),
  shutdown: message("shutdown", "The server closes the connection in so many seconds", { seconds: Seconds }),
  info: message("info", "Which protocol and which server this is; ICE servers for members", {
    protocol_version: v.string(),
    server: v.string(),
    version: v.string(),
    ...IceFields,
    ...withRef,
  }),
  pong: message("pong", "The server lives, and has received so much", { received: v.exactOptional(Count), ...withRef }),
}
