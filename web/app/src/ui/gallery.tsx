// Everybody in the room, as large as fits, or in a strip beside a screen.
import { useLayoutEffect, useRef } from 'preact/hooks'
import { fit } from '../layout'
import { presenter, together } from '../state'
import { useSession } from './context'
import { Stage, Tile } from './tile'

const gap = 8

export function Gallery() {
  const session = useSession()
  const state = session.state.value
  const people = together(state)
  const own = state.welcome?.handle
  const showing = presenter(state)
  const list = useFit(people.length, showing !== undefined)
  return (
    <div class={showing ? 'gallery gallery-staged' : 'gallery'}>
      {showing && <Stage key={showing.handle} person={showing} self={showing.handle === own} />}
      <ul ref={list} class="tiles" aria-label={`In the group: ${people.length}`}>
        {people.map((p) => (
          <Tile key={p.handle} person={p} self={p.handle === own} />
        ))}
      </ul>
    </div>
  )
}

// useFit keeps the size of a tile in two custom properties of the list; the
// style sheet does the rest. A strip beside a screen has its size from there.
function useFit(count: number, staged: boolean) {
  const list = useRef<HTMLUListElement>(null)
  useLayoutEffect(() => {
    const element = list.current
    if (!element) return
    const measure = () => {
      const { width, height, scrolls } = fit(count, element.clientWidth, element.clientHeight, gap)
      element.style.setProperty('--tile-width', `${width}px`)
      element.style.setProperty('--tile-height', `${height}px`)
      element.classList.toggle('tiles-scroll', scrolls)
      // What scrolls must be reachable with the keyboard.
      const hidden = element.scrollHeight > element.clientHeight || element.scrollWidth > element.clientWidth
      element.tabIndex = hidden ? 0 : -1
    }
    const observer = new ResizeObserver(measure)
    observer.observe(element)
    measure()
    return () => observer.disconnect()
  }, [count, staged])
  return list
}
