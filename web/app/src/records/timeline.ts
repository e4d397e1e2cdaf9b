// One patient's session as a picture: spans of instants on an axis. What is
// drawn comes from the server span by span; nothing is counted here.
import type { Interval, Span, Timeline } from '../api'
import { length, rules } from './words'
import { exactIn, fieldTime, instant, minute } from './zone'

export interface Axis {
  readonly start: number
  readonly end: number
}

/** A span on the axis; x and width are percent of it. */
export interface Bar {
  readonly span: Span
  readonly x: number
  readonly width: number
}

/** A loss of three seconds in three hours must still be seen; percent. */
const leastWidth = 0.8

export function axisOf(timeline: Timeline): Axis {
  return { start: instant(timeline.start), end: instant(timeline.end) }
}

/** Where an instant lies on the axis, 0 to 100. */
export function place(axis: Axis, at: number): number {
  const part = (at - axis.start) / (axis.end - axis.start)
  return round(100 * Math.min(1, Math.max(0, part)))
}

function round(percent: number): number {
  return Math.round(percent * 1000) / 1000
}

/**
 * The bars of a person, the short ones last so that they are drawn over the
 * long ones. Where nobody was there is no bar.
 */
export function barsOf(spans: readonly Span[], axis: Axis): Bar[] {
  return spans
    .filter((span) => span.rule !== 'absent')
    .map((span) => ({ span, ...widened(extent(span, axis)) }))
    .sort((a, b) => b.width - a.width)
}

/** An interval on the axis, in percent. */
export function extent(interval: Interval, axis: Axis): { x: number; width: number } {
  const x = place(axis, instant(interval.start))
  return { x, width: round(place(axis, instant(interval.end)) - x) }
}

function widened({ x, width }: { x: number; width: number }): { x: number; width: number } {
  if (width >= leastWidth) return { x, width }
  const from = Math.min(100 - leastWidth, Math.max(0, x + width / 2 - leastWidth / 2))
  return { x: round(from), width: leastWidth }
}

/** Which span an instant lies in; the last one for the very end. */
export function spanAt(spans: readonly Span[], at: number): number {
  const found = spans.findIndex((s) => at < instant(s.end))
  return found < 0 ? spans.length - 1 : found
}

const steps = [15, 30, 60, 120, 240, 480]

/** Round times of the zone's clock on the axis, seven at most. */
export function ticks(axis: Axis, zone: string): number[] {
  const quarters: { at: number; minutes: number }[] = []
  const quarter = 15 * minute
  for (let at = Math.ceil(axis.start / quarter) * quarter; at <= axis.end; at += quarter) {
    const [h, m] = fieldTime(zone, at).split(':').map(Number)
    quarters.push({ at, minutes: (h ?? 0) * 60 + (m ?? 0) })
  }
  for (const step of steps) {
    const on = quarters.filter((q) => q.minutes % step === 0)
    if (on.length <= 7) return on.map((q) => q.at)
  }
  return []
}

/** "6:02 PM to 6:21:30 PM, 19 m 30 s". */
export function intervalText(zone: string, interval: Interval): string {
  const [start, end] = [instant(interval.start), instant(interval.end)]
  return `${exactIn(zone, start)} to ${exactIn(zone, end)}, ${length(end - start)}`
}

/** The whole span in one line, as it is read out. */
export function spanText(zone: string, span: Span): string {
  return `${rules[span.rule].title}: ${intervalText(zone, span)}`
}

/** When a person came and went: the first and last instant there is evidence of, lobby included. */
export function stay(spans: readonly Span[]): { from: number; to: number } | null {
  const there = spans.filter((s) => s.rule !== 'absent' && s.rule !== 'manual')
  const [first, last] = [there[0], there.at(-1)]
  return first && last ? { from: instant(first.start), to: instant(last.end) } : null
}
