import { describe, expect, it } from 'vitest'
import type { ImportReport } from '../api'
import schema from '../api.gen.json'
import { countText, documentText, formatOf, typeOf, whereText } from './report'
import { ageText, agoText, bases, basisText, reasonOf, resultText, sizeText, topics, typeText } from './words'

describe('the words', () => {
  it('know every basis of the contract', () => {
    const { basis } = schema.$defs.Destination.properties
    expect(['', ...Object.keys(bases)].sort()).toEqual([...basis.enum].sort())
  })

  it('know every type that a topic has', () => {
    for (const type of topics.flatMap((t) => t.types)) expect(typeText(type)).not.toBe(type)
    expect(typeText('of.tomorrow')).toBe('of.tomorrow')
  })

  it('say that without a basis nothing leaves', () => expect(basisText('')).toBe('No basis: nothing leaves'))

  it.each([
    [0, 'less than a minute', 'just now'],
    [12 * 60_000, '12 m', '12 m ago'],
    [185 * 60_000, '3 h 05 m', '3 h 05 m ago'],
    [26 * 3_600_000, '1 day', '1 day ago'],
    [75 * 3_600_000, '3 days', '3 days ago'],
  ])('of an age of %d ms are %j and %j', (ms, age, ago) => {
    expect(ageText(ms)).toBe(age)
    expect(agoText(ms)).toBe(ago)
  })

  it.each([
    [512, '512 bytes'],
    [3_400, '3.4 kB'],
    [8 << 20, '8.4 MB'],
    [123_456_789, '123 MB'],
  ])('of %d bytes are %s', (bytes, want) => expect(sizeText(bytes)).toBe(want))

  it('of an attempt have the status of a refusal, and a reason always', () => {
    expect(resultText({ result: 'delivered', status: 202 })).toBe('Delivered')
    expect(resultText({ result: 'refused', status: 503 })).toBe('Refused with 503')
    expect(resultText({ result: 'unreached' })).toBe('Not reached')
    expect(reasonOf({ result: 'unreached' })).toBe('The receiver did not answer.')
  })
})

const none = { created: 0, changed: 0, moved: 0, cancelled: 0, deleted: 0, unchanged: 0 }
const report = (count: Partial<ImportReport['count']>): ImportReport => ({
  ...{ format: 'csv', lines: [], refused: 0, documents: [], count: { ...none, ...count } },
})

describe('the report of an import', () => {
  it.each([
    [{ created: 12, moved: 1, unchanged: 30 }, false, '12 are created and 1 is moved; 30 stay as they are.'],
    [{ created: 12, moved: 1 }, true, '12 were created and 1 was moved.'],
    [{ unchanged: 1 }, true, 'Nothing changes: 1 stays as it is.'],
    [{}, false, 'There is nothing in it.'],
  ])('counts %j', (of, done, want) => expect(countText(report(of), done)).toBe(want))

  it('says where and what', () => {
    expect(whereText({ line: 12, column: 'start' })).toBe('Line 12, start')
    expect(whereText({ line: 0 })).toBe('The file')
    expect(
      documentText({ line: 2, kind: 'session', id: 's1', what: 'moved', fields: ['start'] }, false),
    ).toBe('Session s1 is moved (start).')
  })

  it.each([
    ['a.CSV', 'csv', 'text/csv'],
    ['a.ics', 'ics', 'text/calendar'],
    ['a.ndjson', 'fhir', 'application/fhir+ndjson'],
    ['a.json', 'fhir', 'application/fhir+json'],
  ] as const)('takes %s for %s', (name, format, type) => {
    expect(formatOf(name)).toBe(format)
    expect(typeOf(format, name)).toBe(type)
  })
})
