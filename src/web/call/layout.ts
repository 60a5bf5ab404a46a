// Where the tiles go: the grid that makes them largest.

export interface Box {
  left: number
  top: number
  width: number
  height: number
}

/** 12 px between tiles, 6 on a phone: enough to see them as separate, little enough to leave the room to faces. */
const GAP = { wide: 12, narrow: 6 }
const NARROW = 600
/** Widest and narrowest shape of a tile: 16:9 is what cameras give; below it the sides are cropped, down to these. */
const WIDEST = 16 / 9
const NARROWEST = { landscape: 4 / 3, portrait: 3 / 4 }

/** Boxes for `count` tiles in an area; the last row is centred. Tries every number of columns and keeps the best. */
export function arrange(count: number, width: number, height: number): Box[] {
  if (count === 0 || width <= 0 || height <= 0) return []
  const gap = width < NARROW ? GAP.narrow : GAP.wide
  const narrowest = width >= height ? NARROWEST.landscape : NARROWEST.portrait
  let best = { columns: 1, width: 0, height: 0 }
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns)
    const cellWidth = (width - gap * (columns - 1)) / columns
    const cellHeight = (height - gap * (rows - 1)) / rows
    if (cellWidth <= 0 || cellHeight <= 0) continue
    const shape = Math.min(WIDEST, Math.max(narrowest, cellWidth / cellHeight))
    const tileWidth = Math.min(cellWidth, cellHeight * shape)
    const tile = { columns, width: tileWidth, height: tileWidth / shape }
    if (tile.width * tile.height > best.width * best.height) best = tile
  }
  return boxes(count, best, gap, width, height)
}

/** The strip beside a large tile: a quarter of the stage, as much as four faces need to be known by. */
const STRIP = 0.24

/** The first of `count` tiles large, the others in a strip beside it, or below on an upright stage. */
export function arrangeAround(count: number, width: number, height: number): Box[] {
  if (count < 2 || width <= 0 || height <= 0) return arrange(count, width, height)
  const gap = width < NARROW ? GAP.narrow : GAP.wide
  const isBeside = width >= height
  const large = {
    left: 0,
    top: 0,
    width: isBeside ? Math.floor(width * (1 - STRIP) - gap) : width,
    height: isBeside ? height : Math.floor(height * (1 - STRIP) - gap),
  }
  const left = isBeside ? large.width + gap : 0
  const top = isBeside ? 0 : large.height + gap
  const others = arrange(count - 1, width - left, height - top)
  return [large, ...others.map((box) => ({ ...box, left: box.left + left, top: box.top + top }))]
}

function boxes(
  count: number,
  tile: { columns: number; width: number; height: number },
  gap: number,
  width: number,
  height: number,
): Box[] {
  const rows = Math.ceil(count / tile.columns)
  const top = (height - rows * tile.height - (rows - 1) * gap) / 2
  return Array.from({ length: count }, (_, index) => {
    const row = Math.floor(index / tile.columns)
    const inRow = row === rows - 1 ? count - row * tile.columns : tile.columns
    const left = (width - inRow * tile.width - (inRow - 1) * gap) / 2
    return {
      left: Math.round(left + (index % tile.columns) * (tile.width + gap)),
      top: Math.round(top + row * (tile.height + gap)),
      width: Math.floor(tile.width),
      height: Math.floor(tile.height),
    }
  })
}
