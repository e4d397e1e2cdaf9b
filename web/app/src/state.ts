// Everything the page knows, as one plain object, and the pure function that
// takes it from one event to the next. No clock, no network, no DOM: times
// come in with the events, effects live in session.ts, link.ts and media.ts.
import { noticesOfPerson, noticesOfRoom } from './notices'
import type {
  Handle,
  ServerFrame,
  ServerMinutesReport,
  ServerPerson,
  ServerRoom,
  ServerWelcome,
  Slot,
} from './wire'

/** How far this person has come on the way in. */
export type Step = 'no_invite' | 'devices' | 'joining' | 'seated'

/** The line to the server. `lost` is tried again without being asked. */
export type LinkState = 'idle' | 'connecting' | 'open' | 'lost'

/** The person's own device: `blocked` by the browser's settings, `missing` when there is none. */
export type DeviceState = 'off' | 'starting' | 'on' | 'blocked' | 'missing'

export type PeerState = 'none' | 'connecting' | 'connected' | 'lost'

export interface Device {
  readonly id: string
  readonly label: string
}

export type DeviceKind = 'mic' | 'camera' | 'speaker'

export interface Local {
  readonly mic: DeviceState
  readonly camera: DeviceState
  readonly screen: boolean
  readonly peer: PeerState
  /** iOS and others take the microphone away for a phone call and do not give it back. */
  readonly micInterrupted: boolean
  /** The browser wants a tap before it plays sound. */
  readonly soundBlocked: boolean
  readonly devices: { readonly [K in DeviceKind]: readonly Device[] }
  readonly chosen: { readonly [K in DeviceKind]: string }
}

/** Why this page is no longer in the session. */
export interface Ending {
  readonly code: string
  readonly message: string
  /** When the page tries again by itself (browser clock, ms); null: not at all. */
  readonly retryAt: number | null
}

export interface Notice {
  readonly id: number
  readonly text: string
  /** `calm` is read out when there is a pause, `urgent` at once. */
  readonly tone: 'calm' | 'urgent'
}

export interface State {
  readonly step: Step
  readonly link: LinkState
  readonly welcome: ServerWelcome | null
  /** Server clock minus browser clock, ms. */
  readonly clockOffset: number
  readonly checkedIn: boolean
  readonly room: ServerRoom | null
  readonly people: ReadonlyMap<Handle, ServerPerson>
  readonly slots: readonly Slot[]
  /** Who speaks, and until when that is shown (browser clock, ms). */
  readonly voices: ReadonlyMap<Handle, number>
  readonly local: Local
  readonly report: ServerMinutesReport | null
  readonly ending: Ending | null
  readonly notices: readonly Notice[]
  readonly lastNotice: number
}

export type Event =
  | { readonly type: 'step'; readonly step: Step }
  | { readonly type: 'link'; readonly link: LinkState }
  | { readonly type: 'frame'; readonly frame: ServerFrame; readonly at: number }
  | { readonly type: 'checked_in' }
  | { readonly type: 'local'; readonly local: Partial<Local> }
  | { readonly type: 'ending'; readonly ending: Ending | null }
  | { readonly type: 'notice'; readonly text: string; readonly tone?: Notice['tone'] }
  | { readonly type: 'notice_done'; readonly id: number }
  | { readonly type: 'tick'; readonly at: number }

export const initial: State = {
  step: 'no_invite',
  link: 'idle',
  welcome: null,
  clockOffset: 0,
  checkedIn: false,
  room: null,
  people: new Map(),
  slots: [],
  voices: new Map(),
  local: {
    mic: 'off',
    camera: 'off',
    screen: false,
    peer: 'none',
    micInterrupted: false,
    soundBlocked: false,
    devices: { mic: [], camera: [], speaker: [] },
    chosen: { mic: '', camera: '', speaker: '' },
  },
  report: null,
  ending: null,
  notices: [],
  lastNotice: 0,
}

/**
 * The server says at once who begins and who has ended, and each second who
 * goes on; without a word for so long the line is gone, ms.
 */
const voiceHold = 2500

/** Notices kept for the page; older ones have been read out long ago. */
const noticesKept = 4

export function reduce(state: State, event: Event): State {
  switch (event.type) {
    case 'step':
      return { ...state, step: event.step }
    case 'link':
      return state.link === event.link ? state : { ...state, link: event.link }
    case 'frame':
      return reduceFrame(state, event.frame, event.at)
    case 'checked_in':
      return { ...state, checkedIn: true }
    case 'local':
      return { ...state, local: { ...state.local, ...event.local } }
    case 'ending':
      return { ...state, ending: event.ending }
    case 'notice':
      return notify(state, [{ text: event.text, tone: event.tone ?? 'calm' }])
    case 'notice_done':
      return { ...state, notices: state.notices.filter((n) => n.id !== event.id) }
    case 'tick':
      return forgetVoices(state, event.at)
    default:
      return event satisfies never
  }
}

