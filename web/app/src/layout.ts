// How large the tiles of a gallery can be, so that all are seen and none is
// stretched. Pure: sizes in, sizes out.

export interface Fit {
  readonly columns: number
  readonly width: number
  readonly height: number
  /** Not all fit at a size on which a face can be read: the gallery scrolls. */
  readonly scrolls: boolean
}

/** A face can still be read at this width; px. */
export const smallest = 104

const shapes = [16 / 9, 4 / 3, 1]

/** The largest tiles of one shape that fit count times into width by height. */
export function fit(count: number, width: number, height: number, gap: number): Fit {
  let best: Fit | null = null
  for (const shape of shapes) {
    for (let columns = 1; columns <= count; columns++) {
      const found = inColumns(count, columns, shape, width, height, gap)
      // A wider shape is preferred unless the other is clearly larger.
      if (!best || area(found) > area(best) * 1.08) best = found
    }
  }
  return best && best.width >= smallest ? best : scrolling(width, gap)
}

function inColumns(
  count: number,
  columns: number,
  shape: number,
  width: number,
  height: number,
  gap: number,
): Fit {
  const rows = Math.ceil(count / columns)
  const byWidth = (width - gap * (columns - 1)) / columns
  const byHeight = ((height - gap * (rows - 1)) / rows) * shape
  const tile = Math.max(0, Math.floor(Math.min(byWidth, byHeight)))
  return { columns, width: tile, height: Math.floor(tile / shape), scrolls: false }
}

function scrolling(width: number, gap: number): Fit {
  const columns = Math.max(1, Math.floor((width + gap) / (smallest + gap)))
  const tile = Math.max(0, Math.floor((width - gap * (columns - 1)) / columns))
  return { columns, width: tile, height: tile, scrolls: true }
}

function area(f: Fit): number {
  return f.width * f.height
}
