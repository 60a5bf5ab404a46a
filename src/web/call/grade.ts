// How good a connection is, in one of three words. Pure, for its test.

/** `fair`: one notices it, and can talk; `poor`: one cannot. */
export type Grade = "good" | "fair" | "poor"

/** 2 % of packets and 250 ms go unnoticed (ITU-T G.114 says 150 ms one way); above 8 % or 600 ms people interrupt each other. */
export function gradeOf({ loss, roundTripMs = 0 }: { loss: number; roundTripMs?: number | undefined }): Grade {
  if (loss > 0.08 || roundTripMs > 600) return "poor"
  return loss > 0.02 || roundTripMs > 250 ? "fair" : "good"
}
