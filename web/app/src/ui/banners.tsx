// What everybody should know about the room just now, one line each.
import type { ComponentChildren } from 'preact'
import { report } from '../session'
import { isFacilitator, me } from '../state'
import { waited } from '../words'
import { useNow, useSession } from './context'
import { Icon, type IconName } from './icons'
import { Button } from './parts'

function Banner({
  icon,
  tone,
  children,
}: {
  icon: IconName
  tone?: 'warn' | 'calm'
  children: ComponentChildren
}) {
  return (
    <div class={`banner banner-${tone ?? 'calm'}`} role="status">
      <Icon name={icon} />
      <div class="banner-text">{children}</div>
    </div>
  )
}

export function LinkBanner() {
  const { state } = useSession()
  if (state.value.link !== 'lost') return null
  return (
    <Banner icon="link" tone="warn">
      The connection is interrupted. You keep your seat, and this page reconnects by itself.
    </Banner>
  )
}

export function Banners() {
  const session = useSession()
  const state = session.state.value
  const { room, local, welcome } = state
  const staff = isFacilitator(state)
  const own = me(state)
  return (
    <div class="banners">
      <LinkBanner />
      {state.link === 'open' && local.peer === 'lost' && (
        <Banner icon="link" tone="warn">
          Picture and sound are interrupted. They come back by themselves.
        </Banner>
      )}
      {room?.state === 'held' && (
        <Banner icon="pause">
          No facilitator is connected just now, so the group is paused: nobody hears or sees each other. It
          goes on by itself when a facilitator is back.
        </Banner>
      )}
      {room?.on_break && <BreakBanner since={room.break_since} />}
      {own?.help && (
        <Banner icon="help">
          The facilitators know that you asked for help. Only they can see it.{' '}
          <Button kind="quiet" onClick={() => session.askHelp(false).catch(report)}>
            I am all right now
          </Button>
        </Banner>
      )}
      {local.micInterrupted && local.mic === 'on' && (
        <Banner icon="micOff" tone="warn">
          Your microphone was interrupted, perhaps by a phone call.{' '}
          <Button kind="main" onClick={() => session.restoreMic().catch(report)}>
            Restore audio
          </Button>
        </Banner>
      )}
      {local.soundBlocked && (
        <Banner icon="sound" tone="warn">
          Your browser holds back the sound.{' '}
          <Button kind="main" onClick={() => session.soundBlocked(false)}>
            Turn the sound on
          </Button>
        </Banner>
      )}
      {welcome?.durable === false && (
        <Banner icon="info" tone="warn">
          This is a demonstration: nothing is kept, attendance included.
        </Banner>
      )}
      {staff && room?.storage === 'behind' && (
        <Banner icon="info" tone="warn">
          Attendance waits on this server’s disk until the database is back. Nothing is lost; go on as usual.
        </Banner>
      )}
    </div>
  )
}

function BreakBanner({ since }: { since: number | undefined }) {
  const now = useNow(10_000)
  return (
    <Banner icon="pause">
      Break{since === undefined ? '' : `, ${waited(now - since)}`}. Take your time; this time is not counted.
      You may switch your camera and microphone off.
    </Banner>
  )
}
