// Headers of every answer, whoever made it: what browsers must not do with it. A page that has a policy of its own keeps it.

/** Pages of other origins may not show ours in a frame, to have its buttons clicked. */
const NO_FRAMES = "frame-ancestors 'self'"

/**
 * Adds them to whatever `answer` gives.
 * @param hstsSeconds how long browsers keep to https (RFC 6797); undefined where this is not https
 */
export function safely<Given extends unknown[], Answer>(
  answer: (...given: Given) => Answer | Promise<Answer>,
  hstsSeconds?: number,
): (...given: Given) => Answer | Promise<Answer> {
  const add = (answered: Answer): Answer => {
    // Nothing is answered where the request became a WebSocket.
    if (!(answered instanceof Response)) return answered
    const { headers } = answered
    const policy = headers.get("content-security-policy")
    headers.set("content-security-policy", policy === null ? NO_FRAMES : `${policy.replace(/;\s*$/, "")}; ${NO_FRAMES}`)
    headers.set("x-content-type-options", "nosniff")
    headers.set("referrer-policy", "no-referrer")
    if (hstsSeconds !== undefined) headers.set("strict-transport-security", `max-age=${hstsSeconds}`)
    return answered
  }
  return (...given) => {
    const answered = answer(...given)
    return answered instanceof Promise ? answered.then(add) : add(answered)
  }
}
