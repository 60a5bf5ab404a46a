// What the supervisor and its workers say to each other, over the channel that Bun opens between a process and one that it
// starts. Both are this program, though not always of one version, as a restart of the workers may bring the next: a
// question that is unknown is answered with a failure, another unknown message is dropped.

import type { Readiness } from "../app/routes.ts"

/** 1 MiB of what operators send, 64 MiB of what they get: a year of hours, or of the rooms' timelines, is some megabytes. */
export const MOST_REQUEST_BYTES = 1_048_576
export const MOST_ANSWER_BYTES = 67_108_864

/** An HTTP request, as the operators' listener got it and let it in. */
export interface PackedRequest {
  readonly method: string
  readonly url: string
  readonly headers: readonly [string, string][]
  readonly body: Uint8Array<ArrayBuffer>
  /** Who asks, for the log. */
  readonly by: string
}

/** The answer to it. */
export interface PackedResponse {
  readonly status: number
  readonly headers: readonly [string, string][]
  readonly body: Uint8Array<ArrayBuffer>
}

/** Questions to a worker, and what they are answered with. */
export interface Questions {
  readonly readiness: { readonly given: undefined; readonly answer: Readiness }
  /** Of its registry, as JSON of prom-client: with how those of several workers become one. */
  readonly metrics: { readonly given: undefined; readonly answer: string }
  readonly operator: { readonly given: PackedRequest; readonly answer: PackedResponse }
}

/** One of them. */
export type QuestionName = keyof Questions

/** To a worker. */
export type ToWorker =
  | { readonly kind: "ask"; readonly id: number; readonly question: QuestionName; readonly given: unknown }
  /** Stop: another worker listens already, and takes over whoever is here. */
  | { readonly kind: "giveWay" }
  | { readonly kind: "logLevel"; readonly level: string }

/** What a worker says when it serves clients. */
export interface Started {
  readonly kind: "started"
  /** The one it listens on. */
  readonly port: number
  readonly node: string
  readonly version: string
  /** Whether it reaches Redis; if not yet, `up` follows. */
  readonly isUp: boolean
}

/** From a worker. */
export type FromWorker =
  | Started
  | { readonly kind: "up" }
  | { readonly kind: "answer"; readonly id: number; readonly answer?: unknown; readonly failure?: string }
