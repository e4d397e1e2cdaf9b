import { describe, expect, it } from 'vitest'
import { type Event, initial, lobby, reduce, type State, together, viewOf } from './state'
import type { Role, ServerFrame, ServerPerson, ServerRoom } from './wire'

const room: ServerRoom = {
  rev: 1,
  state: 'live',
  locked: false,
  on_break: false,
  start: 0,
  end: 1,
  storage: 'ok',
}

function person(handle: string, more: Partial<ServerPerson> = {}): ServerPerson {
  return {
    rev: 1,
    handle,
    name: `Name ${handle}`,
    role: 'patient',
    state: 'active',
    room: 'main',
    mic: false,
    camera: false,
    screen: false,
    muted: false,
    hand: false,
    ...more,
  }
}

const frame = (f: ServerFrame, at = 1000): Event => ({ type: 'frame', frame: f, at })

function run(events: Event[], from = initial): State {
  return events.reduce(reduce, from)
}

function seated(role: Role, people: ServerPerson[], checkIn = false): State {
  return run([
    { type: 'step', step: 'joining' },
    frame({
      t: 'welcome',
      d: {
        version: 1,
        session: 's1',
        handle: 'm1',
        role,
        name: 'Name m1',
        resume_token: 'r',
        resume_window_ms: 1,
        slots: { audio: 1, video: 1 },
        server_time: 6000,
        durable: true,
        check_in: checkIn,
      },
    }),
    frame({ t: 'snapshot', d: { room, you: 'm1', people, slots: [] } }),
  ])
}

const texts = (s: State) => s.notices.map((n) => n.text)

describe('the page that is shown', () => {
  const waiting = [person('m1', { state: 'waiting' })]
  it.each([
    ['no link, no session', initial, 'no_invite'],
    ['the questions come before the lobby', seated('patient', waiting, true), 'check_in'],
    [
      'answered questions lead to the lobby',
      reduce(seated('patient', waiting, true), { type: 'checked_in' }),
      'lobby',
    ],
    ['let in is in the room', seated('patient', [person('m1', { state: 'admitted' })], true), 'room'],
    [
      'a reconnecting person stays in the room',
      seated('patient', [person('m1', { state: 'reconnecting' })]),
      'room',
    ],
    [
      'the end is over for patients',
      reduce(seated('patient', [person('m1')]), frame({ t: 'room', d: { ...room, rev: 2, state: 'ended' } })),
      'over',
    ],
    [
      'the end is the closing page for facilitators',
      reduce(
        seated('facilitator', [person('m1')]),
        frame({ t: 'room', d: { ...room, rev: 2, state: 'ended' } }),
      ),
      'closing',
    ],
    [
      'the closing page stays when the line is closed after it',
      run(
        [
          frame({ t: 'room', d: { ...room, rev: 2, state: 'ended' } }),
          { type: 'ending', ending: { code: 'room_ended', message: '', retryAt: null } },
        ],
        seated('facilitator', [person('m1')]),
      ),
      'closing',
    ],
    [
      'removed is over',
      reduce(seated('patient', [person('m1')]), {
        type: 'ending',
        ending: { code: 'removed', message: '', retryAt: null },
      }),
      'over',
    ],
  ])('%s', (_, state, want) => {
    expect(viewOf(state)).toBe(want)
  })
})

describe('people', () => {
  it('are shown oneself first, then in the order they came', () => {
    const s = seated('patient', [person('m10'), person('m2'), person('m1')])
    expect(together(s).map((p) => p.handle)).toEqual(['m1', 'm2', 'm10'])
  })

  it('in another breakout are not shown', () => {
    const s = seated('patient', [person('m1'), person('m2', { room: 'breakout-1' })])
    expect(together(s).map((p) => p.handle)).toEqual(['m1'])
  })

  it('an older revision changes nothing', () => {
    const s = seated('patient', [person('m1'), person('m2', { rev: 5, hand: true })])
    const next = reduce(s, frame({ t: 'person', d: person('m2', { rev: 4, hand: false }) }))
    expect(next.people.get('m2')?.hand).toBe(true)
  })

  it('who are gone are forgotten, and a snapshot replaces everybody', () => {
    let s = seated('patient', [person('m1'), person('m2'), person('m3')])
    s = reduce(s, frame({ t: 'person', d: person('m2', { rev: 2, state: 'gone' }) }))
    expect([...s.people.keys()]).toEqual(['m1', 'm3'])
    s = reduce(s, frame({ t: 'snapshot', d: { room, you: 'm1', people: [person('m1')], slots: [] } }))
    expect([...s.people.keys()]).toEqual(['m1'])
  })

  it('who wait longest come first in the lobby', () => {
    const s = seated('facilitator', [
      person('m1'),
      person('m2', { state: 'waiting', waiting_since: 20 }),
      person('m3', { state: 'waiting', waiting_since: 10 }),
    ])
    expect(lobby(s).map((p) => p.handle)).toEqual(['m3', 'm2'])
  })
})

describe('what is said aloud', () => {
  const here = seated('facilitator', [person('m1'), person('m2')])
  it.each<[string, ServerPerson, string[]]>([
    [
      'somebody comes to the lobby',
      person('m3', { state: 'waiting', rev: 2 }),
      ['Name m3 is waiting in the lobby.'],
    ],
    ['somebody joins', person('m3', { rev: 2 }), ['Name m3 joined.']],
    ['somebody leaves', person('m2', { rev: 2, state: 'gone' }), ['Name m2 left.']],
    [
      'somebody is lost for a moment',
      person('m2', { rev: 2, state: 'reconnecting' }),
      ['Name m2 is reconnecting.'],
    ],
    ['a hand', person('m2', { rev: 2, hand: true }), ['Name m2 raised a hand.']],
    ['a microphone is not worth a sentence', person('m2', { rev: 2, mic: true }), []],
  ])('%s', (_, p, want) => {
    expect(texts(reduce(here, frame({ t: 'person', d: p })))).toEqual(want)
  })

  it('a request for help is urgent', () => {
    const s = reduce(here, frame({ t: 'person', d: person('m2', { rev: 2, help: true }) }))
    expect(s.notices).toMatchObject([{ text: 'Name m2 asks for help, privately.', tone: 'urgent' }])
  })

  it('a snapshot is silent: nobody wants twelve names read out', () => {
    expect(texts(here)).toEqual([])
  })
})

describe('voices', () => {
  const speaks = (at: number, ...handles: string[]) =>
    frame({ t: 'speakers', d: { levels: handles.map((handle) => ({ handle, level: 100 })) } }, at)
  const here = seated('patient', [person('m1'), person('m2'), person('m3')])

  it('are shown from when they begin until they have ended', () => {
    const s = reduce(here, speaks(1000, 'm2', 'm3'))
    expect([...s.voices.keys()]).toEqual(['m2', 'm3'])
    expect([...reduce(s, speaks(1200, 'm3')).voices.keys()]).toEqual(['m3'])
    expect(reduce(s, speaks(1200)).voices.size).toBe(0)
  })

  it('are shown no longer when the server is silent', () => {
    const s = reduce(here, speaks(1000, 'm2'))
    expect(reduce(s, { type: 'tick', at: 3400 }).voices.has('m2')).toBe(true)
    expect(reduce(s, { type: 'tick', at: 3600 }).voices.has('m2')).toBe(false)
  })

  it('a tick without a change is the same state, so nothing is drawn', () => {
    expect(reduce(here, { type: 'tick', at: 5000 })).toBe(here)
  })
})

it('the clock of the server is known from the welcome', () => {
  expect(seated('patient', []).clockOffset).toBe(5000)
})
