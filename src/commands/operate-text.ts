// How the answers of the administration listener read in a terminal.

import type { NodesAnswer, RoomAnswer, RoomsAnswer } from "../admin/reports.ts"
import { durationText } from "../duration-text.ts"
import { type RoomKey, toLogName } from "../rooms/ids.ts"

/** Digits of a node's id that tell it from others. */
const NODE_DIGITS = 8

/** The same of a peer. */
const PEER_DIGITS = 8

const MIB = 1_048_576

/** A line for each node. */
export function nodesText({ nodes }: NodesAnswer, now: number): string {
  const head = ["node", "version", "state", "lease", "up", "connections", "rooms", "members", "memory", "log"]
  return table(
    head,
    nodes.map((node) => [
      shortNode(node.node),
      node.version,
      node.reasons[0] ?? "ready",
      node.lease_ms === null ? "-" : `${(node.lease_ms / 1000).toFixed(1)} s`,
      durationText(now - node.started_at),
      String(node.connections),
      String(node.rooms),
      node.held === 0 ? String(node.members) : `${node.members} (${node.held} away)`,
      `${Math.round(node.memory_bytes / MIB)} MiB`,
      node.log_level,
    ]),
  )
}

/** A line for each room. */
export function roomsText({ rooms, total, gone }: RoomsAnswer, now: number): string {
  const left = gone.map(({ room, last }) => [toLogName(room as RoomKey), durationText(now - last)])
  const past = left.length === 0 ? "" : `\n\n${table(["room without members", "last event ago"], left)}`
  if (rooms.length === 0) return `there are no rooms${past}`
  const lines = rooms.map(({ room, members, nodes, since }) => [
    toLogName(room as RoomKey),
    String(members),
    durationText(now - since),
    nodes.map(shortNode).join(" "),
  ])
  const more = total > rooms.length ? `\n\n${total} rooms or more; these are the largest` : ""
  return table(["room", "members", "age", "nodes"], lines) + more + past
}

/** All of a room. */
export function roomText({ room, members, findings, timeline, dropped }: RoomAnswer, now: number): string {
  const lines = members.map(({ peer, node, since, held }) => [
    peer,
    shortNode(node),
    durationText(now - since),
    held ? "away, may come back" : "here",
  ])
  const found = findings.map(({ peers, text }) => `${peers.map(shortPeer).join(" and ")}: ${text}`)
  const happened = timeline.map((entry) => [
    new Date(entry.at).toISOString().slice(11, 23),
    shortNode(entry.node ?? ""),
    entry.peer === undefined ? "" : shortPeer(entry.peer),
    entryText(entry),
  ])
  return [
    `room ${room}`,
    members.length === 0 ? "nobody is in it now" : table(["member", "node", "for", "client"], lines),
    ...(found.length === 0 ? [] : [found.join("\n")]),
    ...(happened.length === 0 ? [] : [table(["time (UTC)", "node", "peer", "what happened"], happened)]),
    ...(dropped === 0 ? [] : [`${dropped} earlier entries were dropped`]),
  ].join("\n\n")
}

/** What happened, as one reads it behind a peer's name. */
function entryText({ what, to, detail, count = 1, candidates }: RoomAnswer["timeline"][number]): string {
  const types = Object.entries(candidates ?? {}).flatMap(([type, many]) => (many > 0 ? [`${many} ${type}`] : []))
  return [
    what,
    ...(count > 1 ? [`x${count}`] : []),
    ...(types.length === 0 ? [] : [`(${types.join(", ")})`]),
    ...(to === undefined ? [] : [`to ${shortPeer(to)}`]),
    ...(detail === undefined ? [] : [`: ${detail}`]),
  ]
    .join(" ")
    .replace(" :", ":")
}

function shortPeer(peer: string): string {
  return peer.slice(0, PEER_DIGITS)
}

function shortNode(node: string): string {
  return node.slice(0, NODE_DIGITS)
}

/** Columns as wide as what is in them, two spaces apart. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows]
  const widths = head.map((_, at) => Math.max(...all.map((row) => (row[at] ?? "").length)))
  return all
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n")
}
