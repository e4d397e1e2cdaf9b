// One person in the gallery. Everything a colour or a picture says is also
// said in words.
import { useEffect, useMemo, useRef } from 'preact/hooks'
import { localStream, streamOf } from '../session'
import { slotOf } from '../state'
import type { ServerPerson } from '../wire'
import { roleText } from '../words'
import { useSession } from './context'
import { Icon } from './icons'
import { Avatar, Video } from './parts'

export function Tile({ person, self }: { person: ServerPerson; self: boolean }) {
  const session = useSession()
  const element = useRef<HTMLLIElement>(null)
  const { handle } = person
  useEffect(() => {
    if (!element.current || self) return
    return session.wants.watch(element.current, handle, 'camera')
  }, [session, handle, self])

  const state = session.state.value
  const speaking = state.voices.has(handle) && person.mic
  const away = person.state === 'reconnecting'
  const held = state.slots.length > 0 && !self ? slotOf(state, handle, 'camera') : undefined
  const role = roleText(person.role)
  const classes = ['tile', speaking && 'tile-speaking', away && 'tile-away'].filter(Boolean).join(' ')
  return (
    <li ref={element} class={classes}>
      <Picture person={person} self={self} />
      <div class="tile-badges">
        {person.hand && <Badge icon="hand" text="Hand" />}
        {person.help && !self && <Badge icon="help" text="Help" urgent />}
        {speaking && <Badge icon="wave" text="Speaking" quiet />}
      </div>
      {away && <p class="tile-note">Reconnecting</p>}
      {person.state === 'admitted' && <p class="tile-note">Joining</p>}
      {!away && person.camera && held?.paused && held.why === 'bandwidth' && (
        <p class="tile-note">Picture paused: weak connection</p>
      )}
      <p class="tile-name">
        <span class={person.mic ? 'tile-mic' : 'tile-mic tile-muted'}>
          <Icon name={person.mic ? 'mic' : 'micOff'} />
          <span class="sr">{person.mic ? 'microphone on,' : 'muted,'}</span>
        </span>
        <span class="tile-who">
          <span class="tile-text">{person.name}</span>
          {self && ' (you)'}
        </span>
        {role && <span class="tile-role">{role}</span>}
      </p>
    </li>
  )
}

function Badge({
  icon,
  text,
  urgent,
  quiet,
}: {
  icon: 'hand' | 'help' | 'wave'
  text: string
  urgent?: boolean
  quiet?: boolean
}) {
  return (
    <span class={urgent ? 'badge badge-urgent' : quiet ? 'badge badge-quiet' : 'badge'}>
      <Icon name={icon} />
      <span class="badge-text">{text}</span>
    </span>
  )
}

function Picture({ person, self }: { person: ServerPerson; self: boolean }) {
  const session = useSession()
  const { stream, stop } = useMemo(() => localStream(session.devices.camera), [session])
  useEffect(() => stop, [stop])
  const shown = self ? stream.value : person.camera ? streamOf(session, person, 'camera') : null
  return shown ? (
    <Video stream={shown} mirrored={self} />
  ) : (
    <Avatar name={person.name} hue={Number(person.handle.slice(1))} />
  )
}

/** The screen somebody shows, large. */
export function Stage({ person, self }: { person: ServerPerson; self: boolean }) {
  const session = useSession()
  const element = useRef<HTMLElement>(null)
  const { handle } = person
  useEffect(() => {
    if (!element.current || self) return
    return session.wants.watch(element.current, handle, 'screen')
  }, [session, handle, self])
  const { stream: own, stop } = useMemo(() => localStream(session.devices.screen), [session])
  useEffect(() => stop, [stop])
  const shown = self ? own.value : streamOf(session, person, 'screen')
  return (
    <figure ref={element} class="stage">
      {shown ? <Video stream={shown} fit="contain" /> : <p class="tile-note">The screen is on its way …</p>}
      <figcaption>{self ? 'You share your screen' : `${person.name} shares a screen`}</figcaption>
    </figure>
  )
}
