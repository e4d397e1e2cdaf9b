// The HTTP API as the pages of staff use it. Answers come in as `unknown` and
// are checked against the schema the server is tested with; nothing here ever
// rejects, because every way it can go wrong is something to tell people.
import type {
  CorrectionOrder,
  Corrections,
  DeadLetters,
  Deliveries,
  DeliveryAttempt,
  Destination,
  Destinations,
  Disclosures,
  Explanation,
  ImportReport,
  NewDestinationKey,
  Problem,
  ProgramWeeks,
  Redriven,
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
  Destinations: Destinations
  Destination: Destination
  NewDestinationKey: NewDestinationKey
  DeliveryAttempt: DeliveryAttempt
  Deliveries: Deliveries
  DeadLetters: DeadLetters
  Redriven: Redriven
  Disclosures: Disclosures
  ImportReport: ImportReport
  Problem: Problem
}

/** Why there is no answer: the problem's code, or one of those below. */
export interface Trouble {
  readonly code: string | keyof typeof troubles
  readonly text: string
  readonly errors: readonly { readonly pointer: string; readonly detail: string }[]
  /** With `not_current`: what could be signed now. */
  readonly current?: Problem['current']
  /** With `import_refused`: what is wrong with the file, by line. */
  readonly report?: ImportReport
}

export type Answer<T> =
  | { readonly ok: true; readonly value: T; readonly tag?: string }
  | { readonly ok: false; readonly trouble: Trouble }

/** A document and its version, as it was read; without one there is none yet. */
export interface Edit<T> {
  readonly value: T
  readonly tag?: string | undefined
}

/** A file as it comes in, and the name that the server gave it. */
export interface Taken {
  readonly body: Blob
  readonly name: string
}

