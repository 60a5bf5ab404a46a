// Pages of an origin of their own, from localhost, which browsers trust with a camera as they do https.

import { join } from "node:path"

/** A site that is up until the end of the test. */
export interface Site extends Disposable {
  readonly url: string
}

/** Serves the files that `fileOf` names by path, each as `change` makes it. What is not there is empty. */
export function serveFiles(
  fileOf: (pathname: string) => string | undefined,
  change = (text: string): string => text,
): Site {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const file = Bun.file(fileOf(new URL(request.url).pathname) ?? "")
      if (!(await file.exists())) return new Response(null, { status: 204 })
      return new Response(change(await file.text()), { headers: { "content-type": file.type } })
    },
  })
  return { url: `http://localhost:${server.port}/`, [Symbol.dispose]: () => void server.stop(true) }
}

/** Serves a folder. */
export function serveFolder(folder: string, change?: (text: string) => string): Site {
  return serveFiles((pathname) => join(folder, pathname), change)
}
