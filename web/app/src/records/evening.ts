// One evening of a group, small enough to count by hand: for the tests.
import type { Record, Rule, Span, Timeline, Week } from '../api'
import { minute } from './zone'

export const zone = 'America/Chicago'
const start = Date.parse('2026-11-19T00:00:00Z') // Wednesday, 6 PM

/** The instant `minutes` after 6 PM, as the API writes it. */
export function at(minutes: number): string {
  return new Date(start + minutes * minute).toISOString()
}

/** The spans of a person: each rule with the minute until which it holds, from 15 minutes before. */
export function spans(...rules: [Rule, number][]): Span[] {
  return rules.map(([rule, until], i) => ({ rule, start: at(rules[i - 1]?.[1] ?? -15), end: at(until) }))
}

/** 6 to 9 PM with a break from 7:20 to 7:30; as of 9:10. */
export const timeline: Timeline = {
  session: 's1',
  as_of: at(190),
  timezone: zone,
  scheduled: { start: at(0), end: at(180) },
  start: at(-15),
  end: at(195),
  window: [{ start: at(0), end: at(180) }],
  breaks: [{ start: at(80), end: at(90) }],
  facilitated: [{ start: at(0), end: at(180) }],
  people: [
    {
      person: 'ana',
      credited_ms: 0,
      spans: spans(
        ['lobby', 0],
        ['credited', 50],
        ['absent', 71],
        ['credited', 80],
        ['break', 90],
        ['credited', 195],
      ),
    },
    {
      person: 'ben',
      credited_ms: 0,
      spans: spans(
        ['outside_window', 0],
        ['no_facilitator', 8],
        ['credited', 80],
        ['break', 90],
        ['overlap', 195],
      ),
    },
  ],
  provenance: { evaluator: 'test', tzdata: 'test' },
}

const nothing: Record = {
  session: 's1',
  person: 'ana',
  service: 'group',
  date: '2026-11-18',
  status: 'attended',
  state: 'unsigned',
  version: 1,
  labels: [],
  connected_ms: 0,
  lobby_ms: 0,
  bridged_ms: 0,
  lost_outside_window_ms: 0,
  lost_break_ms: 0,
  lost_no_facilitator_ms: 0,
  lost_correction_ms: 0,
  lost_overlap_ms: 0,
  manual_ms: 0,
  attended_ms: 0,
  credited_ms: 0,
  credited: [],
  units: { minute_floor: 0, q15_floor: 0, q15_cms8: 0, q15_ceil: 0 },
}

export function record(more: Partial<Record>): Record {
  return { ...nothing, ...more }
}

/** A week of 9 hours, three days of three; minutes where the API has milliseconds. */
export function week(person: string, creditedMin: number, remainingMin: number, more: Partial<Week>): Week {
  return {
    person,
    week: '2026-11-16',
    start: '2026-11-16T06:00:00Z',
    end: '2026-11-23T06:00:00Z',
    profile: 'generic_adult',
    days: [],
    credited_ms: creditedMin * minute,
    scheduled_ms: 540 * minute,
    measured_ms: creditedMin * minute,
    qualifying_days: 0,
    need_ms: Math.max(0, 540 - creditedMin) * minute,
    days_need: 0,
    remaining_ms: remainingMin * minute,
    possible_days: 0,
    slack_ms: (creditedMin + remainingMin - 540) * minute,
    verdict: 'on_track',
    over_max: false,
    engaged: null,
    min_ms: 540 * minute,
    max_ms: 1140 * minute,
    sessions_left: 1,
    ...more,
  }
}
