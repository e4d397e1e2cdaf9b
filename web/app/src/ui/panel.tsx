// The facilitator's side panel: who asks for something, who waits, who is
// here, and what can be done about the room. On a phone it covers the gallery.
import { useEffect, useRef, useState } from 'preact/hooks'
import { report } from '../session'
import { isIn, lobby } from '../state'
import type { ClientModerate, ServerPerson } from '../wire'
import { waited } from '../words'
import { useNow, useSession } from './context'
import { Icon } from './icons'
import { Button, Dialog } from './parts'
import { PersonRow } from './person'

export function PanelPage({ onClose }: { onClose: () => void }) {
  const session = useSession()
  const panel = useRef<HTMLElement>(null)
  const state = session.state.value
  const people = [...state.people.values()]
  const helps = people.filter((p) => p.help && p.handle !== state.welcome?.handle)
  const hands = people.filter((p) => p.hand).sort((a, b) => (a.hand_since ?? 0) - (b.hand_since ?? 0))
  const here = people.filter(isIn).sort((a, b) => a.name.localeCompare(b.name))
  const act = (d: ClientModerate) => void session.moderate(d).catch(report)

  // On a phone the panel takes the place of the group, so the focus goes with it.
  useEffect(() => {
    if (matchMedia('(max-width: 899px)').matches) panel.current?.querySelector('button')?.focus()
  }, [])
  useEffect(() => {
    const closes = (e: KeyboardEvent) => {
      if (e.key === 'Escape' && matchMedia('(max-width: 899px)').matches) onClose()
    }
    const element = panel.current
    element?.addEventListener('keydown', closes)
    return () => element?.removeEventListener('keydown', closes)
  }, [onClose])

  return (
    <section ref={panel} class="panel" aria-label="People and room">
      <div class="panel-head">
        <h2>People</h2>
        <button type="button" class="icon-button" aria-label="Close the panel" onClick={onClose}>
          <Icon name="close" />
        </button>
      </div>
      <div class="panel-body">
        {helps.map((p) => (
          <section key={p.handle} class="call call-urgent" aria-label={`${p.name} asks for help`}>
            <p>
              <Icon name="help" />
              <span>
                <b>{p.name}</b> asks for help, privately
              </span>
            </p>
            <Button
              onClick={() => act({ action: 'answer_help', target: p.handle })}
              label={`Answered: ${p.name}`}
            >
              Answered
            </Button>
          </section>
        ))}
        {hands.length > 0 && (
          <section class="group">
            <h3>Hands raised</h3>
            <ol class="hands">
              {hands.map((p) => (
                <li key={p.handle}>
                  <Icon name="hand" />
                  <span class="grow">{p.name}</span>
                  <Button
                    kind="quiet"
                    onClick={() => act({ action: 'lower_hand', target: p.handle })}
                    label={`Lower the hand of ${p.name}`}
                  >
                    Lower
                  </Button>
                </li>
              ))}
            </ol>
          </section>
        )}
        <Lobby waiting={lobby(state)} act={act} />
        <section class="group">
          <h3>In the group ({here.length})</h3>
          <ul class="people">
            {here.map((p) => (
              <PersonRow key={p.handle} person={p} self={p.handle === state.welcome?.handle} act={act} />
            ))}
          </ul>
        </section>
        <RoomActs act={act} />
      </div>
    </section>
  )
}

type Act = (d: ClientModerate) => void

function Lobby({ waiting, act }: { waiting: ServerPerson[]; act: Act }) {
  return (
    <section class="group">
      <div class="group-head">
        <h3>Lobby ({waiting.length})</h3>
        {waiting.length > 1 && (
          <Button kind="main" onClick={() => act({ action: 'admit_all' })}>
            Admit all
          </Button>
        )}
      </div>
      {waiting.length === 0 && <p class="hint">Nobody is waiting.</p>}
      <ul class="people">
        {waiting.map((p) => (
          <Waiting key={p.handle} person={p} act={act} />
        ))}
      </ul>
    </section>
  )
}

