import { describe, expect, it } from 'vitest'
import type { Destination } from '../api'
import schema from '../api.gen.json'
import { createCheck } from '../schema'
import { type Draft, destinationOf, draftOf, emptyDraft, placed, withTopic } from './draft'
import { topics } from './words'

const check = createCheck(schema.$defs)
const all = topics.flatMap((t) => t.types)
const webhook: Draft = { ...emptyDraft, id: 'billing', url: ' https://x.example/in ', basis: 'qsoa' }

const documents: Destination[] = [
  {
    ...{ id: 'billing', kind: 'webhook', title: 'Billing', basis: 'qsoa', names: false, enabled: true },
    ...{ url: 'https://x.example/in', allow_private: false, types: ['week.met'], start: 'end' },
    signature: 'ed25519',
    subjects: ['svc-1', 'svc-2'],
  },
  {
    ...{ id: 'ehr', kind: 'fhir', basis: 'consent_tpo', names: true, enabled: false },
    ...{ url: 'https://x.example/fhir', allow_private: false, start: 'beginning' },
    oauth: { token_url: 'https://x.example/token', client_id: 'viop', scope: 'system/*.cruds' },
    system: 'https://clinic.example/ids',
    patient_system: 'urn:oid:1.2.3',
  },
  { id: 'director', kind: 'pull', basis: 'internal', names: true, enabled: true },
]

describe('a draft', () => {
  it.each(documents)('of $id says the same as the document, which the API takes', (document) => {
    const drafted = destinationOf(draftOf(document))
    expect(drafted).toEqual({ ok: true, destination: document })
    expect(check('Destination', document)).toBeNull()
  })

  it('is trimmed, and sends a secret only when one was typed', () => {
    const fhir: Draft = { ...webhook, kind: 'fhir', tokenURL: 'https://x.example/t', client: 'viop' }
    const secretOf = (draft: Draft) => {
      const drafted = destinationOf(draft)
      return drafted.ok && drafted.destination.oauth
    }
    expect(secretOf(fhir)).toEqual({ token_url: 'https://x.example/t', client_id: 'viop' })
    expect(secretOf({ ...fhir, secret: 's3' })).toMatchObject({ client_secret: 's3' })
    expect(destinationOf(webhook)).toMatchObject({ destination: { url: 'https://x.example/in' } })
  })

  it.each([
    ['id', { id: 'two words' }],
    ['id', { id: '' }],
    ['url', { url: ' ' }],
    ['client', { kind: 'fhir', tokenURL: 'https://x.example/t' }],
    ['tokenURL', { kind: 'fhir', client: 'viop' }],
  ] as const)('with a problem of %s is no document: %j', (field, change) => {
    const drafted = destinationOf({ ...webhook, ...change })
    expect(!drafted.ok && Object.keys(drafted.problems)).toEqual([field])
  })

  it('has problems of the server at their fields, and says the others over them', () => {
    const errors = [
      { pointer: '/oauth/token_url', detail: 'No.' },
      { pointer: '/subjects/1', detail: 'Bad id.' },
      { pointer: '/url', detail: 'One.' },
      { pointer: '/url', detail: 'Two.' },
      { pointer: '/unheard/of', detail: 'Else.' },
    ]
    expect(placed({ code: 'invalid', text: '', errors })).toEqual({
      problems: { tokenURL: 'No.', subjects: 'Bad id.', url: 'One. Two.' },
      over: ['Else.'],
    })
  })

  it('that is told everything names no types', () => {
    const weeks = topics[2]?.types ?? []
    const without = withTopic(webhook, weeks, false, all)
    expect(without.types).toEqual(all.filter((t) => !weeks.includes(t)))
    expect(withTopic(without, weeks, true, all).types).toEqual([])
  })
})
