// Writes docs/asyncapi.yaml: `bun scripts/asyncapi/write.ts`.
import { join } from "node:path"
import { writeDocument } from "./document.ts"

await Bun.write(join(import.meta.dir, "../../docs/asyncapi.yaml"), writeDocument())
