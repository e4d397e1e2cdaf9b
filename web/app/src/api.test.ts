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

describe('a destination', () => {
  const destination = { kind: 'pull', basis: 'internal' } as const
  const sent = (asked: { path: string; init: RequestInit }[]) =>
    asked.map(({ init }) => {
      const headers = new Headers(init.headers)
      return [init.method, headers.get('if-match'), headers.get('if-none-match')]
    })

  it('is read with its version, changed in that version, and put in only where there is none', async () => {
    const answer = () => Response.json(destination, { headers: { etag: '"7"' } })
    const { api, asked } = server(answer, answer, answer)
    expect(await api.destination('d')).toEqual({ ok: true, value: destination, tag: '"7"' })
    await api.putDestination('d', { value: destination, tag: '"7"' })
    await api.putDestination('d', { value: destination })
    expect(sent(asked)).toEqual([
      ['GET', null, null],
      ['PUT', '"7"', null],
      ['PUT', null, '*'],
    ])
  })
})

describe('a file', () => {
  const zip = { 'content-type': 'application/zip', 'content-disposition': 'attachment; filename="a.zip"' }
  const inTwo = (end: (c: ReadableStreamDefaultController<Uint8Array>) => void) =>
    new ReadableStream<Uint8Array>({
      start: (c) => {
        c.enqueue(new Uint8Array(3))
        c.enqueue(new Uint8Array(4))
        end(c)
      },
    })
  const never = new AbortController().signal

  it('comes in with its name, its token in a header alone, and tells how much is there', async () => {
    const { api, asked } = server(
      () =>
        new Response(
          inTwo((c) => c.close()),
          { headers: zip },
        ),
    )
    const came: number[] = []
    const got = await api.take('/v1/attendance.zip?from=a', (bytes) => came.push(bytes), never)
    expect(got).toMatchObject({ ok: true, value: { name: 'a.zip' } })
    expect(got.ok && got.value.body.size).toBe(7)
    expect(came).toEqual([3, 7])
    expect(asked[0]?.path).not.toContain('old')
  })

  it('that breaks off is none', async () => {
    const broken = inTwo((c) => setTimeout(() => c.error(new Error('reset'))))
    const { api } = server(() => new Response(broken, { headers: zip }))
    expect(await api.take('/f', () => {}, never)).toMatchObject({
      ok: false,
      trouble: { code: 'broken_off' },
    })
  })

  it('that somebody stopped is none, and no fault', async () => {
    const stop = new AbortController()
    stop.abort()
    const { api } = server()
    expect(await api.take('/f', () => {}, stop.signal)).toMatchObject({ trouble: { code: 'stopped' } })
  })
})

describe('an import', () => {
  const count = { created: 0, changed: 0, moved: 0, cancelled: 0, deleted: 0, unchanged: 0 }
  const report = { format: 'csv', lines: [], refused: 1, documents: [], count }
  const order = { format: 'csv', file: new Blob(['a']), type: 'text/csv', program: 'p', source: '' } as const

  it('without a key changes nothing, and with one happens once', async () => {
    const { api, asked } = server(
      () => Response.json(report),
      () => Response.json(report),
    )
    await api.import(order)
    await api.import({ ...order, key: 'k1' })
    expect(asked.map((a) => a.path)).toEqual([
      '/v1/imports/csv?dry_run=1&program=p',
      '/v1/imports/csv?program=p',
    ])
    const headers = asked.map((a) => new Headers(a.init.headers))
    expect(headers.map((h) => [h.get('content-type'), h.get('idempotency-key')])).toEqual([
      ['text/csv', null],
      ['text/csv', 'k1'],
    ])
  })

  it('that is refused says what is wrong, by line', async () => {
    const refused = { type: 'urn:viop:problem:import_refused', title: 'No', status: 422, report }
    const { api } = server(() => Response.json(refused, { status: 422 }))
    expect(await api.import(order)).toMatchObject({ ok: false, trouble: { code: 'import_refused', report } })
  })
})
