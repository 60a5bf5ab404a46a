// Shares the upload among all who are sent to, because each further peer costs another encoding and a share of the line.
// Sound goes first: a picture that stutters is a nuisance, a voice that does is the end of a call.
import type { Link, TrackKind } from "./link.ts"

/** 2.5 Mbit/s in all: 720p to one peer, and within the upload of a common DSL line. */
const UPLOAD_BITS_PER_SECOND = 2_500_000
/** 150 kbit/s: below it a face is no longer recognised. */
const LEAST_BITS_PER_SECOND = 150_000
/** 0.7 of a share for the screen while one is shown: its letters have to be read, the face beside it is small. */
const SCREEN_PART = 0.7

/** Sets what each link may send; `total` bits a second for all pictures together, 0 for no limit. */
export function shareUpload(links: readonly Link[], total = UPLOAD_BITS_PER_SECOND): void {
  const others = links.length
  const share = total === 0 ? undefined : Math.max(LEAST_BITS_PER_SECOND, total / others)
  // 720p to one, 480p to two or three, 360p from four on: as much as their tiles show anyway.
  const shrinkBy = others === 1 ? 1 : others <= 3 ? 1.5 : 2
  for (const link of links) {
    const hasScreen = link.senderOf("screen")?.track != null
    const part = (size: number) => (share === undefined ? {} : { maxBitrate: Math.round(share * size) })
    void limit(link, "audio", { priority: "high", networkPriority: "high" })
    void limit(link, "video", {
      ...part(hasScreen ? 1 - SCREEN_PART : 1),
      scaleResolutionDownBy: hasScreen ? 2 : shrinkBy,
    })
    void limit(link, "screen", part(SCREEN_PART))
  }
}

async function limit(link: Link, kind: TrackKind, wanted: Partial<RTCRtpEncodingParameters>): Promise<void> {
  const sender = link.senderOf(kind)
  const parameters = sender?.getParameters()
  const encoding = parameters?.encodings?.[0]
  if (sender === undefined || parameters === undefined || encoding === undefined) return
  const names = Object.keys(wanted) as (keyof RTCRtpEncodingParameters)[]
  if (names.every((name) => encoding[name] === wanted[name])) return
  Object.assign(encoding, wanted)
  await sender.setParameters(parameters).catch(() => undefined)
}
