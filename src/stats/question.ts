// `palava-machine stats`: the hours of Redis, or of the running server as its administration listener tells them, as a
// table with bars or as JSON.

import { HOUR, type Hour, type HourCounts, type HourStore, hourOf } from "./hours.ts"
import { fromJson, type Step, toJson, toRows, toTable } from "./report.ts"

/** What is asked for. */
export interface StatsQuestion {
  /** ISO 8601 or unix seconds; undefined: as much as suits `by`. */
  readonly from: string | undefined
  readonly to: string | undefined
  readonly by: Step
  readonly isJson: boolean
}

/** Hours shown when nobody says which: a day by the hour, a month by the day. */
const DEFAULT_HOURS: Record<Step, number> = { hour: 24, day: 30 * 24 }

/** The hours from the first up to and with the last. */
export type ReadHours = (from: Hour, to: Hour) => Promise<readonly HourCounts[]>

/**
 * The text to print.
 * @throws RangeError when a time cannot be read; whatever `read` throws
 */
export async function answerQuestion(question: StatsQuestion, read: ReadHours, columns: number): Promise<string> {
  const { by, isJson } = question
  const last = question.to === undefined ? hourOf(Date.now()) : readHour("--to", question.to)
  const first = question.from === undefined ? last - (DEFAULT_HOURS[by] - 1) * HOUR : readHour("--from", question.from)
  if (first > last) throw new RangeError("--from must not be after --to")
  const hours = await read(first, last)
  if (isJson) return toJson(first, last, hours)
  if (hours.length === 0) return "nothing was counted in this time"
  return toTable(toRows(hours, by), by, columns)
}

/** Reads from Redis. */
export function readFromStore(hours: HourStore): ReadHours {
  return async (from, to) => {
    try {
      return await hours.read(from, to)
    } finally {
      await hours.close()
    }
  }
}

/** Asks the server that runs here, with these headers. */
export function readFromServer(adminUrl: string, headers: Record<string, string>): ReadHours {
  return async (from, to) => {
    const response = await fetch(`${adminUrl}stats?from=${from}&to=${to}`, { headers })
    if (!response.ok) throw new Error(`${adminUrl}stats answered ${response.status}: ${(await response.text()).trim()}`)
    return fromJson(await response.text())
  }
}

function readHour(flag: string, text: string): Hour {
  const ms = /^\d{1,10}$/.test(text) ? Number(text) * 1000 : Date.parse(text)
  if (Number.isNaN(ms)) throw new RangeError(`${flag}: must be a time such as 2026-11-23 or 2026-11-23T14:00Z`)
  return hourOf(ms)
}
