// The device test before anybody joins: a picture, a level, a sound. Both
// devices are off until the person switches them on, and may stay so.
import { useEffect, useMemo, useState } from 'preact/hooks'
import { meter, playTestSound } from '../meter'
import { localStream, report } from '../session'
import type { DeviceKind, DeviceState } from '../state'
import { useSession } from './context'
import { Icon } from './icons'
import { Avatar, Button, Page, Video } from './parts'

export function DevicesPage() {
  const session = useSession()
  const { local } = session.state.value
  const { greeting } = session
  return (
    <Page title={greeting.name ? `Hello, ${greeting.name}` : 'Before you join'} wide>
      <p class="lead">Check how you will be seen and heard. Nobody sees or hears you yet.</p>
      <div class="devices">
        <Preview />
        <div class="devices-form">
          <section class="card" aria-label="Microphone">
            <Toggle
              what="Microphone"
              icon={local.mic === 'on' ? 'mic' : 'micOff'}
              state={local.mic}
              onClick={() => session.setMic(local.mic !== 'on').catch(report)}
            />
            <Meter />
            <Picker kind="mic" label="Which microphone" />
          </section>
          <section class="card" aria-label="Camera">
            <Toggle
              what="Camera"
              icon={local.camera === 'on' ? 'camera' : 'cameraOff'}
              state={local.camera}
              onClick={() => session.setCamera(local.camera !== 'on').catch(report)}
            />
            <Picker kind="camera" label="Which camera" />
          </section>
          <section class="card" aria-label="Sound">
            <div class="row">
              <span class="row-what">
                <Icon name="sound" />
                Sound
              </span>
              <Button onClick={() => playTestSound(local.chosen.speaker).catch(report)}>
                Play a test sound
              </Button>
            </div>
            <Picker kind="speaker" label="Where you hear the group" />
            <p class="hint">Headphones keep what the others say private.</p>
          </section>
          <Button kind="main" onClick={session.join}>
            Continue
          </Button>
          {local.mic !== 'on' && local.camera !== 'on' && (
            <p class="hint">You can continue with both off and switch them on later.</p>
          )}
        </div>
      </div>
    </Page>
  )
}

/** The person's own picture, or their initials. */
export function Preview() {
  const session = useSession()
  const { stream, stop } = useMemo(() => localStream(session.devices.camera), [session])
  useEffect(() => stop, [stop])
  return (
    <div class="preview">
      {stream.value ? (
        <Video stream={stream.value} mirrored />
      ) : (
        <div class="preview-off">
          <Avatar name={session.greeting.name || 'You'} hue={0} />
          <p>Your camera is off. That is fine: you take part just the same.</p>
        </div>
      )}
    </div>
  )
}

const problems: { readonly [S in DeviceState]?: string } = {
  blocked:
    'The browser does not allow it. Look for the crossed-out sign in the address bar and choose “Allow”.',
  missing: 'None was found, or another program is using it.',
}

function Toggle(props: {
  what: string
  icon: 'mic' | 'micOff' | 'camera' | 'cameraOff'
  state: DeviceState
  onClick: () => void
}) {
  const { what, icon, state, onClick } = props
  const on = state === 'on'
  return (
    <>
      <div class="row">
        <span class="row-what">
          <Icon name={icon} />
          <span>
            {what}{' '}
            <span class={on ? 'state state-on' : 'state'}>
              {state === 'starting' ? 'starting' : on ? 'on' : 'off'}
            </span>
          </span>
        </span>
        <Button
          onClick={onClick}
          label={`${what}: turn ${on ? 'off' : 'on'}`}
          disabled={state === 'starting'}
        >
          {on ? 'Turn off' : 'Turn on'}
        </Button>
      </div>
      {problems[state] && (
        <p class="problem" role="alert">
          {problems[state]}
        </p>
      )}
    </>
  )
}

const heard = ['Nothing to hear yet. Say a few words.', 'We hear you softly.', 'We hear you well.']

/** A bar for the eye and a sentence for everybody; the sentence changes rarely. */
function Meter() {
  const session = useSession()
  const track = session.devices.mic.value
  const on = session.state.value.local.mic === 'on'
  const [level, setLevel] = useState(0)
  const [best, setBest] = useState(0)
  useEffect(() => {
    setLevel(0)
    setBest(0)
    if (!track || !on) return
    return meter(track, (now) => {
      setLevel(now)
      setBest((b) => Math.max(b, now > 0.55 ? 2 : now > 0.3 ? 1 : 0))
    })
  }, [track, on])
  if (!on) return null
  return (
    <div class="meter">
      <div class="meter-bar" aria-hidden="true">
        {Array.from({ length: 16 }, (_, i) => (
          <span key={i} class={level * 16 > i ? 'meter-lit' : ''} />
        ))}
      </div>
      <p class="hint" role="status">
        {heard[best]}
      </p>
    </div>
  )
}

export function Picker({ kind, label }: { kind: DeviceKind; label: string }) {
  const session = useSession()
  const { devices, chosen } = session.state.value.local
  const list = devices[kind]
  if (list.length < 2) return null
  return (
    <label class="field">
      <span>{label}</span>
      <select
        value={chosen[kind] || list[0]?.id}
        onChange={(e) => session.choose(kind, e.currentTarget.value).catch(report)}
      >
        {list.map((d) => (
          <option key={d.id} value={d.id}>
            {d.label}
          </option>
        ))}
      </select>
    </label>
  )
}
