// Everybody's week against the minimum, whoever can still be helped first.
import type { Verdict, Week } from '../api'
import { hours } from '../words'
import { count, needed } from './words'
import { instant, minute, weekdayIn } from './zone'

// At risk comes first: a call today still helps them. Then those who need
// make-up time, and those for whom the week is over.
const order: readonly Verdict[] = [
  'at_risk',
  'cannot_meet',
  'not_met',
  'on_track',
  'partial_week',
  'met',
  'no_minimum',
]

export function nameOf(week: Week): string {
  return week.name ?? week.person
}

/** At risk first, and of these the one with the least slack. */
export function ranked(weeks: readonly Week[]): Week[] {
  const slack = (w: Week) => w.slack_ms ?? Number.POSITIVE_INFINITY
  return [...weeks].sort(
    (a, b) =>
      order.indexOf(a.verdict) - order.indexOf(b.verdict) ||
      Math.sign(slack(a) - slack(b)) ||
      nameOf(a).localeCompare(nameOf(b)) ||
      (a.person < b.person ? -1 : 1),
  )
}

/** How many have each verdict, in the order of the page; none left out but the empty. */
export function tally(weeks: readonly Week[]): { verdict: Verdict; people: number }[] {
  return order
    .map((verdict) => ({ verdict, people: weeks.filter((w) => w.verdict === verdict).length }))
    .filter(({ people }) => people > 0)
}

/** "Needs 3 h 18 m more by Sunday; 1 session left". */
export function outlook(week: Week, zone: string): string {
  const { need_ms, days_need, slack_ms } = week
  switch (week.verdict) {
    case 'no_minimum':
      return 'No weekly minimum.'
    case 'partial_week':
      return 'Began or ended inside this week, so nothing is asked of it.'
    case 'met':
      return week.over_max ? 'Reached, and over the week’s maximum.' : 'Reached.'
    case 'not_met':
      return `Short by ${wanting(need_ms ?? 0, days_need)}.`
    case 'cannot_meet':
      return `${sentence(week, zone)}, which is not enough.${makeUp(slack_ms ?? 0)}`
    case 'at_risk':
      return `${sentence(week, zone)}. ${spare(slack_ms ?? 0)}`
    case 'on_track':
      return `${sentence(week, zone)}.`
    default:
      return week.verdict satisfies never
  }
}

// spare: what may still be lost is rounded down, as credit is.
function spare(ms: number): string {
  return ms < minute ? 'Nothing to spare.' : `${hours(ms)} to spare.`
}

function makeUp(slack: number): string {
  return slack < 0 ? ` At least ${needed(-slack)} of make-up time is needed.` : ''
}

function sentence(week: Week, zone: string): string {
  const by = weekdayIn(zone, instant(week.end) - 1)
  const left = week.sessions_left === 0 ? 'no session left' : `${count(week.sessions_left, 'session')} left`
  return `Needs ${wanting(week.need_ms ?? 0, week.days_need)} more by ${by}; ${left}`
}

// wanting is "3 h 18 m", "1 day" or "3 h 18 m and 1 day".
function wanting(ms: number, days: number): string {
  const words = [ms > 0 && needed(ms), days > 0 && count(days, 'full day')].filter(Boolean)
  return words.length > 0 ? words.join(' and ') : needed(0)
}

/** "6 h 00 m of 9 h 00 m"; what the minimum is measured by, where that is not credit. */
export function progress(week: Week): string {
  const of = week.min_ms === null ? '' : ` of ${hours(week.min_ms)}`
  if (week.measured_ms === week.credited_ms) return `${hours(week.credited_ms)}${of}`
  return `${hours(week.credited_ms)} credited, ${hours(week.measured_ms)}${of} by the plan’s own measure`
}

/** Days that qualify, in words. */
export function daysText(week: Week): string {
  const had = count(week.qualifying_days, 'full day')
  if (week.days_need === 0 || week.verdict === 'partial_week') return had
  return `${had} of ${week.qualifying_days + week.days_need}`
}

/** The bar of a week, in percent of what all bars of the page show. */
export interface WeekBars {
  readonly credited: number
  readonly remaining: number
  readonly minimum: number | null
}

/** The longest that any bar has to show; ms. */
export function scaleOf(weeks: readonly Week[]): number {
  return Math.max(1, ...weeks.map((w) => Math.max(w.min_ms ?? 0, w.credited_ms + w.remaining_ms)))
}

export function barsOf(week: Week, scale: number): WeekBars {
  const percent = (ms: number) => Math.round((10_000 * Math.min(ms, scale)) / scale) / 100
  return {
    credited: percent(week.credited_ms),
    remaining: percent(week.credited_ms + week.remaining_ms) - percent(week.credited_ms),
    minimum: week.min_ms === null ? null : percent(week.min_ms),
  }
}
