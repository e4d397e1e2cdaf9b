// Generates the types of the protocol and of the API from their schemas, and
// for the API the schemas themselves as JSON, because the page checks answers
// with them. `--check` writes nothing and fails when a committed file is not
// what would be written.
import { readFile, writeFile } from 'node:fs/promises'
import { load } from 'js-yaml'
import { compile } from 'json-schema-to-typescript'

const here = (path) => new URL(path, import.meta.url)
const read = (path) => readFile(here(path), 'utf8')

const wireSource = 'signaling/wire/schema/viop.v1.json'
const apiSource = 'web/api/openapi.yaml'

/** What the page tells the API and is told; what these are made of comes along. */
const wanted = [
  ...['Sheet', 'Timeline', 'Explanation', 'Versions', 'ProgramWeeks', 'Problem'],
  ...['CorrectionOrder', 'SignatureOrder'],
  ...[
    'Destination',
    'DestinationStatus',
    'NewDestinationKey',
    'DeliveryAttempt',
    'DeadLetter',
    'Disclosure',
    'ImportReport',
  ],
]

/** Answers without a name of their own. */
const unnamed = {
  Corrections: 'listCorrections',
  Signatures: 'listSignatures',
  Destinations: 'listDestinations',
  Deliveries: 'listDeliveries',
  DeadLetters: 'listDeadLetters',
  Redriven: 'redrive',
  Disclosures: 'listDisclosures',
}

/** The generated files, by the place they belong to. */
export async function generate() {
  const wire = JSON.parse(await read(`../../../${wireSource}`))
  const api = apiSchema(load(await read(`../../../${apiSource}`)))
  return {
    'wire.gen.ts': await types(wire, 'ViopV1', wireSource),
    'api.gen.ts': await types(api, 'Api', apiSource),
    'api.gen.json': `${JSON.stringify(withoutWords(api))}\n`,
  }
}

const types = (schema, name, source) =>
  compile(structuredClone(schema), name, {
    additionalProperties: false, // unknown fields are ignored, not typed
    ignoreMinAndMaxItems: true,
    unreachableDefinitions: true,
    bannerComment: `// Generated from ${source} by \`npm run gen\`. Do not edit.`,
  })

function apiSchema(document) {
  const all = { ...document.components.schemas, ...answers(document) }
  const $defs = {}
  const take = (name) => {
    if (name in $defs) return
    $defs[name] = plain(all[name])
    JSON.stringify($defs[name], (key, value) => {
      if (key === '$ref') take(value.slice('#/$defs/'.length))
      return value
    })
  }
  for (const name of [...wanted, ...Object.keys(unnamed)]) take(name)
  return { $defs: Object.fromEntries(Object.entries($defs).sort(([a], [b]) => (a < b ? -1 : 1))) }
}

function answers(document) {
  const operations = Object.values(document.paths).flatMap((path) => Object.values(path))
  const answer = (id) =>
    operations.find((o) => o.operationId === id).responses['200'].content['application/json'].schema
  return Object.fromEntries(Object.entries(unnamed).map(([name, id]) => [name, answer(id)]))
}

// plain is a schema of OpenAPI as JSON Schema, references by themselves and
// without what is said to people beside them.
function plain(node) {
  if (Array.isArray(node)) return node.map(plain)
  if (typeof node !== 'object' || node === null) return node
  if (typeof node.$ref === 'string') return { $ref: node.$ref.replace('#/components/schemas/', '#/$defs/') }
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, plain(value)]))
}

// The page decides by the schema and shows none of its words.
function withoutWords(schema) {
  return JSON.parse(
    JSON.stringify(schema, (key, v) => (key === 'description' && typeof v === 'string' ? undefined : v)),
  )
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  for (const [name, want] of Object.entries(await generate())) {
    const place = `../src/${name}`
    if (!process.argv.includes('--check')) await writeFile(here(place), want)
    else if ((await read(place)) !== want) {
      console.error(`src/${name} is stale: npm run gen`)
      process.exitCode = 1
    }
  }
}
