// Tells the server what is on the glass, so that it sends pictures no larger
// than they are shown and none that nobody sees.
import type { ClientWant, Handle, Source } from './wire'

export type Want = ClientWant['tiles'][number]

export interface Wants {
  /** Follows one tile until the returned function is called. */
  watch(element: Element, handle: Handle, source: Source): () => void
  pin(handle: Handle | null): void
  /** After a new link or a new PeerConnection: the server may have forgotten. */
  resend(): void
}

/** Scrolling and resizing come in bursts; ms. */
const settle = 200

interface Tile {
  readonly handle: Handle
  readonly source: Source
  visible: boolean
  height: number
}

/** What to send for these tiles; the page itself may be hidden. */
export function wantOf(
  tiles: readonly Readonly<Tile>[],
  pinned: Handle | null,
  hidden: boolean,
  ratio: number,
): Want[] {
  return tiles.slice(0, 64).map(({ handle, source, visible, height }) => ({
    handle,
    source,
    height: visible && !hidden ? Math.min(4320, Math.round(height * ratio)) : 0,
    ...(handle === pinned && { pinned: true }),
  }))
}

export function createWants(send: (want: ClientWant) => void, signal: AbortSignal): Wants {
  const tiles = new Map<Element, Tile>()
  let pinned: Handle | null = null
  let sent = ''
  let timer: ReturnType<typeof setTimeout> | undefined

  function flush(): void {
    const list = wantOf([...tiles.values()], pinned, document.hidden, devicePixelRatio)
    const text = JSON.stringify(list)
    if (text === sent) return
    sent = text
    send({ tiles: list })
  }

  function soon(): void {
    clearTimeout(timer)
    timer = setTimeout(flush, settle)
  }

  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      const tile = tiles.get(entry.target)
      if (tile) tile.visible = entry.isIntersecting
    }
    soon()
  })
  const sized = new ResizeObserver((entries) => {
    for (const entry of entries) {
      const tile = tiles.get(entry.target)
      if (tile) tile.height = entry.contentRect.height
    }
    soon()
  })
  document.addEventListener('visibilitychange', flush, { signal })
  signal.addEventListener('abort', () => {
    clearTimeout(timer)
    seen.disconnect()
    sized.disconnect()
  })

  return {
    watch(element, handle, source) {
      tiles.set(element, { handle, source, visible: false, height: 0 })
      seen.observe(element)
      sized.observe(element)
      return () => {
        tiles.delete(element)
        seen.unobserve(element)
        sized.unobserve(element)
        soon()
      }
    },
    pin(handle) {
      pinned = handle
      soon()
    },
    resend() {
      sent = ''
      soon()
    },
  }
}
