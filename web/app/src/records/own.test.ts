import { describe, expect, it } from 'vitest'
import type { Week } from '../wire'
import { ownWeek } from './own'
import { minute } from './zone'

const week = (more: Partial<Week>): Week => ({
  credited_ms: 360 * minute,
  credited_text: '6 h 00 m',
  min_ms: 540 * minute,
  min_text: '9 h 00 m',
  need_ms: 180 * minute,
  need_text: '3 h 00 m',
  sessions_left: 1,
  verdict: 'on_track',
  ends: Date.parse('2026-11-23T06:00:00Z'), // Monday, midnight in Chicago
  ...more,
})

describe('a patient’s own week', () => {
  it('says what is there, what is needed and what is left', () => {
    expect(ownWeek(week({ days: 2, days_need: 1, sessions_left: 2 }))).toEqual([
      'You have 6 h 00 m this week. Your plan asks for 9 h 00 m.',
      'You have 2 of the 3 full days your plan asks for.',
      'You need 3 h 00 m and 1 full day more by Sunday. There are 2 sessions left: if you come and stay, you will reach your hours.',
    ])
  })

  it.each<[Week['verdict'], Partial<Week>, RegExp]>([
    ['met', { need_ms: 0 }, /^You have reached this week’s hours\.$/],
    ['at_risk', {}, /^You need 3 h 00 m more by Sunday\. There is 1 session left, with little time to spare/],
    ['cannot_meet', {}, /There is 1 session left, which is not enough\. Your program can tell you/],
    ['cannot_meet', { sessions_left: 0 }, /There is no session left\. Your program can tell you/],
    ['not_met', { sessions_left: 0 }, /^The week is over/],
    ['partial_week', {}, /nothing more is asked/],
  ])('%s with %j reads well', (verdict, more, want) => {
    expect(ownWeek(week({ verdict, ...more })).at(-1)).toMatch(want)
  })

  it('without a minimum is only what is there', () => {
    const { min_text, ...free } = week({ verdict: 'no_minimum' })
    expect(ownWeek(free)).toEqual(['You have 6 h 00 m this week.'])
  })
})