function reduceFrame(state: State, frame: ServerFrame, at: number): State {
  switch (frame.t) {
    case 'welcome':
      return seated(state, frame.d, at)
    case 'resumed':
      return { ...state, step: 'seated', ending: null }
    case 'snapshot':
      return {
        ...state,
        room: frame.d.room,
        people: new Map(frame.d.people.map((p) => [p.handle, p])),
        slots: frame.d.slots,
      }
    case 'room':
      if (state.room && frame.d.rev < state.room.rev) return state
      return notify({ ...state, room: frame.d }, noticesOfRoom(state.room, frame.d))
    case 'person':
      return person(state, frame.d)
    case 'slots':
      return { ...state, slots: frame.d.slots }
    case 'speakers':
      return voices(state, frame.d.levels, at)
    case 'minutes_report':
      return { ...state, report: frame.d }
    // What follows is for the modules with effects and changes nothing here.
    case 'moderated':
    case 'attach_media':
    case 'answer':
    case 'signal_failed':
    case 'layers':
    case 'ice_restart':
    case 'api_token':
    case 'result':
    case 'error':
    case 'bye':
      return state
    default:
      return frame satisfies never
  }
}

function seated(state: State, welcome: ServerWelcome, at: number): State {
  return {
    ...state,
    step: 'seated',
    ending: null,
    welcome,
    clockOffset: welcome.server_time - at,
  }
}

function person(state: State, next: ServerPerson): State {
  const before = state.people.get(next.handle)
  if (before && next.rev < before.rev) return state
  const people = new Map(state.people)
  if (next.state === 'gone' && next.handle !== state.welcome?.handle) people.delete(next.handle)
  else people.set(next.handle, next)
  return notify({ ...state, people }, noticesOfPerson(before, next, me(state)))
}

function voices(state: State, speaking: readonly { handle: Handle }[], at: number): State {
  return { ...state, voices: new Map(speaking.map(({ handle }) => [handle, at + voiceHold])) }
}

function forgetVoices(state: State, at: number): State {
  const next = new Map([...state.voices].filter(([, until]) => until > at))
  return next.size === state.voices.size ? state : { ...state, voices: next }
}

function notify(state: State, said: readonly Omit<Notice, 'id'>[]): State {
  if (said.length === 0) return state
  const added = said.map((n, i) => ({ ...n, id: state.lastNotice + i + 1 }))
  return {
    ...state,
    notices: [...state.notices, ...added].slice(-noticesKept),
    lastNotice: state.lastNotice + added.length,
  }
}

// What the views ask of the state.

/** The person this page belongs to, as the server sees them. */
export function me(state: State): ServerPerson | undefined {
  return state.welcome ? state.people.get(state.welcome.handle) : undefined
}

export function isFacilitator(state: State): boolean {
  return state.welcome?.role === 'facilitator'
}

/** Let in: on the way to, in, or briefly lost from the group. */
export function isIn(p: ServerPerson): boolean {
  return p.state === 'admitted' || p.state === 'active' || p.state === 'reconnecting'
}

/** Everybody in the same room, oneself first, then in the order they came. */
export function together(state: State): ServerPerson[] {
  const own = me(state)
  const others = [...state.people.values()]
    .filter((p) => isIn(p) && p.handle !== own?.handle && (p.room ?? '') === (own?.room ?? ''))
    .sort((a, b) => number(a.handle) - number(b.handle))
  return own && isIn(own) ? [own, ...others] : others
}

/** The lobby, who has waited longest first; filled for facilitators only. */
export function lobby(state: State): ServerPerson[] {
  return [...state.people.values()]
    .filter((p) => p.state === 'waiting')
    .sort((a, b) => (a.waiting_since ?? 0) - (b.waiting_since ?? 0))
}

export function slotOf(state: State, handle: Handle, source: Slot['source']): Slot | undefined {
  return state.slots.find((s) => s.handle === handle && s.source === source)
}

/** Who shows a screen just now; others before oneself. */
export function presenter(state: State): ServerPerson | undefined {
  const showing = together(state).filter((p) => p.screen)
  return showing.find((p) => p.handle !== state.welcome?.handle) ?? showing[0]
}

function number(handle: Handle): number {
  return Number(handle.slice(1))
}

export type View = 'no_invite' | 'devices' | 'joining' | 'check_in' | 'lobby' | 'room' | 'over' | 'closing'

/** Which page to show; the one place that decides it. */
export function viewOf(state: State): View {
  const ended = state.room?.state === 'ended' || state.ending?.code === 'room_ended'
  if (ended && isFacilitator(state)) return 'closing'
  if (state.ending || ended) return 'over'
  if (state.step !== 'seated') return state.step
  const own = me(state)
  if (own && isIn(own)) return 'room'
  if (state.welcome?.check_in && !state.checkedIn) return 'check_in'
  return own ? 'lobby' : 'joining'
}
