import { describe, expect, it } from 'vitest'
import type { Destination, DestinationStatus } from '../api'
import { type Row, ranked, sentenceOf, standingOf, waiting } from './standing'

const now = Date.parse('2026-11-19T12:00:00Z')
const ago = (minutes: number) => new Date(now - minutes * 60_000).toISOString()
const attempt = (minutes: number, result: 'delivered' | 'refused', status: number) =>
  ({ at: ago(minutes), seq: 1, type: 'week.met', try: 1, result, status, took: '<1s' }) as const

function row(status: Partial<DestinationStatus> = {}, destination: Partial<Destination> = {}): Row {
  return {
    destination: { id: 'a', kind: 'webhook', basis: 'qsoa', ...destination },
    status: {
      ...{ stopped: [], backlog: 0, queued: 0, dead_letters: 0, keys: [], has_client_secret: false },
      ...status,
    },
  }
}

describe('a destination', () => {
  it.each([
    ['up_to_date', row()],
    ['ready', row({}, { kind: 'pull' })],
    ['no_basis', row({ stopped: ['no_basis', 'disabled', 'no_key'] })],
    ['no_key', row({ stopped: ['no_key'] })],
    ['off', row({ stopped: ['disabled'] })],
    ['gone', row({ stopped: ['disabled'], last_failed: attempt(2, 'refused', 410) })],
    // It was switched on again after it had said so, and somebody switched it off later.
    [
      'off',
      row({
        stopped: ['disabled'],
        last_failed: attempt(9, 'refused', 410),
        last_delivered: attempt(2, 'delivered', 200),
      }),
    ],
    ['sending', row({ backlog: 3, oldest: ago(1) })],
    ['behind', row({ backlog: 3, oldest: ago(11) })],
    ['behind', row({ backlog: 3, oldest: ago(1), last_failed: attempt(1, 'refused', 503) })],
    ['held', row({ backlog: 3, oldest: ago(99), held_until: ago(-5) })],
    ['dead_letters', row({ backlog: 3, oldest: ago(99), dead_letters: 1 })],
  ] as const)('is %s', (want, given) => {
    expect(standingOf(given, now)).toBe(want)
    expect(sentenceOf(given, now)).not.toBe('')
  })

  it('says what waits and since when', () => {
    expect(waiting(row({ backlog: 1, oldest: ago(185) }), now)).toBe(
      '1 change waits, the oldest for 3 h 05 m.',
    )
    expect(waiting(row({ backlog: 14 }), now)).toBe('14 changes wait.')
    expect(waiting(row(), now)).toBe('Nothing waits.')
  })

  it('that needs somebody comes first, then they go by name', () => {
    const rows = [
      row({}, { id: 'b', title: 'Beta' }),
      row({}, { id: 'c', title: 'Alpha' }),
      row({ dead_letters: 2 }, { id: 'd', title: 'Zeta' }),
      row({ stopped: ['no_basis'] }, { id: 'e', basis: '' }),
    ]
    expect(ranked(rows, now).map((r) => r.destination.id)).toEqual(['e', 'd', 'c', 'b'])
  })
})
