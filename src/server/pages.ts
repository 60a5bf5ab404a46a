// Pages embedded in the executable, each one self-contained HTML text. They are sent with a policy that lets nothing
// run but what they were built with.

import { textRoute } from "./texts.ts"

/**
 * Answers GET and HEAD with the page.
 * @param policy the Content-Security-Policy the page was built with
 */
export function pageRoute(html: string, policy: string): (request: Request) => Response {
  return textRoute(html, {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": policy.trim(),
    "permissions-policy": "camera=(self), microphone=(self), display-capture=(self)",
  })
}
