// The HTTP API as the pages of staff use it. Answers come in as `unknown` and
// are checked against the schema the server is tested with; nothing here ever
// rejects, because every way it can go wrong is something to tell people.
import type {
  CorrectionOrder,
  Corrections,
  Explanation,
  Problem,
  ProgramWeeks,
  Sheet,
  SignatureOrder,
  Signatures,
  Timeline,
  Versions,
} from './api.gen'
import schema from './api.gen.json'
import { createCheck } from './schema'

export type * from './api.gen'

interface Answers {
  Sheet: Sheet
  Timeline: Timeline
  Explanation: Explanation
  Versions: Versions
  Corrections: Corrections
  Signatures: Signatures
  ProgramWeeks: ProgramWeeks
  Problem: Problem
}

/** Why there is no answer: the problem's code, or one of the three below. */
export interface Trouble {
  readonly code: string | 'offline' | 'no_token' | 'odd_answer'
  readonly text: string
  readonly errors: readonly { readonly pointer: string; readonly detail: string }[]
  /** With `not_current`: what could be signed now. */
  readonly current?: Problem['current']
}

export type Answer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly trouble: Trouble }

export interface Api {
  sheet(session: string): Promise<Answer<Sheet>>
  timeline(session: string): Promise<Answer<Timeline>>
  explain(session: string, person: string, at: number): Promise<Answer<Explanation>>
  versions(session: string, person: string): Promise<Answer<Versions>>
  corrections(session: string): Promise<Answer<Corrections>>
  signatures(session: string): Promise<Answer<Signatures>>
  correct(session: string, order: CorrectionOrder): Promise<Answer<Sheet>>
  sign(session: string, order: SignatureOrder): Promise<Answer<Sheet>>
  /** Any day of the week; today's without one. */
  programWeeks(program: string, week?: string): Promise<Answer<ProgramWeeks>>
}

export interface ApiOptions {
  /** The API token; `renew` after it was refused. Null when there is none to be had. */
  readonly bearer: (renew: boolean) => Promise<string | null>
  readonly fetch: (path: string, init: RequestInit) => Promise<Response>
  readonly signal: AbortSignal
}

const troubles = {
  offline: 'The server cannot be reached just now. Nothing was changed. Please try again in a moment.',
  no_token: 'The records cannot be opened just now. Please try again in a moment, or open your link again.',
  odd_answer: 'The server answered something this page does not understand. Please reload the page.',
} as const

const trouble = (code: keyof typeof troubles): Answer<never> => ({
  ok: false,
  trouble: { code, text: troubles[code], errors: [] },
})

const problemOf = createCheck(schema.$defs)

function is<K extends keyof Answers>(name: K, value: unknown): value is Answers[K] {
  return problemOf(name, value) === null
}

export function createApi(options: ApiOptions): Api {
  async function ask<K extends keyof Answers>(
    name: K,
    path: string,
    body?: object,
  ): Promise<Answer<Answers[K]>> {
    const first = await send(path, body, false)
    const response = first instanceof Response && first.status === 401 ? await send(path, body, true) : first
    if (!(response instanceof Response)) return trouble(response)
    const value = await contentOf(response)
    if (response.ok) return is(name, value) ? { ok: true, value } : trouble('odd_answer')
    return is('Problem', value) ? { ok: false, trouble: troubleOf(value) } : trouble('odd_answer')
  }

  async function send(path: string, body: object | undefined, renew: boolean) {
    const token = await options.bearer(renew)
    if (token === null) return 'no_token'
    const headers: HeadersInit = { authorization: `Bearer ${token}` }
    const init: RequestInit = { headers, cache: 'no-store', credentials: 'omit', signal: options.signal }
    try {
      return await options.fetch(
        path,
        body
          ? {
              ...init,
              method: 'POST',
              headers: { ...headers, 'content-type': 'application/json' },
              body: JSON.stringify(body),
            }
          : init,
      )
    } catch {
      return 'offline'
    }
  }

  return {
    sheet: (s) => ask('Sheet', at(s, 'attendance')),
    timeline: (s) => ask('Timeline', at(s, 'timeline')),
    explain: (s, p, t) =>
      ask('Explanation', `${at(s, 'attendance', p, 'explain')}?at=${new Date(t).toISOString()}`),
    versions: (s, p) => ask('Versions', at(s, 'attendance', p, 'versions')),
    corrections: (s) => ask('Corrections', at(s, 'corrections')),
    signatures: (s) => ask('Signatures', at(s, 'signatures')),
    correct: (s, order) => ask('Sheet', at(s, 'corrections'), order),
    sign: (s, order) => ask('Sheet', at(s, 'signatures'), order),
    programWeeks: (p, week) =>
      ask('ProgramWeeks', `/v1/programs/${encodeURIComponent(p)}/weeks${week ? `?week=${week}` : ''}`),
  }
}

function at(session: string, ...rest: string[]): string {
  return ['/v1/sessions', ...[session, ...rest].map(encodeURIComponent)].join('/')
}

async function contentOf(response: Response): Promise<unknown> {
  try {
    return await response.json()
  } catch {
    return null
  }
}

function troubleOf(problem: Problem): Trouble {
  return {
    code: problem.type.slice('urn:viop:problem:'.length),
    text: problem.detail ?? problem.title,
    errors: problem.errors ?? [],
    ...(problem.current && { current: problem.current }),
  }
}
