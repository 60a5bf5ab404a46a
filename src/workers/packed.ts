// HTTP requests and answers as messages between processes: whole, and bounded.

import { urlOf } from "../server/paths.ts"
import { MOST_ANSWER_BYTES, MOST_REQUEST_BYTES, type PackedRequest, type PackedResponse } from "./messages.ts"

/** A request for another process; undefined when it is too large. */
export async function packRequest(request: Request, by: string): Promise<PackedRequest | undefined> {
  const { method, headers } = request
  if (Number(headers.get("content-length") ?? 0) > MOST_REQUEST_BYTES) return undefined
  const body = new Uint8Array(await request.arrayBuffer())
  if (body.length > MOST_REQUEST_BYTES) return undefined
  return { method, url: urlOf(request)?.href ?? "", headers: [...headers], body, by }
}

/** The request again. */
export function unpackRequest({ method, url, headers, body }: PackedRequest): Request {
  const init = { method, headers: headers.map(([name, value]): [string, string] => [name, value]) }
  return new Request(url, body.length === 0 ? init : { ...init, body })
}

/** An answer for another process. @throws RangeError when it is too large */
export async function packResponse(response: Response): Promise<PackedResponse> {
  const { status, headers } = response
  const blob = await response.blob()
  if (blob.size > MOST_ANSWER_BYTES) throw new RangeError("the answer is too large")
  // Of a plain text, Bun knows the type and has it in no header.
  const type: [string, string][] = headers.has("content-type") || blob.type === "" ? [] : [["content-type", blob.type]]
  return { status, headers: [...headers, ...type], body: new Uint8Array(await blob.arrayBuffer()) }
}

/** The answer again. */
export function unpackResponse({ status, headers, body }: PackedResponse): Response {
  return new Response(body, { status, headers: headers.map(([name, value]): [string, string] => [name, value]) })
}
