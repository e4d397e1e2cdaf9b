// Words for numbers and codes, in one calm voice.
import type { MinutesRow, Role, Week } from './wire'

/** "just now", "4 min", "1 h 05 min": how long somebody has waited. */
export function waited(ms: number): string {
  const minutes = Math.floor(Math.max(0, ms) / 60_000)
  if (minutes < 1) return 'just now'
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`
}

/** Credited time is rounded down, as everywhere in the product: "1 h 05 m". */
export function hours(ms: number): string {
  const minutes = Math.floor(ms / 60_000)
  return minutes < 60 ? `${minutes} m` : `${Math.floor(minutes / 60)} h ${two(minutes % 60)} m`
}

function two(n: number): string {
  return String(n).padStart(2, '0')
}

export function clock(ms: number): string {
  return new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' }).format(ms)
}

const hour = 3_600_000

/** "6 h 00 m of 9 h this week, 1 session left". */
export function weekText(week: Week): string {
  const whole = week.min_ms && week.min_ms % hour === 0 ? `${week.min_ms / hour} h` : week.min_text
  const of = whole ? ` of ${whole}` : ''
  const left = week.sessions_left
  const sessions = left === undefined ? '' : left === 1 ? ', 1 session left' : `, ${left} sessions left`
  return `${week.credited_text}${of} this week${sessions}`
}

/** The part of the week's hours that is done, 0 to 1; null without a minimum. */
export function weekPart(week: Week): number | null {
  return week.min_ms ? Math.min(1, week.credited_ms / week.min_ms) : null
}

export function initials(name: string): string {
  const letters = name
    .trim()
    .split(/\s+/)
    .map((word) => [...word][0] ?? '')
  return (letters.length > 1 ? `${letters[0]}${letters.at(-1)}` : (letters[0] ?? '')).toUpperCase()
}

const roles: { [R in Role]: string } = {
  patient: '',
  facilitator: 'Facilitator',
  observer: 'Observer',
  interpreter: 'Interpreter',
  guest: 'Guest',
  peer: 'Peer',
}

export function roleText(role: Role): string {
  return roles[role]
}

const statuses: { readonly [status: string]: string } = {
  attended: 'Attended',
  present_uncredited: 'Present, nothing credited',
  lobby_only: 'Waited, was never let in',
  removed: 'Removed',
  excused: 'Excused',
  scheduled: 'Not yet',
  no_show: 'Did not come',
  cancelled_by_program: 'Cancelled by the program',
  cancelled_by_patient: 'Cancelled',
}

export function statusText(status: string): string {
  return statuses[status] ?? status.replaceAll('_', ' ')
}

const labels: { readonly [label: string]: string } = {
  late: 'came late',
  left_early: 'left early',
  bridged: 'short gaps bridged',
  manual: 'time added by hand',
}

export function labelText(label: string): string {
  return labels[label] ?? label.replaceAll('_', ' ')
}

const losses: { [W in MinutesRow['lost'][number]['why']]: string } = {
  outside_window: 'outside the session times',
  break: 'break',
  no_facilitator: 'no facilitator present',
  correction: 'corrected by staff',
  overlap: 'counted in another session',
}

/** "9 m break", "45 s no facilitator present". */
export function lossText(lost: MinutesRow['lost'][number]): string {
  const long = lost.ms < 60_000 ? `${Math.floor(lost.ms / 1000)} s` : hours(lost.ms)
  return `${long} ${losses[lost.why]}`
}

export interface EndingWords {
  readonly title: string
  readonly text: string
  /** What the one button says; without it there is nothing to try again. */
  readonly again?: string
}

const endings: { readonly [code: string]: EndingWords } = {
  room_not_open: {
    title: 'A little early',
    text: 'The lobby is not open yet. You can leave this page open: it lets you in by itself as soon as it opens.',
    again: 'Try now',
  },
  room_not_found: {
    title: 'This session was not found',
    text: 'The link may be old or incomplete. Please use the newest link you were sent, or ask your program for one.',
  },
  room_cancelled: {
    title: 'This session is cancelled',
    text: 'It does not take place today. Your program will tell you about the next one.',
  },
  room_ended: {
    title: 'The group has ended',
    text: 'Thank you for being here today.',
  },
  room_locked: {
    title: 'The room is locked for now',
    text: 'The group has begun and the facilitators have closed the door for the moment. This page tries again by itself.',
    again: 'Try now',
  },
  room_full: {
    title: 'All seats are taken',
    text: 'This page tries again by itself. If you were expected today, please call your program.',
    again: 'Try now',
  },
  denied: {
    title: 'You were not let in this time',
    text: 'The facilitators could not let you in just now. Please call your program: they will help you find the right group or time.',
  },
  removed: {
    title: 'You are no longer in this session',
    text: 'A facilitator has taken you out of this session. This does not end your care. Please call your program to talk about what happened and what comes next.',
  },
  replaced: {
    title: 'You are here on another device',
    text: 'You opened this session somewhere else, and your seat moved there. You can bring it back to this page.',
    again: 'Use this page',
  },
  revoked: {
    title: 'This link is no longer valid',
    text: 'Your program has withdrawn it. Please ask them for a new one.',
  },
  left: {
    title: 'You have left the group',
    text: 'You can come back as long as the session goes on.',
    again: 'Come back',
  },
  lease_expired: {
    title: 'You were away for a while',
    text: 'Your seat was given up because the connection was gone for some time. You can come back.',
    again: 'Come back',
  },
  role_mismatch: {
    title: 'This link does not fit',
    text: 'It was made for another role than yours in this session. Please ask your program for a new one.',
  },
  auth_expired: {
    title: 'This link has run out',
    text: 'Please ask your program for a new one.',
  },
}

const unusable: EndingWords = {
  title: 'This link cannot be used',
  text: 'Please use the newest link you were sent, or ask your program for one.',
}

const failed: EndingWords = {
  title: 'Something went wrong',
  text: 'It is not your fault. Please try again in a moment.',
  again: 'Try again',
}

export function endingWords(code: string): EndingWords {
  return endings[code] ?? (code.startsWith('auth') ? unusable : failed)
}
