// What y-webrtc clients publish, as text. The short way through a `publish` as JSON.stringify writes it proves that it is
// JSON and finds its topic, without building an object; everything unusual goes the slow way of JSON.parse.

import { isPlainText, skipPlainObject, sliceAs } from "../plain-json.ts"

/** Three times as quick as startsWith. */
const HEAD = /^\{"type":"publish","topic":"/

const TOPIC_AT = '{"type":"publish","topic":"'.length
const DATA = ',"data":'
const QUOTE = 0x22
const CLOSING_BRACE = 0x7d

// Of the last frame: the same string keeps its hash, and messages come in bursts of one client to one topic.
let lastTopic = ""

/**
 * The topic of a frame that is nothing but type, topic and data, in this order, the data an object without arrays or, as
 * clients with a password write it, a string. Undefined when it is anything else, or merely unusual.
 */
export function topicOfPlain(text: string): string | undefined {
  if (!HEAD.test(text) || !isPlainText(text)) return undefined
  const topicEnd = text.indexOf('"', TOPIC_AT)
  if (topicEnd <= TOPIC_AT || !text.startsWith(DATA, topicEnd + 1)) return undefined
  const dataAt = topicEnd + 1 + DATA.length
  const isString = text.charCodeAt(dataAt) === QUOTE
  const end = isString ? text.indexOf('"', dataAt + 1) + 1 : skipPlainObject(text, dataAt)
  if (end !== text.length - 1 || text.charCodeAt(end) !== CLOSING_BRACE) return undefined
  const topic = sliceAs(text, TOPIC_AT, topicEnd, lastTopic)
  if (topic !== lastTopic && topic.includes("\\")) return undefined
  lastTopic = topic
  return topic
}