/** The records of sessions and weeks. */
export interface RecordsApi {
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

/** Who is told about them. */
export interface DeliveryApi {
  destinations(): Promise<Answer<Destinations>>
  destination(id: string): Promise<Answer<Destination>>
  /** Puts it in when it has no version, and changes that version otherwise. */
  putDestination(id: string, edit: Edit<Destination>): Promise<Answer<Destination>>
  removeDestination(id: string, tag: string): Promise<Answer<null>>
  newKey(id: string): Promise<Answer<NewDestinationKey>>
  deliveries(id: string): Promise<Answer<Deliveries>>
  deadLetters(id: string, after?: number): Promise<Answer<DeadLetters>>
  /** One dead letter, or all of them. */
  redrive(id: string, seq?: number): Promise<Answer<Redriven>>
  test(id: string): Promise<Answer<DeliveryAttempt>>
  disclosures(person: string, after?: number): Promise<Answer<Disclosures>>
  /** A file; `came` hears how many bytes are here. */
  take(path: string, came: (bytes: number) => void, signal: AbortSignal): Promise<Answer<Taken>>
}

/** A file of a scheduling system. */
export interface ImportOrder {
  readonly format: ImportReport['format']
  readonly file: Blob
  readonly type: string
  /** Of what names none in the file; may be empty. */
  readonly program: string
  /** Which calendar or server it is; may be empty. */
  readonly source: string
  /** Names this import, so that it happens once; without it nothing is changed. */
  readonly key?: string
}

export interface ImportApi {
  import(order: ImportOrder): Promise<Answer<ImportReport>>
}

export interface Api extends RecordsApi, DeliveryApi, ImportApi {}

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
  broken_off: 'The file broke off before its end, so nothing of it was kept. Please try again.',
  stopped: 'You stopped it. Nothing was kept.',
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
    order: Order = {},
  ): Promise<Answer<Answers[K]>> {
    const response = await sent(path, order)
    if (!(response instanceof Response)) return trouble(response)
    if (!response.ok) return refused(response)
    const value = await contentOf(response)
    return is(name, value) ? { ok: true, value, ...tagOf(response) } : trouble('odd_answer')
  }

  /** For what is answered with nothing. */
  async function act(path: string, order: Order): Promise<Answer<null>> {
    const response = await sent(path, order)
    if (!(response instanceof Response)) return trouble(response)
    return response.ok ? { ok: true, value: null } : refused(response)
  }

  async function take(
    path: string,
    came: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<Answer<Taken>> {
    const response = await sent(path, { signal: AbortSignal.any([signal, options.signal]) })
    if (signal.aborted) return trouble('stopped')
    if (!(response instanceof Response)) return trouble(response)
    if (!response.ok) return refused(response)
    const body = await bodyOf(response, came)
    if (!body) return trouble(signal.aborted ? 'stopped' : 'broken_off')
    return { ok: true, value: { body, name: fileName(response) } }
  }

  // sent asks once more with a new token when the first was refused.
  async function sent(path: string, order: Order) {
    const first = await send(path, order, false)
    return first instanceof Response && first.status === 401 ? send(path, order, true) : first
  }

  async function send(path: string, { method, body, headers, signal }: Order, renew: boolean) {
    const token = await options.bearer(renew)
    if (token === null) return 'no_token'
    try {
      return await options.fetch(path, {
        method: method ?? (body ? 'POST' : 'GET'),
        headers: {
          authorization: `Bearer ${token}`,
          ...(body && { 'content-type': body instanceof Blob ? body.type : 'application/json' }),
          ...headers,
        },
        ...(body && { body: body instanceof Blob ? body : JSON.stringify(body) }),
        cache: 'no-store',
        credentials: 'omit',
        signal: signal ?? options.signal,
      })
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
    correct: (s, order) => ask('Sheet', at(s, 'corrections'), { body: order }),
    sign: (s, order) => ask('Sheet', at(s, 'signatures'), { body: order }),
    programWeeks: (p, week) =>
      ask('ProgramWeeks', `/v1/programs/${encodeURIComponent(p)}/weeks${week ? `?week=${week}` : ''}`),
    destinations: () => ask('Destinations', '/v1/destinations'),
    destination: (d) => ask('Destination', to(d)),
    putDestination: (d, { value, tag }) =>
      ask('Destination', to(d), {
        method: 'PUT',
        body: value,
        headers: tag === undefined ? { 'if-none-match': '*' } : { 'if-match': tag },
      }),
    removeDestination: (d, tag) => act(to(d), { method: 'DELETE', headers: { 'if-match': tag } }),
    newKey: (d) => ask('NewDestinationKey', to(d, 'keys'), { method: 'POST' }),
    deliveries: (d) => ask('Deliveries', to(d, 'deliveries')),
    deadLetters: (d, after) =>
      ask('DeadLetters', `${to(d, 'dead-letters')}${after ? `?after=${after}` : ''}`),
    redrive: (d, seq) => ask('Redriven', to(d, 'redrive'), { body: seq === undefined ? {} : { seq } }),
    test: (d) => ask('DeliveryAttempt', to(d, 'test'), { method: 'POST' }),
    disclosures: (p, after) =>
      ask('Disclosures', `/v1/people/${encodeURIComponent(p)}/disclosures${after ? `?after=${after}` : ''}`),
    take,
    import: ({ format, file, type, program, source, key }) => {
      const query = new URLSearchParams({
        ...(key === undefined && { dry_run: '1' }),
        ...(program && { program }),
        ...(source && { source }),
      })
      return ask('ImportReport', `/v1/imports/${format}?${query}`, {
        body: file.slice(0, file.size, type),
        ...(key !== undefined && { headers: { 'idempotency-key': key } }),
      })
    },
  }
}

/** What is asked of the server beside the path; a GET when it says nothing. */
interface Order {
  readonly method?: 'POST' | 'PUT' | 'DELETE'
  /** A file with its type, or a document. */
  readonly body?: Blob | object
  readonly headers?: { readonly [name: string]: string }
  readonly signal?: AbortSignal
}

function at(session: string, ...rest: string[]): string {
  return ['/v1/sessions', ...[session, ...rest].map(encodeURIComponent)].join('/')
}

function to(destination: string, ...rest: string[]): string {
  return ['/v1/destinations', ...[destination, ...rest].map(encodeURIComponent)].join('/')
}

function tagOf(response: Response): { tag?: string } {
  const tag = response.headers.get('etag')
  return tag === null ? {} : { tag }
}

// fileName is what Content-Disposition says, which for our files is plain.
function fileName(response: Response): string {
  return /filename="([^"]+)"/.exec(response.headers.get('content-disposition') ?? '')?.[1] ?? ''
}

// bodyOf is null when the body broke off.
async function bodyOf(response: Response, came: (bytes: number) => void): Promise<Blob | null> {
  const parts: BlobPart[] = []
  let bytes = 0
  try {
    const reader = response.body?.getReader()
    for (let got = await reader?.read(); got && !got.done; got = await reader?.read()) {
      parts.push(got.value)
      bytes += got.value.length
      came(bytes)
    }
  } catch {
    return null
  }
  return new Blob(parts, { type: response.headers.get('content-type') ?? '' })
}

async function refused(response: Response): Promise<Answer<never>> {
  const value = await contentOf(response)
  return is('Problem', value) ? { ok: false, trouble: troubleOf(value) } : trouble('odd_answer')
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
    ...(problem.report && { report: problem.report }),
  }
}
