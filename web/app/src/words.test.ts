import { describe, expect, it } from 'vitest'
import { level } from './meter'
import { loadSeat, readClaims, saveSeat, takeToken } from './seat'
import { wantOf } from './want'
import { hours, initials, waited, weekText } from './words'

const minute = 60_000

describe('words for time', () => {
  it.each([
    [0, '0 m'],
    [59_999, '0 m'],
    [60 * minute, '1 h 00 m'],
    [9 * 60 * minute - 1, '8 h 59 m'],
  ])('%d ms of credit are rounded down to %s', (ms, want) => expect(hours(ms)).toBe(want))

  it.each([
    [-5, 'just now'],
    [4 * minute, '4 min'],
    [65 * minute, '1 h 05 min'],
  ])('waiting for %d ms is %s', (ms, want) => expect(waited(ms)).toBe(want))

  it('says the week in one line', () => {
    const week = {
      credited_ms: 1,
      credited_text: '6 h 00 m',
      min_text: '9 h',
      sessions_left: 1,
      verdict: 'on_track',
    }
    expect(weekText(week)).toBe('6 h 00 m of 9 h this week, 1 session left')
    expect(weekText({ ...week, min_ms: 9 * 60 * minute, min_text: '9 h 00 m' })).toBe(weekText(week))
    expect(weekText({ credited_ms: 1, credited_text: '2 h 50 m', verdict: 'no_minimum' })).toBe(
      '2 h 50 m this week',
    )
  })
})

it.each([
  ['Ana P.', 'AP'],
  ['Željko', 'Ž'],
  ['  ', ''],
])('the initials of "%s" are "%s"', (name, want) => expect(initials(name)).toBe(want))

describe('the invite', () => {
  it('is taken out of the address bar', () => {
    const shown: (string | URL | null | undefined)[] = []
    const history = {
      replaceState: (_: unknown, __: string, url?: string | URL | null) => void shown.push(url),
    }
    expect(takeToken({ hash: '#t=a.b.c', pathname: '/', search: '' }, history)).toBe('a.b.c')
    expect(shown).toEqual(['/'])
    expect(takeToken({ hash: '', pathname: '/', search: '' }, history)).toBeNull()
  })

  it('greets by the name it carries, and by none when it is not readable', () => {
    const payload = btoa(JSON.stringify({ name: 'Ana P.', role: 'patient' }))
    expect(readClaims(`x.${payload}.y`)).toEqual({ name: 'Ana P.', role: 'patient' })
    expect(readClaims('garbage')).toEqual({ name: '', role: '' })
  })
})

describe('the stored seat', () => {
  const store = (text: string | null) => {
    let value = text
    return {
      getItem: () => value,
      setItem: (_: string, v: string) => {
        value = v
      },
      removeItem: () => {
        value = null
      },
    }
  }

  it('comes back as it was', () => {
    const s = store(null)
    const seat = { token: 't', instance: 'i', kept: null, checkedIn: true }
    saveSeat(s, seat)
    expect(loadSeat(s)).toEqual(seat)
  })

  it.each(['nonsense', '[]', '{"token":1}', 'null'])('%s is no seat', (text) =>
    expect(loadSeat(store(text))).toBeNull())

  it('without a valid welcome is only the invite', () => {
    const text = '{"token":"t","instance":"i","kept":{"welcome":{},"resume":"r","ack":1}}'
    expect(loadSeat(store(text))).toEqual({ token: 't', instance: 'i', kept: null, checkedIn: false })
  })
})

describe('what the page shows', () => {
  const tile = { handle: 'm2', source: 'camera' as const, visible: true, height: 120.4 }
  it('is told in device pixels', () => {
    expect(wantOf([tile], null, false, 3)).toEqual([{ handle: 'm2', source: 'camera', height: 361 }])
  })
  it('is nothing while the page is hidden or the tile scrolled away', () => {
    expect(wantOf([tile], null, true, 1)[0]?.height).toBe(0)
    expect(wantOf([{ ...tile, visible: false }], null, false, 1)[0]?.height).toBe(0)
  })
})

it('the meter reads silence as 0 and a loud voice as 1', () => {
  expect(level(new Float32Array(512))).toBe(0)
  expect(level(new Float32Array(512).fill(0.5))).toBe(1)
  expect(level(new Float32Array(512).fill(0.02))).toBeCloseTo(0.52, 1)
})
