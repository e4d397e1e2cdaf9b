// The words of the records: what the codes of the contract mean to the people
// who sign them.
import type {
  CorrectionOp,
  CorrectionReason,
  Explanation,
  KeptRecord,
  RecordState,
  Rule,
  Service,
  Verdict,
} from '../api'
import { hours } from '../words'
import { minute, second } from './zone'

/** Length to the second: "50 s", "18 m", "18 m 20 s", "1 h 02 m". Rounded down. */
export function length(ms: number): string {
  const seconds = Math.floor(ms / second) % 60
  if (ms < minute) return `${seconds} s`
  return seconds === 0 ? hours(ms) : `${hours(ms)} ${seconds} s`
}

/** Time that is still needed is rounded up: one millisecond is "1 m". */
export function needed(ms: number): string {
  return hours(Math.ceil(ms / minute) * minute)
}

/** "1 session", "2 sessions". */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`
}

/** "Ana P., Ben K. and Chidi O." */
export function list(words: readonly string[]): string {
  const last = words.at(-1) ?? ''
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} and ${last}`
}

export interface RuleWords {
  readonly title: string
  readonly text: string
}

export const rules: { readonly [R in Rule]: RuleWords } = {
  credited: { title: 'Credited', text: 'Connected, with a facilitator, within the session.' },
  bridged: {
    title: 'Short loss, credited',
    text: 'The connection was lost for a moment. A loss this short counts as presence.',
  },
  manual: { title: 'Added by correction', text: 'Not in the evidence; staff added it, with a reason.' },
  outside_window: {
    title: 'Outside the session',
    text: 'Connected before the session’s time or after it. This time is not counted.',
  },
  break: { title: 'Break', text: 'Connected during a break. Breaks are not counted.' },
  no_facilitator: {
    title: 'No facilitator',
    text: 'Connected, but no facilitator was in the same room.',
  },
  correction: { title: 'Taken out by correction', text: 'Staff took this time out, with a reason.' },
  overlap: {
    title: 'Counted elsewhere',
    text: 'This time is credited in another session. No instant is counted twice.',
  },
  not_counting: {
    title: 'Does not count',
    text: 'Connected, in a session that does not count towards hours.',
  },
  lobby: { title: 'Lobby', text: 'Waiting to be let in. Time in the lobby is not counted.' },
  absent: { title: 'Not connected', text: 'There is no evidence of a connection.' },
}

/** The rules in the order in which the legend shows them. */
export const legend: readonly Rule[] = [
  ...(['credited', 'bridged', 'manual', 'lobby', 'no_facilitator', 'break'] as const),
  ...(['outside_window', 'correction', 'overlap', 'not_counting'] as const),
]

export function isCredited(rule: Rule): boolean {
  return rule === 'credited' || rule === 'bridged' || rule === 'manual'
}

/** Where connected time went that was not credited, the longest first. */
export function lossesOf(record: KeptRecord): string[] {
  const losses = [
    { ms: record.lost_break_ms, words: 'in a break' },
    { ms: record.lost_no_facilitator_ms, words: 'without a facilitator' },
    { ms: record.lost_outside_window_ms, words: 'outside the session’s time' },
    { ms: record.lost_correction_ms, words: 'taken out by correction' },
    { ms: record.lost_overlap_ms, words: 'counted in another session' },
  ]
  return losses
    .filter(({ ms }) => ms > 0)
    .sort((a, b) => b.ms - a.ms)
    .map(({ ms, words }) => `${length(ms)} ${words}`)
}

export const states: { readonly [S in RecordState]: string } = {
  open: 'Session not over',
  unsigned: 'Not signed yet',
  signed: 'Signed',
  amended: 'Changed after signing',
}

export const services: { readonly [S in Service]: string } = {
  individual: 'Individual session',
  family: 'Family session',
  medication: 'Medication management',
  case_management: 'Case management',
  assessment: 'Assessment',
  group: 'Group therapy',
  psychoeducation: 'Psychoeducation',
  peer_support: 'Peer support',
  mutual_aid: 'Mutual aid',
  aftercare: 'Aftercare',
}

export const reasons: { readonly [R in CorrectionReason]: string } = {
  phone_participation: 'Took part by phone',
  device_failure: 'A device or browser failed',
  facilitator_connection_loss: 'The facilitator’s connection was lost',
  wrong_person: 'Counted for the wrong person',
  admit_delay: 'Waited in the lobby through no fault of theirs',
  break_not_recorded: 'A break was not recorded, or wrongly',
  payer_rule: 'A rule of the payer',
  other: 'Another reason (say which)',
}

export const operations: { readonly [O in CorrectionOp]: string } = {
  add: 'Time added',
  remove: 'Time taken out',
  extend_window: 'Session time extended',
  declare_break: 'Break declared',
  cancel_break: 'Break cancelled',
  reassign: 'Connection given to another person',
  set_status: 'Status set',
}

export const verdicts: { readonly [V in Verdict]: string } = {
  at_risk: 'At risk',
  cannot_meet: 'Needs make-up time',
  not_met: 'Not met',
  on_track: 'On track',
  partial_week: 'Part of a week',
  met: 'Met',
  no_minimum: 'No minimum',
}

const flags: { readonly [flag: string]: string } = {
  no_facilitator: 'No facilitator was ever connected.',
  group_over_max: 'More patients were connected at once than a group may have.',
  group_under_min: 'Never enough patients were connected at once to be a group.',
}

export function flagText(flag: string): string {
  return flags[flag] ?? flag.replaceAll('_', ' ')
}

const ends: { readonly [reason: string]: string } = {
  leave: 'Left',
  removed: 'Was removed',
  sent_to_lobby: 'Was sent to the lobby',
  replaced: 'Went on with another connection',
}

/** "breakout-2" as people say it. */
export function roomText(room: string): string {
  return room === 'main' ? 'the group' : room.replace(/^breakout-/, 'breakout ')
}

/** One line of evidence in words, without its time. */
export function evidenceText(event: Explanation['evidence'][number]): string {
  switch (event.type) {
    case 'opened':
      return 'The session was opened'
    case 'closed':
      return 'The session was closed'
    case 'waiting':
      return 'Came to the lobby'
    case 'admitted':
      return `Let in, to ${roomText(event.room ?? 'main')}`
    case 'moved':
      return `Moved to ${roomText(event.room ?? 'main')}`
    case 'left':
      return ends[event.reason ?? ''] ?? 'Left'
    case 'lost':
      return 'Connection lost (this was its last sign of life)'
    case 'seen':
      return event.connection ? 'Sign of life' : 'Sign of life of everybody connected'
    case 'break_started':
      return 'A break began'
    case 'break_ended':
      return 'The break ended'
    default:
      return event.type.replaceAll('_', ' ')
  }
}
