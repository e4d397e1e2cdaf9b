import { describe, expect, it } from 'vitest'
import { dateAfter, exactIn, fieldTime, instantsAt, minute, weekdayIn, weekSpan, zoneName } from './zone'

const chicago = 'America/Chicago'
const utc = (text: string) => Date.parse(text)

describe('a time of day of the program', () => {
  it.each([
    ['America/Chicago', '18:02', '2026-11-19T00:02:00Z'],
    ['Europe/Berlin', '18:02:41', '2026-11-18T17:02:41Z'],
    ['Australia/Lord_Howe', '18:02', '2026-11-18T07:02:00Z'],
    ['Asia/Kathmandu', '18:02', '2026-11-18T12:17:00Z'],
  ])('in %s at %s is %s', (zone, time, want) => {
    const at = utc(want)
    expect(instantsAt(zone, time, at - 180 * minute, at + 180 * minute)).toEqual([at])
    expect(fieldTime(zone, at).startsWith(time)).toBe(true)
  })

  it('is two instants in the hour that is repeated, told apart by name', () => {
    const both = instantsAt(chicago, '01:30', utc('2026-11-01T05:00:00Z'), utc('2026-11-01T09:00:00Z'))
    expect(both).toEqual([utc('2026-11-01T06:30:00Z'), utc('2026-11-01T07:30:00Z')])
    expect(both.map((at) => zoneName(chicago, at))).toEqual(['CDT', 'CST'])
  })

  it('is none in the hour that is left out', () => {
    expect(instantsAt(chicago, '02:30', utc('2026-03-08T06:00:00Z'), utc('2026-03-08T10:00:00Z'))).toEqual([])
  })

  it('is found across midnight', () => {
    const from = utc('2026-11-09T04:30:00Z') // 22:30
    expect(instantsAt(chicago, '00:15', from, from + 180 * minute)).toEqual([utc('2026-11-09T06:15:00Z')])
  })

  it('outside of the span or unreadable is none', () => {
    const from = utc('2026-11-19T00:00:00Z')
    expect(instantsAt(chicago, '17:59', from, from + 180 * minute)).toEqual([])
    expect(instantsAt(chicago, '6 o’clock', from, from + 180 * minute)).toEqual([])
  })
})

it('seconds are said only when there are some', () => {
  expect(exactIn(chicago, utc('2026-11-19T00:02:00.900Z'))).toMatch(/^6:02\s?PM$/)
  expect(exactIn(chicago, utc('2026-11-19T00:02:41Z'))).toMatch(/^6:02:41\s?PM$/)
})

it('a week is named by its days', () => {
  expect(weekSpan('2026-12-28')).toBe('Dec 28 to Jan 3, 2027')
  expect(dateAfter('2026-03-02', 7)).toBe('2026-03-09')
  expect(weekdayIn(chicago, utc('2026-11-16T05:59:59.999Z'))).toBe('Sunday')
})
