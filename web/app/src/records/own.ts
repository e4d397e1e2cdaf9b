// A patient's own week in plain words: what is there, what is needed, and what
// is left to reach it. Nobody is blamed, and nothing is promised.
import type { Week } from '../wire'
import { count } from './words'
import { day } from './zone'

/** The week, sentence by sentence. */
export function ownWeek(week: Week): string[] {
  const plan = week.min_text ? ` Your plan asks for ${week.min_text}.` : ''
  return [`You have ${week.credited_text} this week.${plan}`, daysText(week), outlook(week)].filter(Boolean)
}

function daysText({ days = 0, days_need = 0, verdict }: Week): string {
  if (days_need === 0 || verdict === 'partial_week') return ''
  return `You have ${days === 0 ? 'none' : days} of the ${days + days_need} full days your plan asks for.`
}

function outlook(week: Week): string {
  const left = week.sessions_left ?? 0
  const sessions = left === 1 ? 'There is 1 session left' : `There are ${left} sessions left`
  switch (week.verdict) {
    case 'met':
      return 'You have reached this week’s hours.'
    case 'on_track':
      return `${needs(week)} ${sessions}: if you come and stay, you will reach your hours.`
    case 'at_risk':
      return `${needs(week)} ${sessions}, with little time to spare: every minute of it helps.`
    case 'cannot_meet':
      return `${needs(week)} ${left === 0 ? 'There is no session left' : `${sessions}, which is not enough`}. Your program can tell you how to make up the time.`
    case 'not_met':
      return 'The week is over, and it was not quite enough. Your program will talk with you about what comes next.'
    case 'partial_week':
      return 'You began or ended in the middle of this week, so nothing more is asked of it.'
    default:
      return ''
  }
}

// needs is "You need 3 h and 1 more full day by Sunday."
function needs(week: Week): string {
  const time = week.need_ms ? (week.need_text ?? '') : ''
  const days = week.days_need ? count(week.days_need, 'full day') : ''
  return `You need ${[time, days].filter(Boolean).join(' and ')} more${by(week.ends)}.`
}

// The week ends at the program's midnight. Half a day earlier it is the same
// weekday wherever the patient may be.
function by(ends: number | undefined): string {
  if (ends === undefined) return ''
  return ` by ${new Intl.DateTimeFormat(undefined, { weekday: 'long' }).format(ends - day / 2)}`
}
