import { describe, expect, it } from 'vitest'
import type { Answer, Explanation, RecordsApi, Sheet, SheetVersion } from '../api'
import { comparison } from './compare'
import { changes, createDesk, isDue, nameIn, summary } from './desk'
import { at, record, timeline, zone } from './evening'

const hash = 'a'.repeat(64)
const version: SheetVersion = { version: 1, hash, state: 'unsigned', people: ['ana'] }
const signature = { session: 's1', version: 1, by: 'tia', at: at(200), hash, head: hash }

function sheet(more: Partial<Sheet> = {}): Sheet {
  return {
    format: 'viop.attendance.records/1',
    as_of: at(190),
    timezone: zone,
    notice: '',
    session: { session: 's1', flags: [], patients_max: 1, first_evidence: null, last_evidence: null },
    records: [record({})],
    head: 'b'.repeat(64),
    versions: [version],
    stale: [],
    occupied: false,
    people: [{ person: 'ana', name: 'Ana P.' }],
    facilitators: [{ person: 'tia', name: 'Tia W.' }],
    provenance: { evaluator: '', tzdata: '' },
    ...more,
  }
}

const fine = async <T>(value: T): Promise<Answer<T>> => ({ ok: true, value })
const refuse = async (code: string): Promise<Answer<never>> => ({
  ok: false,
  trouble: { code, text: code, errors: [] },
})

function server(more: Partial<RecordsApi> = {}) {
  const calls: string[] = []
  const noted = <T>(name: string, run: () => T): T => {
    calls.push(name)
    return run()
  }
  const api: RecordsApi = {
    sheet: () => noted('sheet', () => fine(sheet())),
    timeline: () => fine(timeline),
    corrections: () => fine({ corrections: [] }),
    signatures: () => fine({ signatures: [] }),
    versions: () => refuse('not_found'),
    explain: () => noted('explain', () => refuse('not_found')),
    correct: () => fine(sheet()),
    sign: () => fine(sheet()),
    programWeeks: () => refuse('not_found'),
    ...more,
  }
  return { desk: createDesk(api, 's1', 'tia'), calls }
}

describe('the desk', () => {
  it('lays out the papers', async () => {
    const { desk } = server()
    await desk.load()
    const { papers, trouble, loading } = desk.state.value
    expect([trouble, loading]).toEqual([null, false])
    expect(
      papers && [summary(papers), nameIn(papers, 'ana'), nameIn(papers, 'tia'), nameIn(papers, 'x')],
    ).toEqual(['unsigned', 'Ana P.', 'Tia W.', 'x'])
  })

  it('keeps what it has when it cannot be read again', async () => {
    let works = true
    const { desk } = server({ sheet: () => (works ? fine(sheet()) : refuse('offline')) })
    await desk.load()
    works = false
    await desk.load()
    expect(desk.state.value.papers).not.toBeNull()
    expect(desk.state.value.trouble?.code).toBe('offline')
  })

  it('signs what was read: the version, its hash and the head', async () => {
    const orders: unknown[] = []
    const { desk } = server({
      sign: (_, order) => {
        orders.push(order)
        return fine(sheet())
      },
    })
    await desk.load()
    expect(await desk.sign(version)).toBeNull()
    expect(orders).toEqual([{ version: 1, hash, head: 'b'.repeat(64) }])
    expect(desk.state.value.said).toBe('Version 1 is signed.')
  })

  it('reads again and says so when the records are not what was read', async () => {
    const { desk, calls } = server({ sign: () => refuse('not_current') })
    await desk.load()
    expect(await desk.sign(version)).toMatchObject({ code: 'not_current' })
    expect(calls.filter((c) => c === 'sheet')).toHaveLength(2)
    expect(desk.state.value.warned).toMatch(/^Nothing was signed/)
    expect(desk.state.value.said).toBe('')
  })

  it('leaves the papers alone when a correction is refused for what it says', async () => {
    const { desk, calls } = server({ correct: () => refuse('invalid') })
    await desk.load()
    expect(await desk.correct({ op: 'add', reason: 'other' })).toMatchObject({ code: 'invalid' })
    expect(calls.filter((c) => c === 'sheet')).toHaveLength(1)
  })

  it('asks about an instant once, and again only after it failed', async () => {
    let works = false
    const answer: Explanation = {
      session: 's1',
      person: 'ana',
      at: at(0),
      as_of: at(1),
      credited: true,
      span: { rule: 'credited', start: at(0), end: at(1) },
      text: '',
      steps: [],
      evidence: [
        { epoch: 1, seq: 1, at: at(0), type: 'admitted', person: 'tia', connection: 'c1-1' },
        { epoch: 1, seq: 2, at: at(0), type: 'admitted', person: 'ana', connection: 'c1-2' },
        { epoch: 1, seq: 3, at: at(1), type: 'seen', connection: 'c1-2' },
      ],
      corrections: [],
      provenance: { evaluator: '', tzdata: '' },
    }
    let asked = 0
    const { desk } = server({
      explain: () => {
        asked++
        return works ? fine(answer) : refuse('offline')
      },
    })
    await desk.explain('ana', 0)
    works = true
    await desk.explain('ana', 0)
    await desk.explain('ana', 0)
    expect(asked).toBe(2)
    expect(await desk.connections('ana', [0])).toEqual(['c1-2'])
  })
})

