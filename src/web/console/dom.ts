// Small helpers around the document. Tables and lists are brought up to date in place, so that whoever is on a link with
// the keyboard stays there when the numbers change.

/** The element with this id; missing is a mistake in index.html. */
export function find<T extends Element = HTMLElement>(id: string): T {
  const element = document.getElementById(id)
  if (element === null) throw new Error(`index.html lacks #${id}`)
  return element as unknown as T
}

/** What stands in a cell: a text, or something that is made once and kept. */
export type Cell = string | (() => Node)

/** A line and what it is known by. */
export interface Row {
  readonly key: string
  readonly cells: readonly Cell[]
  readonly kind?: string
}

/** The names of columns. */
export function showHead(row: Element, columns: readonly string[]): void {
  row.replaceChildren(
    ...columns.map((column) => {
      const cell = document.createElement(column === "" ? "td" : "th")
      if (column !== "") cell.setAttribute("scope", "col")
      cell.textContent = column
      return cell
    }),
  )
}

/** Makes `parent` have exactly these rows, `tag` of `cellTag`s; those that were there are kept and changed. */
export function showRows(parent: Element, rows: readonly Row[], tag = "tr", cellTag = "td"): void {
  const known = new Map([...parent.children].map((child) => [child.getAttribute("data-key"), child]))
  for (const [at, { key, cells, kind = "" }] of rows.entries()) {
    const row = known.get(key) ?? document.createElement(tag)
    known.delete(key)
    row.setAttribute("data-key", key)
    row.className = kind
    for (const [column, cell] of cells.entries())
      showCell(row, column, cell, column === 0 && tag === "tr" ? "th" : cellTag)
    if (parent.children[at] !== row) parent.insertBefore(row, parent.children[at] ?? null)
  }
  for (const left of known.values()) left.remove()
}

function showCell(row: Element, column: number, cell: Cell, tag: string): void {
  let element = row.children[column]
  const isNew = element === undefined
  if (element === undefined) {
    element = row.appendChild(document.createElement(tag))
    if (tag === "th") element.setAttribute("scope", "row")
  }
  if (typeof cell === "function") {
    if (isNew) element.append(cell())
  } else if (element.textContent !== cell) element.textContent = cell
}

/** A link to a room. */
export function roomLink(room: string): () => Node {
  return () => {
    const link = document.createElement("a")
    link.href = `#room=${room}`
    link.textContent = room.slice(0, 10)
    return link
  }
}
