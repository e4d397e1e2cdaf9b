// The dates of a download. A date is one of the program's calendar and has no
// zone here; today is the one on this computer's wall.
import { dateAfter, day } from '../records/zone'

export interface Range {
  readonly from: string
  readonly to: string // included
}

export type Preset = 'today' | 'week' | 'last_month'

export const presets: { readonly [P in Preset]: string } = {
  today: 'Today',
  week: 'This week',
  last_month: 'Last month',
}

/** "2026-11-19" by this computer's calendar. */
export function dateOf(now: Date): string {
  const two = (n: number) => String(n).padStart(2, '0')
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`
}

/** The dates that a preset means on a day; weeks begin on Monday. */
export function rangeOf(preset: Preset, today: string): Range {
  switch (preset) {
    case 'today':
      return { from: today, to: today }
    case 'week': {
      const sinceMonday = (new Date(`${today}T12:00:00Z`).getUTCDay() + 6) % 7
      const from = dateAfter(today, -sinceMonday)
      return { from, to: dateAfter(from, 6) }
    }
    case 'last_month': {
      const to = dateAfter(`${today.slice(0, 7)}-01`, -1)
      return { from: `${to.slice(0, 7)}-01`, to }
    }
    default:
      return preset satisfies never
  }
}

/** The longest range that one file is of. */
const longest = 366

export interface RangeProblems {
  readonly from?: string
  readonly to?: string
}

/** What is wrong with a range, by field. */
export function problemsOf({ from, to }: Range): RangeProblems {
  const [start, end] = [numberOf(from), numberOf(to)]
  if (start === null || end === null)
    return {
      ...(start === null && { from: 'Please give a date.' }),
      ...(end === null && { to: 'Please give a date.' }),
    }
  if (end < start) return { to: 'The last day must not be before the first.' }
  if (end - start >= longest) return { to: `At most ${longest} days in one file.` }
  return {}
}

function numberOf(date: string): number | null {
  const at = /^\d{4}-\d\d-\d\d$/.test(date) ? Date.parse(`${date}T12:00:00Z`) : Number.NaN
  return Number.isNaN(at) ? null : Math.floor(at / day)
}
