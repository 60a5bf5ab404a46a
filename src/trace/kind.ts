// What a message between peers is about, as far as its text says so without being read: a session description, candidates
// and from where they are, or something else. The words are WebRTC's own (RFC 8829, RFC 8839), whatever a dialect wraps
// them in. What is in them is not kept.

/** The candidates of a message by type: of the own network, as STUN sees it (srflx, prflx), of a TURN server. */
export interface CandidateCounts {
  host: number
  srflx: number
  prflx: number
  relay: number
}

/** What a message is about. */
export type MessageKind = "offer" | "answer" | "candidates" | "message"

/** The type of a session description, as every client writes it in one way or another. */
const SESSION = /"(offer|answer)"/i

/** A candidate's type (RFC 8839 section 5.1), alone or in a session description. */
const TYPE = / typ (host|srflx|prflx|relay)/g

/** The kind of a message; its candidates are added to `counts`. */
export function kindOf(text: string, counts: CandidateCounts): MessageKind {
  const session = SESSION.exec(text)?.[1]?.toLowerCase()
  let has = false
  TYPE.lastIndex = 0
  // Of all that is sent, most is one candidate: a loop of exec is half of what matchAll costs.
  for (let found = TYPE.exec(text); found !== null; found = TYPE.exec(text)) {
    counts[found[1] as keyof CandidateCounts]++
    has = true
  }
  if (session !== undefined) return session as "offer" | "answer"
  // The last one says that there are no more, and has no type.
  return has || text.includes('"candidate"') ? "candidates" : "message"
}
