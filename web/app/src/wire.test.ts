import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import schema from '../../../signaling/wire/schema/viop.v1.json'
import { generate } from '../scripts/gen.mjs'
import { unknownKeywords } from './schema'
import { decode, isClientFrame } from './wire'

const corpus = new URL('../../../signaling/wire/testdata/', import.meta.url)
const read = (name: string) => readFileSync(new URL(name, corpus), 'utf8')
const names = readdirSync(corpus).filter((n) => n.endsWith('.json'))
const of = (prefix: string) => names.filter((n) => n.startsWith(prefix))

describe('the corpus that Go decodes too', () => {
  it('has frames of all kinds', () => {
    expect(of('server-').length).toBeGreaterThan(20)
    expect(of('client-').length).toBeGreaterThan(10)
    expect(of('bad-server-').length).toBeGreaterThan(3)
  })

  it.each(of('server-'))('%s is taken', (name) => {
    expect(decode(read(name))).toMatchObject({ ok: true, frame: { t: JSON.parse(read(name)).t } })
  })

  it.each(of('client-'))('%s is a frame of this client', (name) => {
    expect(isClientFrame(JSON.parse(read(name)))).toBe(true)
  })

  it.each(of('bad-server-'))('%s is refused', (name) => {
    expect(decode(JSON.parse(read(name)).text)).toMatchObject({ ok: false })
  })

  it('has every message of the server', () => {
    const types = schema.$defs.ServerFrame.oneOf.map((f) => f.properties.t.const)
    const seen = new Set(of('server-').map((n) => JSON.parse(read(n)).t))
    expect(types.filter((t) => !seen.has(t))).toEqual([])
  })
})

describe('decode', () => {
  it('names the place of a problem and never the content', () => {
    expect(decode('{"t":"room","d":{"rev":"secret"}}')).toEqual({ ok: false, problem: '$.d.state: missing' })
  })

  it('leaves an unknown type alone', () => {
    expect(decode('{"t":"weather","d":{}}')).toEqual({ ok: false, problem: '$.t: unknown type' })
  })
})

describe('the schema', () => {
  it('uses no keyword that decode does not check', () => {
    expect(unknownKeywords(schema)).toEqual([])
  })

  it('gives exactly the types that are committed', async () => {
    const want = (await generate())['wire.gen.ts']
    expect(readFileSync(new URL('./wire.gen.ts', import.meta.url), 'utf8')).toBe(want)
  })
})
