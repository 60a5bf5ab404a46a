// Lua files come in as text (`import x from "./x.lua" with { type: "text" }`), so the one executable carries them.
declare module "*.lua" {
  const text: string
  export default text
}
