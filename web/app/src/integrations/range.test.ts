import { describe, expect, it } from 'vitest'
import { problemsOf, rangeOf } from './range'

describe('a range', () => {
  it.each([
    ['today', '2026-11-19', '2026-11-19', '2026-11-19'],
    ['week', '2026-11-16', '2026-11-16', '2026-11-22'], // a Monday
    ['week', '2026-11-22', '2026-11-16', '2026-11-22'], // a Sunday
    ['last_month', '2026-03-31', '2026-02-01', '2026-02-28'],
    ['last_month', '2027-01-15', '2026-12-01', '2026-12-31'],
  ] as const)('of %s on %s is %s to %s', (preset, today, from, to) =>
    expect(rangeOf(preset, today)).toEqual({ from, to }))

  it.each([
    ['2026-01-01', '2026-12-31', []],
    ['2026-01-01', '2027-01-01', []], // 366 days
    ['2026-01-01', '2027-01-02', ['to']],
    ['2026-01-02', '2026-01-01', ['to']],
    ['', '', ['from', 'to']],
    ['2026-13-01', '2026-12-31', ['from']],
  ])('from %s to %s has problems %j', (from, to, want) =>
    expect(Object.keys(problemsOf({ from, to }))).toEqual(want))
})
