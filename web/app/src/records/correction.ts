// A correction from what staff fill in to the order that the server takes.
import type { CorrectionOp, CorrectionOrder, CorrectionReason, Interval, Status, Timeline } from '../api'
import { creditable, type Setting, type Stretch, total } from './effect'
import { isCredited } from './words'
import { day, instant, instantsAt, minute } from './zone'

/** What staff say happened; `lead` is an `add` for a facilitator. */
export type Choice = Exclude<CorrectionOp, 'add' | 'remove'> | 'add' | 'remove' | 'lead'

export interface Draft {
  readonly choice: Choice
  readonly person: string
  readonly facilitator: string
  readonly from: string
  readonly to: string
  /** Of the two 1:30 in an autumn night, whether the later one is meant. */
  readonly fromLater: boolean
  readonly toLater: boolean
  readonly connection: string
  /** Who the connection really was. */
  readonly rightful: string
  readonly status: Status
  readonly reason: CorrectionReason | ''
  readonly note: string
}

export const emptyDraft: Draft = {
  choice: 'add',
  person: '',
  facilitator: '',
  from: '',
  to: '',
  fromLater: false,
  toLater: false,
  connection: '',
  rightful: '',
  status: 'excused',
  reason: '',
  note: '',
}

/** What a choice says, and which fields it asks for. */
export const choices: {
  readonly [C in Choice]: {
    readonly title: string
    readonly hint: string
    readonly of: 'person' | 'session'
    readonly asks: readonly (keyof Draft)[]
  }
} = {
  add: {
    title: 'Add time',
    hint: 'They took part and the evidence misses it: by phone, or on a device that failed.',
    of: 'person',
    asks: ['person', 'from', 'to'],
  },
  remove: {
    title: 'Take time out',
    hint: 'They were connected and did not take part.',
    of: 'person',
    asks: ['person', 'from', 'to'],
  },
  reassign: {
    title: 'It was another person',
    hint: 'Somebody used the wrong link. A connection’s time moves to the right person.',
    of: 'person',
    asks: ['rightful', 'connection'],
  },
  set_status: {
    title: 'Set the status',
    hint: 'Such as excused. The minutes stay as they are.',
    of: 'person',
    asks: ['person', 'status'],
  },
  lead: {
    title: 'A facilitator was there',
    hint: 'By phone while their connection was lost. Counts for everybody in the room.',
    of: 'session',
    asks: ['facilitator', 'from', 'to'],
  },
  declare_break: {
    title: 'Declare a break',
    hint: 'A break was held and not recorded. It is not counted for anybody.',
    of: 'session',
    asks: ['from', 'to'],
  },
  cancel_break: {
    title: 'Cancel a break',
    hint: 'A break was planned or recorded and not held.',
    of: 'session',
    asks: ['from', 'to'],
  },
  extend_window: {
    title: 'Extend the session',
    hint: 'The group began earlier or ended later than planned, and this time counts.',
    of: 'session',
    asks: ['from', 'to'],
  },
}

export type Field = keyof Draft

type Problems = { [F in Field]?: string }

export type Ordered =
  | { readonly ok: true; readonly order: CorrectionOrder }
  | { readonly ok: false; readonly problems: Readonly<Problems> }

/** The instants that a time of day may mean in this session. */
export function meant(timeline: Timeline, time: string): number[] {
  const [start, end] = [instant(timeline.start), instant(timeline.end)]
  // No more than a day in all, or a time of day would mean two dates.
  const around = Math.max(0, Math.min(240 * minute, (day - (end - start)) / 2 - minute))
  return instantsAt(timeline.timezone, time, start - around, end + around)
}

function instantOf(timeline: Timeline, time: string, later: boolean): number | undefined {
  const found = meant(timeline, time)
  return later ? found.at(-1) : found[0]
}

/** The order that a draft is, or what is wrong by field. */
export function orderOf(draft: Draft, { timeline }: Setting): Ordered {
  const { choice } = draft
  const problems: Problems = {}
  for (const field of choices[choice].asks) Object.assign(problems, missing(field, draft))
  const interval = choices[choice].asks.includes('from') ? intervalOf(draft, timeline, problems) : {}
  const note = draft.note.trim()
  if (draft.reason === '') problems.reason = 'Please choose a reason.'
  if (draft.reason === 'other' && !note) problems.note = 'Please say what the reason is.'
  if (Object.keys(problems).length > 0) return { ok: false, problems }
  const order: CorrectionOrder = {
    op: choice === 'lead' ? 'add' : choice,
    ...personOf(draft),
    ...interval,
    ...(choice === 'reassign' && { connection: draft.connection }),
    ...(choice === 'set_status' && { status: draft.status }),
    reason: draft.reason || 'other',
    ...(note && { note }),
  }
  return { ok: true, order }
}

function personOf(draft: Draft): { person?: string } {
  if (draft.choice === 'lead') return { person: draft.facilitator }
  if (draft.choice === 'reassign') return { person: draft.rightful }
  return choices[draft.choice].of === 'person' ? { person: draft.person } : {}
}

function intervalOf(draft: Draft, timeline: Timeline, problems: Problems): { start?: string; end?: string } {
  const start = instantOf(timeline, draft.from, draft.fromLater)
  const end = instantOf(timeline, draft.to, draft.toLater)
  if (start === undefined) problems.from ??= 'There is no such time in or near this session.'
  if (end === undefined) problems.to ??= 'There is no such time in or near this session.'
  if (start === undefined || end === undefined) return {}
  if (end <= start) problems.to = 'The end must be after the start.'
  return { start: new Date(start).toISOString(), end: new Date(end).toISOString() }
}

function missing(field: Field, draft: Draft): Problems {
  if (draft[field] !== '') return {}
  switch (field) {
    case 'person':
    case 'facilitator':
    case 'rightful':
      return { [field]: 'Please choose a person.' }
    case 'connection':
      return { connection: 'Please choose a connection.' }
    default:
      return { [field]: 'Please fill this in.' }
  }
}

/** Intervals that the form offers, the longest first. */
export function offers(choice: Choice, person: string, timeline: Timeline): Interval[] {
  const spans = timeline.people.find((p) => p.person === person)?.spans ?? []
  const everybody = timeline.people.flatMap((p) => p.spans)
  const found: { readonly [C in Choice]?: readonly Interval[] } = {
    add: spans
      .filter((s) => !isCredited(s.rule) && total(creditable(s, timeline)) > 0)
      .map((s) => hull(creditable(s, timeline))),
    remove: spans.filter((s) => isCredited(s.rule)),
    lead: distinct(everybody.filter((s) => s.rule === 'no_facilitator')),
    cancel_break: timeline.breaks,
    extend_window: distinct(everybody.filter((s) => s.rule === 'outside_window')),
  }
  return [...(found[choice] ?? [])].sort((a, b) => span(b) - span(a)).slice(0, 3)
}

const span = (i: Interval) => instant(i.end) - instant(i.start)

function hull(stretches: readonly Stretch[]): Interval {
  const from = Math.min(...stretches.map(([a]) => a))
  const to = Math.max(...stretches.map(([, b]) => b))
  return { start: new Date(from).toISOString(), end: new Date(to).toISOString() }
}

function distinct(intervals: readonly Interval[]): Interval[] {
  return [...new Map(intervals.map((i) => [`${i.start} ${i.end}`, i])).values()]
}
