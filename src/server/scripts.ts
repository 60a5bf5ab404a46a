// The browser package as the server gives it to any page: /client.js, /mesh.js, their types and their maps. The same files
// as in the npm package, embedded when the executable is built (scripts/build-client.ts).

import clientTypes from "../../dist/scripts/client.d.ts.txt" with { type: "text" }
import clientMap from "../../dist/scripts/client.js.map.txt" with { type: "text" }
import clientScript from "../../dist/scripts/client.js.txt" with { type: "text" }
import meshTypes from "../../dist/scripts/mesh.d.ts.txt" with { type: "text" }
import meshMap from "../../dist/scripts/mesh.js.map.txt" with { type: "text" }
import meshScript from "../../dist/scripts/mesh.js.txt" with { type: "text" }
import { textRoute } from "./texts.ts"

const FILES: Readonly<Record<string, string>> = {
  "client.js": clientScript,
  "client.js.map": clientMap,
  "client.d.ts": clientTypes,
  "mesh.js": meshScript,
  "mesh.js.map": meshMap,
  "mesh.d.ts": meshTypes,
}

/** By what a name ends with. The declarations are text for people and for editors. */
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  ".js": "text/javascript; charset=utf-8",
  ".map": "application/json",
  ".ts": "text/plain; charset=utf-8",
}

/** Finds the route of a path, undefined when it names no script. Under any folder, as behind a proxy with a prefix. */
export function scriptRoutes(): (pathname: string) => ((request: Request) => Response) | undefined {
  const routes = new Map(Object.entries(FILES).map(([name, text]) => [name, textRoute(text, headersOf(name))] as const))
  return (pathname) => routes.get(pathname.slice(pathname.lastIndexOf("/") + 1))
}

function headersOf(name: string): Record<string, string> {
  const types = name.endsWith(".js") ? { "x-typescript-types": `./${name.replace(/js$/, "d.ts")}` } : {}
  return {
    "content-type": CONTENT_TYPES[name.slice(name.lastIndexOf("."))] ?? "text/plain",
    // Any page may use it, from wherever it comes.
    "access-control-allow-origin": "*",
    "cross-origin-resource-policy": "cross-origin",
    ...types,
  }
}
