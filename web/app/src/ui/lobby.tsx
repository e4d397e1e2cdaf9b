// The lobby: what happens now, what happens next, and help meanwhile.
import { useState } from 'preact/hooks'
import { report } from '../session'
import { me } from '../state'
import type { ServerRoom } from '../wire'
import { clock, waited } from '../words'
import { LinkBanner } from './banners'
import { useNow, useSession } from './context'
import { Preview } from './devices'
import { Button, CrisisLinks, Page } from './parts'

export function LobbyPage() {
  const session = useSession()
  const { room, local } = session.state.value
  const own = me(session.state.value)
  const now = useNow(10_000)
  const [asked, setAsked] = useState(false)
  return (
    <Page title="You are in the lobby" wide>
      <LinkBanner />
      <div class="lobby">
        <div>
          <div class="lobby-now">
            <div class="breathing" aria-hidden="true" />
            <p class="lead" role="status">
              {room ? lobbyText(room, now) : 'You will be let in soon.'}
            </p>
          </div>
          {own?.waiting_since !== undefined && (
            <p class="hint">
              You have been here since {clock(own.waiting_since)} ({waited(now - own.waiting_since)}).
            </p>
          )}
          <section class="card">
            <h2>What happens next</h2>
            <ul class="plain">
              <li>The facilitators can see that you are here. Nobody sees or hears you yet.</li>
              <li>They let you in, one by one or all together. This page changes by itself.</li>
              <li>Inside you decide whether your camera and microphone are on.</li>
            </ul>
          </section>
          <section class="card crisis-card">
            <h2>If you need help now</h2>
            <p>You do not have to wait for the group. Both lines are open day and night.</p>
            <CrisisLinks long />
          </section>
        </div>
        <div class="lobby-side">
          <Preview />
          <div class="buttons">
            <Button
              icon={local.mic === 'on' ? 'mic' : 'micOff'}
              label={local.mic === 'on' ? 'Turn the microphone off' : 'Turn the microphone on'}
              onClick={() => session.setMic(local.mic !== 'on').catch(report)}
            >
              Microphone {local.mic === 'on' ? 'on' : 'off'}
            </Button>
            <Button
              icon={local.camera === 'on' ? 'camera' : 'cameraOff'}
              label={local.camera === 'on' ? 'Turn the camera off' : 'Turn the camera on'}
              onClick={() => session.setCamera(local.camera !== 'on').catch(report)}
            >
              Camera {local.camera === 'on' ? 'on' : 'off'}
            </Button>
          </div>
          {asked ? (
            <div class="buttons">
              <Button onClick={() => setAsked(false)}>Stay</Button>
              <Button kind="danger" icon="leave" onClick={() => session.leave().catch(report)}>
                Leave the lobby
              </Button>
            </div>
          ) : (
            <Button kind="quiet" icon="leave" onClick={() => setAsked(true)}>
              Leave
            </Button>
          )}
        </div>
      </div>
    </Page>
  )
}

/** What the waiting person is told about the room. */
export function lobbyText(room: ServerRoom, now: number): string {
  if (room.state === 'held')
    return 'The group is paused until a facilitator is back. You are in the right place.'
  if (room.on_break) return 'The group is on a break. You will be let in when it goes on.'
  if (room.state !== 'live')
    return now < room.start
      ? `The group begins at ${clock(room.start)}. You are in the right place.`
      : 'The group has not begun yet. The facilitators will be here soon.'
  if (room.locked) return 'The room is closed for the moment. The facilitators know that you are here.'
  return 'The group has begun. A facilitator will let you in soon.'
}
