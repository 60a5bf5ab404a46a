// Where the cluster writes what an operator should know: the part of a logger that it needs.

/** Fields are plain values; an error's stack comes as text. */
export interface ClusterLog {
  info(message: string, fields: Readonly<Record<string, unknown>>): void
  warn(message: string, fields: Readonly<Record<string, unknown>>): void
}

/** Writes nothing. */
export const SILENT: ClusterLog = { info() {}, warn() {} }

/** What a log line shows of something thrown. */
export function toText(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