it.each([
  ['unsigned', false, true],
  ['amended', false, true],
  ['signed', false, false],
  ['open', false, false],
  ['unsigned', true, false],
] as const)('%s, with people in the room %s: to be signed %s', async (state, occupied, due) => {
  const of: SheetVersion = { ...version, state }
  const { desk } = server({ sheet: () => fine(sheet({ versions: [of], occupied })) })
  await desk.load()
  const { papers } = desk.state.value
  expect(papers && isDue(papers, of)).toBe(due)
})

describe('a record that changed after it was signed', () => {
  const other = 'c'.repeat(64)
  const before = record({ credited_ms: 149 * 60_000, connected_ms: 159 * 60_000 })
  const now = record({
    version: 2,
    state: 'amended',
    hash: other,
    credited_ms: 170 * 60_000,
    connected_ms: 159 * 60_000,
    manual_ms: 21 * 60_000,
  })
  const reading = { version: 1, hash, as_of: at(190), head: hash, record: before, signatures: [signature] }

  it('is shown beside what was signed of it', async () => {
    const { desk } = server({
      sheet: () => fine(sheet({ records: [now] })),
      versions: () =>
        fine({
          session: 's1',
          person: 'ana',
          versions: [
            { ...reading, signatures: [] },
            reading,
            { ...reading, version: 2, hash: other, record: now },
          ],
        }),
    })
    await desk.load()
    const { papers } = desk.state.value
    expect(papers && changes(papers)).toEqual([{ person: 'ana', signed: reading, now }])
  })

  it('without a correction is stale: shown, and due to be signed again', async () => {
    const late = record({ state: 'signed', hash: other, credited_ms: 150 * 60_000 })
    const stale = [{ person: 'ana', version: 1, by: 'tia', at: at(200), signed: hash, hash: other }]
    const signed: SheetVersion = { ...version, state: 'signed' }
    const { desk } = server({
      sheet: () => fine(sheet({ records: [late], versions: [signed], stale })),
      versions: () => fine({ session: 's1', person: 'ana', versions: [reading] }),
    })
    await desk.load()
    const { papers } = desk.state.value
    expect(papers && [summary(papers), isDue(papers, signed), changes(papers).length]).toEqual([
      'stale',
      true,
      1,
    ])
  })

  it('is compared line by line, without the lines that say nothing', () => {
    expect(comparison(before, now, zone).map((l) => [l.what, l.signed, l.now, l.changed])).toEqual([
      ['Credited', '2 h 29 m', '2 h 50 m', true],
      ['Status', 'Attended', 'Attended', false],
      ['Connected', '2 h 39 m', '2 h 39 m', false],
      ['Added by correction', '–', '21 m', true],
    ])
  })
})
