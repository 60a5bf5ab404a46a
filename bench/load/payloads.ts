// What the browsers say: the frames of a real call, as palava-client writes them, with room for a counter.
//
// Each text holds MARKER once, in a string; the generator counts its messages in the digits behind it, so that a server
// which drops, doubles or reorders is seen. Sizes are of the whole frame in palava's dialect.

/** Where the counter is: eight digits follow. */
export const MARKER = "seq="
/** Digits of the counter; 10^8 messages are more than any run sends. */
export const DIGITS = 8
const COUNTER = MARKER + "0".repeat(DIGITS)

const candidate =
  "candidate:842163049 1 udp 1677729535 203.0.113.57 46154 typ srflx raddr 192.168.178.23 rport 46154 generation 0 " +
  `ufrag 4ZcD network-cost 10 ${COUNTER}`

/** An ICE candidate: 300 B on the wire with `send_to_peer` around it. */
export function candidateData(): object {
  return { event: "ice_candidate", sdpmlineindex: 0, sdpmid: "0", candidate }
}

const SDP_HEAD = `v=0
o=- 4611731400430051336 2 IN IP4 127.0.0.1
s=${COUNTER}
t=0 0
a=group:BUNDLE 0 1
a=extmap-allow-mixed
a=msid-semantic: WMS 6e0f2b5c-6b0a-4d0c-9b57-6b0ed4e2ce0a
m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=ice-ufrag:4ZcD
a=ice-pwd:2/1muCWoOi3uLifh0NuRHlDy
a=ice-options:trickle
a=fingerprint:sha-256 7B:8B:F0:65:5F:78:E2:51:3B:AC:6F:F3:3F:46:1B:35:DC:B8:5F:64:1A:24:C2:43:F0:A1:58:D0:A1:2C:19:08
a=setup:actpass
a=mid:0
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
a=sendrecv
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1
m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 99 100 101 35 36
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
`

/** A session description of about `length` bytes, with the codec lines that make real ones long. */
function sdp(length: number): string {
  const lines = SDP_HEAD.split("\n").slice(0, -1)
  let size = SDP_HEAD.length
  for (let codec = 96; size < length; codec++) {
    const more = [`a=rtpmap:${codec} VP8/90000`, `a=rtcp-fb:${codec} goog-remb`, `a=rtcp-fb:${codec} nack pli`]
    lines.push(...more)
    size += more.join("\n").length + 1
  }
  return `${lines.join("\r\n")}\r\n`
}

/** An offer: 2.5 KB on the wire with `send_to_peer` around it. */
export function offerData(): object {
  return { event: "offer", sdp: { type: "offer", sdp: sdp(2110) } }
}

/** The answer to it, as long. */
export function answerData(): object {
  return { event: "answer", sdp: { type: "answer", sdp: sdp(2110) } }
}

/** A status update: a name, a browser, and one field of the application's own. */
export function statusFields(): object {
  return { name: "Ada Lovelace", user_agent: "chrome", microphone: "muted", note: COUNTER }
}
