import { describe, expect, it } from 'vitest'
import type { Week } from '../api'
import { barsOf, daysText, outlook, progress, ranked, scaleOf, tally } from './cohort'
import { week, zone } from './evening'
import { minute } from './zone'

const at_risk = (person: string, slack: number) =>
  week(person, 360, 180 + slack, { verdict: 'at_risk', days_need: 1, qualifying_days: 2 })

describe('everybody', () => {
  const weeks = [
    week('met', 550, 0, { verdict: 'met' }),
    week('fine', 360, 360, {}),
    at_risk('loose', 30),
    week('short', 300, 0, { verdict: 'not_met' }),
    week('free', 90, 0, { verdict: 'no_minimum', slack_ms: null, min_ms: null }),
    at_risk('tight', 0),
    { ...at_risk('zoe', 0), name: 'Abel Z.' },
    week('late', 342, 180, { verdict: 'cannot_meet' }),
  ]

  it('is shown at risk first, the least slack before the others, then by name', () => {
    expect(ranked(weeks).map((w) => w.person)).toEqual([
      'zoe',
      'tight',
      'loose',
      'late',
      'short',
      'fine',
      'met',
      'free',
    ])
  })

  it('is in the same order whatever came first', () => {
    expect(ranked([...weeks].reverse())).toEqual(ranked(weeks))
  })

  it('is counted by verdict', () => {
    expect(tally(weeks).slice(0, 2)).toEqual([
      { verdict: 'at_risk', people: 3 },
      { verdict: 'cannot_meet', people: 1 },
    ])
  })
})

describe('the outlook', () => {
  it.each<[string, Week]>([
    [
      'Needs 3 h 18 m more by Sunday; 1 session left. Nothing to spare.',
      week('p', 342, 198, { verdict: 'at_risk' }),
    ],
    ['Needs 3 h 00 m and 1 full day more by Sunday; 1 session left. 30 m to spare.', at_risk('p', 30)],
    [
      'Needs 3 h 18 m more by Sunday; 1 session left, which is not enough. At least 18 m of make-up time is needed.',
      week('p', 342, 180, { verdict: 'cannot_meet' }),
    ],
    [
      'Needs 2 full days more by Sunday; 1 session left, which is not enough.',
      week('p', 540, 180, { verdict: 'cannot_meet', days_need: 2 }),
    ],
    ['Needs 3 h 00 m more by Sunday; 2 sessions left.', week('p', 360, 360, { sessions_left: 2 })],
    ['Needs 3 h 00 m more by Sunday; no session left.', week('p', 360, 0, { sessions_left: 0 })],
    ['Short by 2 h 05 m and 1 full day.', week('p', 415, 0, { verdict: 'not_met', days_need: 1 })],
    ['Reached.', week('p', 540, 0, { verdict: 'met' })],
    ['Reached, and over the week’s maximum.', week('p', 1200, 0, { verdict: 'met', over_max: true })],
    [
      'No weekly minimum.',
      week('p', 95, 0, { verdict: 'no_minimum', need_ms: null, slack_ms: null, min_ms: null }),
    ],
  ])('"%s"', (want, w) => expect(outlook(w, zone)).toBe(want))

  it('rounds what is needed up and what is credited down', () => {
    const almost = week('p', 539, 180, {
      verdict: 'at_risk',
      need_ms: 1,
      credited_ms: 540 * minute - 1,
      measured_ms: 540 * minute - 1,
    })
    expect(outlook(almost, zone)).toMatch(/^Needs 1 m more/)
    expect(progress(almost)).toBe('8 h 59 m of 9 h 00 m')
  })
})

it('days are told against the minimum while there is one to reach', () => {
  expect(daysText(at_risk('p', 0))).toBe('2 full days of 3')
  expect(daysText(week('p', 180, 0, { qualifying_days: 1 }))).toBe('1 full day')
})

it('a minimum that is not measured by credit says so', () => {
  expect(progress(week('p', 180, 0, { measured_ms: 540 * minute }))).toBe(
    '3 h 00 m credited, 9 h 00 m of 9 h 00 m by the plan’s own measure',
  )
})

it('bars share one scale, and none leaves it', () => {
  const weeks = [week('a', 360, 360, {}), week('b', 180, 0, { min_ms: null })]
  const scale = scaleOf(weeks)
  expect(scale).toBe(720 * minute)
  expect(weeks.map((w) => barsOf(w, scale))).toEqual([
    { credited: 50, remaining: 50, minimum: 75 },
    { credited: 25, remaining: 0, minimum: null },
  ])
  expect(scaleOf([])).toBe(1)
})
