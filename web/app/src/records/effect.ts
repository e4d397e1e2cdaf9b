// What a correction would do, in words, before anybody confirms it. The server
// decides; this says what to expect.
import type { CorrectionOp, CorrectionOrder, CorrectionReason, Interval, Span, Timeline } from '../api'
import { hours } from '../words'
import { isCredited, length, reasons } from './words'
import { exactIn, instant, minute } from './zone'

/** What is known of the session. */
export interface Setting {
  readonly timeline: Timeline
  readonly nameOf: (person: string) => string
}

/** How much credit a correction moves for one person; ms. */
export interface Effect {
  readonly person: string
  readonly ms: number
  /** At most this much: other rules may still take some of it. */
  readonly atMost: boolean
}

/** What an order is expected to do to credited time; unknown for some. */
export function effectsOf(
  order: CorrectionOrder,
  timeline: Timeline,
  isFacilitator: boolean,
): Effect[] | null {
  if (order.op === 'reassign') return null
  if (order.op === 'set_status') return []
  const wanted: Interval = { start: order.start ?? '', end: order.end ?? '' }
  const one = order.person !== undefined && !isFacilitator
  return timeline.people
    .filter((p) => !one || p.person === order.person)
    .map((p) => ({ person: p.person, ...effectOn(p.spans, order.op, wanted, isFacilitator, timeline) }))
    .filter((e) => e.ms !== 0)
}

function effectOn(
  spans: readonly Span[],
  op: CorrectionOp,
  wanted: Interval,
  isFacilitator: boolean,
  timeline: Timeline,
): { ms: number; atMost: boolean } {
  const inside = (such: (s: Span) => boolean) => total(spans.filter(such).map((s) => common(s, wanted)))
  const credited = inside((s) => isCredited(s.rule))
  if (isFacilitator)
    return op === 'add'
      ? { ms: inside((s) => s.rule === 'no_facilitator'), atMost: true }
      : { ms: -credited, atMost: true }
  switch (op) {
    case 'add':
      return {
        ms: total(creditable(wanted, timeline)) - total(taken(spans, wanted, timeline)),
        atMost: false,
      }
    case 'remove':
    case 'declare_break':
      return { ms: -credited, atMost: false }
    case 'cancel_break':
      return { ms: inside((s) => s.rule === 'break'), atMost: true }
    case 'extend_window':
      return { ms: inside((s) => s.rule === 'outside_window'), atMost: true }
    default:
      return { ms: 0, atMost: false }
  }
}

/** A stretch of time; nothing when it ends before it begins. */
export type Stretch = readonly [from: number, to: number]

function common(a: Interval, b: Interval): Stretch {
  return [Math.max(instant(a.start), instant(b.start)), Math.min(instant(a.end), instant(b.end))]
}

export function total(stretches: readonly Stretch[]): number {
  return stretches.reduce((sum, [from, to]) => sum + Math.max(0, to - from), 0)
}

/**
 * The part of an interval that a correction can credit: within the window,
 * outside the breaks, and not in the future (SPEC §4.7).
 */
export function creditable(wanted: Interval, timeline: Timeline): Stretch[] {
  const known = Math.min(instant(wanted.end), instant(timeline.as_of))
  let parts = timeline.window
    .map((w) => common(w, wanted))
    .map(([from, to]): Stretch => [from, Math.min(to, known)])
  for (const pause of timeline.breaks) {
    const [from, to] = [instant(pause.start), instant(pause.end)]
    parts = parts.flatMap(([a, b]): Stretch[] => [
      [a, Math.min(b, from)],
      [Math.max(a, to), b],
    ])
  }
  return parts.filter(([from, to]) => to > from)
}

// taken is what of the open part is credited already, here or elsewhere.
function taken(spans: readonly Span[], wanted: Interval, timeline: Timeline): Stretch[] {
  const there = spans.filter((s) => isCredited(s.rule) || s.rule === 'overlap' || s.rule === 'not_counting')
  return creditable(wanted, timeline).flatMap(([from, to]) =>
    there.map((s): Stretch => [Math.max(from, instant(s.start)), Math.min(to, instant(s.end))]),
  )
}

/** What would happen, sentence by sentence. */
export function preview(order: CorrectionOrder, setting: Setting, isFacilitator: boolean): string[] {
  const effects = effectsOf(order, setting.timeline, isFacilitator)
  return [actText(order, setting, isFacilitator), ...effectTexts(effects, order, setting)]
}

/** What is done, as one sentence: also for the list of corrections. */
export function actText(
  order: Pick<CorrectionOrder, 'op' | 'person' | 'start' | 'end' | 'connection' | 'status'>,
  { timeline, nameOf }: Setting,
  isFacilitator: boolean,
): string {
  const who = order.person === undefined ? '' : nameOf(order.person)
  const zone = timeline.timezone
  const when =
    order.start && order.end
      ? `from ${exactIn(zone, instant(order.start))} to ${exactIn(zone, instant(order.end))} (${length(
          instant(order.end) - instant(order.start),
        )})`
      : ''
  switch (order.op) {
    case 'add':
      return isFacilitator ? `${who} led the group ${when}.` : `${who} took part ${when}.`
    case 'remove':
      return isFacilitator ? `${who} did not lead the group ${when}.` : `${who} did not take part ${when}.`
    case 'extend_window':
      return `The session’s time includes what is ${when}.`
    case 'declare_break':
      return `There was a break ${when}.`
    case 'cancel_break':
      return `There was no break ${when}.`
    case 'reassign':
      return `The connection ${order.connection ?? ''} was ${who}.`
    case 'set_status':
      return `The status of ${who} is “${order.status?.replaceAll('_', ' ') ?? ''}”.`
    default:
      return order.op satisfies never
  }
}

function effectTexts(effects: Effect[] | null, order: CorrectionOrder, { nameOf }: Setting): string[] {
  if (effects === null)
    return [`All time of this connection moves to ${nameOf(order.person ?? '')}. Both keep their history.`]
  if (order.op === 'set_status') return ['No minutes change.']
  if (effects.length === 0)
    return [
      'As far as this page can tell, nobody’s credited time changes. It may still change in the record.',
    ]
  return effects.map(({ person, ms, atMost }) => {
    const much = Math.abs(ms) < minute ? length(Math.abs(ms)) : hours(Math.abs(ms))
    return `Credited time of ${nameOf(person)} ${ms > 0 ? 'rises' : 'falls'} by ${atMost ? 'up to ' : ''}${much}.`
  })
}

/** The reason and note of a correction, as they are kept. */
export function reasonText(correction: {
  readonly reason: CorrectionReason
  readonly note?: string
}): string {
  const { reason, note } = correction
  if (reason === 'other' && note) return note
  return note ? `${reasons[reason]}: ${note}` : reasons[reason]
}
