import { describe, expect, it } from 'vitest'
import type { Rule, Span } from '../api'
import { barsOf, spanAt, spanText, stay, ticks } from './timeline'
import { minute } from './zone'

const zone = 'America/Chicago'
const start = Date.parse('2026-11-19T00:00:00Z') // 6 PM
const iso = (minutes: number) => new Date(start + minutes * minute).toISOString()
const span = (rule: Rule, from: number, to: number): Span => ({ rule, start: iso(from), end: iso(to) })
const axis = { start, end: start + 200 * minute }

const evening = [
  span('absent', 0, 10),
  span('lobby', 10, 20),
  span('credited', 20, 100),
  span('bridged', 100, 100.05),
  span('credited', 100.05, 190),
  span('absent', 190, 200),
]

describe('the bars of a person', () => {
  const bars = barsOf(evening, axis)

  it('stand where the spans are, and nowhere else', () => {
    const credited = bars.find((b) => b.span === evening[2])
    expect(credited).toMatchObject({ x: 10, width: 40 })
    expect(bars.map((b) => b.span.rule)).not.toContain('absent')
  })

  it('are wide enough to be seen, and then on top', () => {
    expect(bars.at(-1)).toMatchObject({ span: evening[3], width: 0.8 })
  })

  it('never leave the axis', () => {
    const [last] = barsOf([span('lobby', 199.99, 200)], axis)
    expect(last).toMatchObject({ x: 99.2, width: 0.8 })
    const [first] = barsOf([span('lobby', 0, 0.01)], axis)
    expect(first).toMatchObject({ x: 0, width: 0.8 })
  })
})

it.each([
  [0, 0],
  [9.99, 0],
  [10, 1],
  [100, 3],
  [200, 5],
])('at minute %d it is span %d', (minutes, want) =>
  expect(spanAt(evening, start + minutes * minute)).toBe(want))

it('a span reads as a sentence', () => {
  expect(spanText(zone, span('bridged', 100, 100.75)).replaceAll(' ', ' ')).toBe(
    'Short loss, credited: 7:40 PM to 7:40:45 PM, 45 s',
  )
})

it('a stay is from the lobby to the end, without what staff added', () => {
  expect(stay([span('manual', 0, 10), ...evening.slice(1), span('manual', 200, 210)])).toEqual({
    from: start + 10 * minute,
    to: start + 190 * minute,
  })
  expect(stay([span('absent', 0, 200)])).toBeNull()
})

describe('the clock on the axis', () => {
  const clock = (from: string, hours: number, zone: string) => {
    const at = Date.parse(from)
    return ticks({ start: at, end: at + hours * 60 * minute }, zone).map((t) => (t - at) / minute)
  }
  it('has round times, seven at most', () => {
    expect(clock('2026-11-19T00:10:00Z', 3, zone)).toEqual([20, 50, 80, 110, 140, 170])
    expect(clock('2026-11-19T00:00:00Z', 24, zone)).toHaveLength(6)
  })
  it('is the zone’s own', () => {
    expect(clock('2026-11-19T12:15:00Z', 1, 'Asia/Kathmandu')).toEqual([0, 15, 30, 45, 60])
    expect(clock('2026-11-19T12:15:00Z', 5, 'Asia/Kathmandu')).toEqual([0, 60, 120, 180, 240, 300])
  })
})
