// What was said in palava at this node since its start.

import type { ErrorId } from "./errors.ts"

/** See the head of this file. */
export class PalavaCounters {
  /** `send_to_peer` frames that went the short way; all other events are counted by name. */
  relayFrames = 0
  /** Client events by name; those nobody knows are under "other", so a client cannot make labels. */
  readonly events: Record<string, number> = Object.create(null)
  /** Error events by id; those of plug-ins that the protocol does not know are under "other". */
  readonly errors: Partial<Record<ErrorId | "other", number>> = Object.create(null)

  countEvent(name: string): void {
    this.events[name] = (this.events[name] ?? 0) + 1
  }

  countError(id: ErrorId | "other"): void {
    this.errors[id] = (this.errors[id] ?? 0) + 1
  }
}
