import { describe, expect, it } from 'vitest'
import type { CorrectionOrder } from '../api'
import { type Draft, emptyDraft, offers, orderOf } from './correction'
import { effectsOf, preview, reasonText } from './effect'
import { at, timeline } from './evening'
import { minute } from './zone'

const names: { readonly [id: string]: string } = { ana: 'Ana P.', ben: 'Ben K.', tia: 'Tia W.' }
const setting = { timeline, nameOf: (p: string) => names[p] ?? p }
const draft = (change: Partial<Draft>): Draft => ({
  ...emptyDraft,
  person: 'ana',
  from: '18:50',
  to: '19:11',
  reason: 'phone_participation',
  ...change,
})

describe('what is filled in', () => {
  it('becomes an order in instants', () => {
    expect(orderOf(draft({}), setting)).toEqual({
      ok: true,
      order: { op: 'add', person: 'ana', start: at(50), end: at(71), reason: 'phone_participation' },
    })
  })

  it.each([
    ['add', ['op', 'person', 'start', 'end', 'reason']],
    ['remove', ['op', 'person', 'start', 'end', 'reason']],
    ['declare_break', ['op', 'start', 'end', 'reason']],
    ['cancel_break', ['op', 'start', 'end', 'reason']],
    ['extend_window', ['op', 'start', 'end', 'reason']],
    ['reassign', ['op', 'person', 'connection', 'reason']],
    ['set_status', ['op', 'person', 'status', 'reason']],
  ] as const)('%s has no fields but its own', (choice, fields) => {
    const ordered = orderOf(draft({ choice, connection: 'c1-3', rightful: 'ben' }), setting)
    expect(ordered.ok && Object.keys(ordered.order).sort()).toEqual([...fields].sort())
  })

  it('of a facilitator who was there is an add of theirs', () => {
    expect(orderOf(draft({ choice: 'lead', facilitator: 'tia' }), setting)).toMatchObject({
      order: { op: 'add', person: 'tia' },
    })
  })

  it('names the right person of a connection, not the one it counts for', () => {
    expect(
      orderOf(draft({ choice: 'reassign', connection: 'c1-3', rightful: 'ben' }), setting),
    ).toMatchObject({
      order: { op: 'reassign', person: 'ben', connection: 'c1-3' },
    })
  })

  it.each<[string, Partial<Draft>, Partial<{ readonly [field: string]: string }>]>([
    ['no times', { from: '', to: '' }, { from: 'Please fill this in.', to: 'Please fill this in.' }],
    ['an end before the start', { from: '19:11', to: '18:50' }, { to: 'The end must be after the start.' }],
    ['a time of another day', { from: '06:00' }, { from: 'There is no such time in or near this session.' }],
    ['no reason', { reason: '' }, { reason: 'Please choose a reason.' }],
    [
      'another reason without a note',
      { reason: 'other', note: '  ' },
      { note: 'Please say what the reason is.' },
    ],
    ['nobody', { choice: 'lead' }, { facilitator: 'Please choose a person.' }],
  ])('with %s is sent back with what is wrong', (_, change, problems) => {
    expect(orderOf(draft(change), setting)).toEqual({ ok: false, problems })
  })
})

describe('what a correction would do', () => {
  const order = (more: Partial<CorrectionOrder>): CorrectionOrder => ({
    op: 'add',
    reason: 'other',
    start: at(40),
    end: at(85),
    ...more,
  })
  const of = (more: Partial<CorrectionOrder>, lead = false) =>
    effectsOf(order(more), timeline, lead)?.map((e) => [e.person, e.ms / minute, e.atMost])

  it.each<[string, Partial<CorrectionOrder>, unknown]>([
    ['adds only what is not credited, outside the breaks', { person: 'ana' }, [['ana', 21, false]]],
    ['adds nothing outside the window', { person: 'ana', start: at(-60), end: at(0) }, []],
    ['adds nothing that another session has', { person: 'ben', start: at(100), end: at(180) }, []],
    ['takes out only what is credited', { op: 'remove', person: 'ana' }, [['ana', -19, false]]],
    [
      'a break takes from everybody',
      { op: 'declare_break' },
      [
        ['ana', -19, false],
        ['ben', -40, false],
      ],
    ],
    [
      'a break that was none gives back at most itself',
      { op: 'cancel_break' },
      [
        ['ana', 5, true],
        ['ben', 5, true],
      ],
    ],
    [
      'a longer session reaches what was outside',
      { op: 'extend_window', start: at(-10), end: at(0) },
      [['ben', 10, true]],
    ],
    ['a status moves no minutes', { op: 'set_status', person: 'ana' }, []],
  ])('%s', (_, more, want) => expect(of(more)).toEqual(want))

  it('adds nothing that lies in the future', () => {
    const early = { ...timeline, as_of: at(60) }
    expect(effectsOf(order({ person: 'ana' }), early, false)).toEqual([
      { person: 'ana', ms: 10 * minute, atMost: false },
    ])
  })

  it('a facilitator gives back at most what had none', () => {
    expect(of({ person: 'tia', start: at(0), end: at(8) }, true)).toEqual([['ben', 8, true]])
  })

  it('of another person cannot be told before', () =>
    expect(of({ op: 'reassign', person: 'ben' })).toBeUndefined())

  it('is said in sentences', () => {
    const text = preview(order({ person: 'ana' }), setting, false).join(' ')
    expect(text.replaceAll(' ', ' ')).toBe(
      'Ana P. took part from 6:40 PM to 7:25 PM (45 m). Credited time of Ana P. rises by 21 m.',
    )
  })
})

it('offers what is likely meant, the longest first', () => {
  expect(offers('add', 'ana', timeline)).toEqual([{ start: at(50), end: at(71) }])
  expect(offers('lead', '', timeline)).toMatchObject([{ start: at(0), end: at(8) }])
  expect(offers('cancel_break', '', timeline)).toEqual(timeline.breaks)
  expect(offers('set_status', 'ana', timeline)).toEqual([])
})

it.each([
  ['phone_participation', undefined, 'Took part by phone'],
  ['device_failure', 'tablet', 'A device or browser failed: tablet'],
  ['other', 'fire alarm', 'fire alarm'],
] as const)('the reason %s with the note %s reads "%s"', (reason, note, want) =>
  expect(reasonText({ reason, ...(note && { note }) })).toBe(want))