/** Somebody who waits longer than this should be noticed; ms. */
const long = 120_000

function Waiting({ person, act }: { person: ServerPerson; act: Act }) {
  const now = useNow(10_000)
  const since = person.waiting_since
  const time = since === undefined ? 0 : now - since
  const [denying, setDenying] = useState(false)
  const target = person.handle
  return (
    <li class="waiting">
      <div class="waiting-head">
        <b>{person.name}</b>
        <span class={time > long ? 'wait wait-long' : 'wait'}>
          {time > long ? 'waiting ' : ''}
          {waited(time)}
        </span>
      </div>
      <Answers person={person} />
      <div class="buttons">
        <Button kind="main" onClick={() => act({ action: 'admit', target })} label={`Admit ${person.name}`}>
          Admit
        </Button>
        <Button onClick={() => setDenying(true)} label={`Deny ${person.name}`}>
          Deny
        </Button>
      </div>
      {denying && (
        <Dialog title={`Not let ${person.name} in?`} onClose={() => setDenying(false)}>
          <p>They are told kindly to call the program. They may knock again.</p>
          <div class="buttons buttons-end">
            <Button onClick={() => setDenying(false)}>Cancel</Button>
            <Button kind="danger" onClick={() => act({ action: 'deny', target })}>
              Deny
            </Button>
          </div>
        </Dialog>
      )}
    </li>
  )
}

/** The answers of the check-in, the ones that need attention first and marked in words. */
export function Answers({ person }: { person: ServerPerson }) {
  const { check_in: given } = person
  if (!given) return <p class="hint">The check-in is not answered yet.</p>
  const facts = [
    { good: given.private, text: given.private ? 'Private place' : 'Not in a private place' },
    { good: !given.others_present, text: given.others_present ? 'Somebody is with them' : 'Alone' },
    { good: given.headphones, text: given.headphones ? 'Headphones' : 'No headphones' },
  ]
  return (
    <div class="answers">
      <ul class="facts">
        {facts.map((f) => (
          <li key={f.text} class={f.good ? 'fact-good' : 'fact-mind'}>
            <Icon name={f.good ? 'check' : 'info'} />
            {f.text}
          </li>
        ))}
      </ul>
      {given.location && <p class="where">At: {given.location}</p>}
      {given.call_back && (
        <p class="where">
          Call back: <a href={`tel:${given.call_back.replace(/[^+0-9]/g, '')}`}>{given.call_back}</a>
        </p>
      )}
    </div>
  )
}

function RoomActs({ act }: { act: Act }) {
  const { state } = useSession()
  const { room } = state.value
  const [ending, setEnding] = useState(false)
  if (!room) return null
  return (
    <section class="group">
      <h3>Room</h3>
      <div class="acts">
        <Button icon="lock" onClick={() => act({ action: room.locked ? 'unlock' : 'lock' })}>
          {room.locked ? 'Unlock the room' : 'Lock the room'}
        </Button>
        <Button icon="pause" onClick={() => act({ action: room.on_break ? 'break_end' : 'break_start' })}>
          {room.on_break ? 'End the break' : 'Start a break'}
        </Button>
        <Button icon="micOff" onClick={() => act({ action: 'mute_all' })}>
          Mute all
        </Button>
        <Button icon="micOff" onClick={() => act({ action: 'mute_all', hold: true })}>
          Mute all and hold
        </Button>
        <Button kind="danger" icon="stop" onClick={() => setEnding(true)}>
          End for all
        </Button>
      </div>
      {ending && (
        <Dialog title="End the group for everybody?" onClose={() => setEnding(false)}>
          <p>
            Everybody leaves, and the attendance of this session is settled. You will see each person’s
            minutes. A session that was ended cannot be opened again.
          </p>
          <div class="buttons buttons-end">
            <Button onClick={() => setEnding(false)}>Go on</Button>
            <Button
              kind="danger"
              onClick={() => {
                act({ action: 'end' })
                setEnding(false)
              }}
            >
              End for all
            </Button>
          </div>
        </Dialog>
      )}
    </section>
  )
}
