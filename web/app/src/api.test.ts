import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { generate } from '../scripts/gen.mjs'
import { createApi } from './api'
import schema from './api.gen.json'
import { createBearer } from './bearer'
import { createCheck, unknownKeywords } from './schema'

describe('the schema of the API', () => {
  it('uses no keyword that is not checked', () => expect(unknownKeywords(schema)).toEqual([]))

  it.each(['api.gen.ts', 'api.gen.json'])('gives exactly the committed %s', async (name) => {
    expect(readFileSync(new URL(name, import.meta.url), 'utf8')).toBe((await generate())[name])
  })
})

describe('a check', () => {
  const check = createCheck({
    Pair: {
      type: 'object',
      required: ['n'],
      properties: {
        n: { type: ['integer', 'null'], minimum: 1 },
        more: { type: 'object', additionalProperties: { $ref: '#/$defs/Word' } },
      },
    },
    Word: { type: 'string', minLength: 1, maxLength: 2, pattern: '^[a-z]*$' },
    Either: { oneOf: [{ $ref: '#/$defs/Word' }, { type: 'boolean' }] },
  })

  it.each([
    ['Pair', { n: null }, null],
    ['Pair', { n: 2, unheard_of: 1 }, null],
    ['Pair', {}, '$.n: missing'],
    ['Pair', { n: 0 }, '$.n: too small'],
    ['Pair', { n: 1, more: { x: 'secret' } }, '$.more.*: too long'],
    ['Either', true, null],
    ['Either', 'ab', null],
    ['Either', 7, '$: not a string'],
  ])('of %s %j says %s', (name, value, want) => expect(check(name, value)).toBe(want))
})

const problem = { type: 'urn:viop:problem:not_current', title: 'Not current', status: 409 }

function server(...answers: (() => Response)[]) {
  const asked: { path: string; init: RequestInit }[] = []
  const renewals: boolean[] = []
  const api = createApi({
    bearer: async (renew) => {
      renewals.push(renew)
      return renew ? 'new' : 'old'
    },
    fetch: async (path, init) => {
      asked.push({ path, init })
      const answer = answers[asked.length - 1]
      if (!answer) throw new Error('no network')
      return answer()
    },
    signal: new AbortController().signal,
  })
  return { api, asked, renewals }
}

describe('an answer of the API', () => {
  it('is given on when it is what the schema says', async () => {
    const { api, asked } = server(() => Response.json({ corrections: [] }))
    expect(await api.corrections('a b')).toEqual({ ok: true, value: { corrections: [] } })
    expect(asked[0]?.path).toBe('/v1/sessions/a%20b/corrections')
  })

  it('of another kind is never taken for one', async () => {
    const { api } = server(() => Response.json({ corrections: [{ id: 1 }] }))
    expect(await api.corrections('s')).toMatchObject({ ok: false, trouble: { code: 'odd_answer' } })
  })

  it('that is a problem keeps its code and what is current', async () => {
    const current = { version: 2, hash: 'a'.repeat(64), head: 'b'.repeat(64) }
    const { api } = server(() => Response.json({ ...problem, current }, { status: 409 }))
    expect(await api.sign('s', { version: 1, hash: '', head: '' })).toEqual({
      ok: false,
      trouble: { code: 'not_current', text: 'Not current', errors: [], current },
    })
  })

  it('401 is asked for once more with a new token', async () => {
    const refused = { ...problem, type: 'urn:viop:problem:unauthorized', status: 401 }
    const { api, asked, renewals } = server(
      () => Response.json(refused, { status: 401 }),
      () => Response.json({ signatures: [] }),
    )
    expect(await api.signatures('s')).toEqual({ ok: true, value: { signatures: [] } })
    expect(renewals).toEqual([false, true])
    expect(new Headers(asked[1]?.init.headers).get('authorization')).toBe('Bearer new')
  })

  it('that does not come is said in words, not thrown', async () => {
    expect(await server().api.sheet('s')).toMatchObject({ ok: false, trouble: { code: 'offline' } })
  })
})

describe('the bearer', () => {
  it('asks once for many, and again before the token runs out', async () => {
    let clock = 0
    let asked = 0
    const bearer = createBearer(
      async () => ({ token: `t${++asked}`, until: clock + 600_000 }),
      () => clock,
    )
    expect(await Promise.all([bearer(false), bearer(false)])).toEqual(['t1', 't1'])
    clock = 500_000
    expect(await bearer(false)).toBe('t1')
    clock = 545_000
    expect(await bearer(false)).toBe('t2')
    expect(await bearer(true)).toBe('t3')
  })

  it('without a token has none, and asks again the next time', async () => {
    let asked = 0
    const bearer = createBearer(async () =>
      ++asked > 1 ? { token: 't', until: Number.POSITIVE_INFINITY } : null,
    )
    expect([await bearer(false), await bearer(false)]).toEqual([null, 't'])
  })
})
