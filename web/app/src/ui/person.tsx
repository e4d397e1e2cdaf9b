// One person in the facilitator's list, with what a facilitator can do. All
// of it takes away or gives back; none of it switches anything on.
import { useState } from 'preact/hooks'
import type { ClientModerate, ServerPerson } from '../wire'
import { roleText } from '../words'
import { Icon } from './icons'
import { Answers } from './panel'
import { Avatar, Button, Dialog } from './parts'

type Act = (d: ClientModerate) => void

const main = 'main'
const breakouts = [1, 2, 3, 4]

export function PersonRow({ person, self, act }: { person: ServerPerson; self: boolean; act: Act }) {
  const [open, setOpen] = useState(false)
  const id = `acts-${person.handle}`
  return (
    <li class="person">
      <div class="person-head">
        <Avatar name={person.name} hue={Number(person.handle.slice(1))} />
        <div class="grow">
          <p class="person-name">
            {person.name}
            {self && ' (you)'}
          </p>
          <p class="person-state">{stateOf(person)}</p>
        </div>
        {!self && (
          <button
            type="button"
            class="icon-button"
            aria-expanded={open}
            aria-controls={id}
            aria-label={`What you can do for ${person.name}`}
            onClick={() => setOpen(!open)}
          >
            <Icon name="chevron" />
          </button>
        )}
      </div>
      {open && !self && (
        <div class="person-acts" id={id}>
          <PersonActs person={person} act={act} />
        </div>
      )}
    </li>
  )
}

function stateOf(p: ServerPerson): string {
  const words = [
    roleText(p.role),
    p.state === 'reconnecting' && 'reconnecting',
    p.state === 'admitted' && 'joining',
    p.muted ? 'held muted' : p.mic ? 'microphone on' : 'muted',
    !p.camera && 'camera off',
    p.room?.startsWith('breakout-') && `in breakout ${p.room.slice('breakout-'.length)}`,
  ]
  return words.filter(Boolean).join(' · ')
}

function PersonActs({ person, act }: { person: ServerPerson; act: Act }) {
  const target = person.handle
  const patient = person.role !== 'facilitator'
  const [removing, setRemoving] = useState(false)
  return (
    <>
      {patient && <Answers person={person} />}
      <div class="acts">
        {person.mic && <Button onClick={() => act({ action: 'mute', target })}>Mute</Button>}
        {patient && !person.muted && (
          <Button onClick={() => act({ action: 'mute', target, hold: true })}>Mute and hold</Button>
        )}
        {person.muted && (
          <Button onClick={() => act({ action: 'allow_unmute', target })}>Allow unmute</Button>
        )}
        {person.camera && <Button onClick={() => act({ action: 'stop_camera', target })}>Stop camera</Button>}
        {person.hand && <Button onClick={() => act({ action: 'lower_hand', target })}>Lower hand</Button>}
        {patient && <Button onClick={() => act({ action: 'send_back', target })}>Send to lobby</Button>}
        {patient && (
          <Button kind="danger" onClick={() => setRemoving(true)}>
            Remove …
          </Button>
        )}
      </div>
      <label class="field field-row">
        <span>Room</span>
        <select
          value={person.room || main}
          onChange={(e) => act({ action: 'move', target, room: e.currentTarget.value })}
        >
          <option value={main}>Group</option>
          {breakouts.map((n) => (
            <option key={n} value={`breakout-${n}`}>
              Breakout {n}
            </option>
          ))}
        </select>
      </label>
      {removing && (
        <Dialog title={`Remove ${person.name} from this session?`} onClose={() => setRemoving(false)}>
          <p>
            They leave at once and cannot come back to this session. They are asked to call the program. To
            talk in private first, move them to a breakout or send them to the lobby.
          </p>
          <div class="buttons buttons-end">
            <Button onClick={() => setRemoving(false)}>Cancel</Button>
            <Button kind="danger" onClick={() => act({ action: 'remove', target })}>
              Remove
            </Button>
          </div>
        </Dialog>
      )}
    </>
  )
}
