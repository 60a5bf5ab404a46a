// What `palava-machine plugin-types` prints: contract.ts as a declaration file, so that an editor knows the module
// "palava-machine", which exists on no disk.

// @ts-expect-error: TypeScript sees a module here, Bun gives its text
import contract from "./contract.ts" with { type: "text" }

/** The declaration file for authors of plug-ins. */
export const PLUGIN_TYPES = `// Types of the module "palava-machine": save as palava-machine.d.ts beside your plug-in.
// With valibot installed beside it, \`v\` is typed too.

declare module "palava-machine" {
${(contract as string)
  .replaceAll("export declare ", "export ")
  .trim()
  .replaceAll(/^(?=.)/gm, "  ")}
}
`
