// The group itself: who is here, what everybody should know, and the controls.
import { useEffect, useRef, useState } from 'preact/hooks'
import { isFacilitator, lobby, me, together } from '../state'
import { Banners } from './banners'
import { useSession } from './context'
import { Controls } from './controls'
import { Gallery } from './gallery'
import { Icon } from './icons'
import { PanelPage } from './panel'
import { CrisisLinks, NoRecording } from './parts'
import { WeekBar } from './week'

export function RoomPage() {
  const session = useSession()
  const state = session.state.value
  const staff = isFacilitator(state)
  const [open, setOpen] = useState(matchMedia('(min-width: 900px)').matches)
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => heading.current?.focus(), [])
  const own = me(state)
  const week = staff ? undefined : state.report?.week
  return (
    <div class={staff && open ? 'room room-open' : 'room'}>
      <header class="room-head">
        <h1 ref={heading} tabIndex={-1}>
          {own?.room?.startsWith('breakout-') ? `Breakout ${own.room.slice('breakout-'.length)}` : 'Group'}
          <span class="room-count">
            <Icon name="people" />
            {together(state).length}
            <span class="sr"> people here</span>
          </span>
        </h1>
        <NoRecording />
        <div class="room-facts">
          {state.room?.locked && (
            <span class="fact">
              <Icon name="lock" />
              Locked
            </span>
          )}
          {week && <WeekBar week={week} />}
        </div>
        <CrisisLinks />
      </header>
      <main class="room-body">
        <div class="room-main">
          <Banners />
          <Gallery />
        </div>
        {staff && open && <PanelPage onClose={() => setOpen(false)} />}
      </main>
      <Controls
        panel={
          staff
            ? { open, toggle: () => setOpen(!open), waiting: lobby(state).length, calls: calls(state) }
            : null
        }
      />
    </div>
  )
}

/** Hands and requests for help that wait for a facilitator. */
function calls(state: Parameters<typeof lobby>[0]): number {
  return [...state.people.values()].filter((p) => p.hand || p.help).length
}
