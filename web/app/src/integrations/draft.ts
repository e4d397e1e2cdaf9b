// A destination from what staff fill in to the document that the server takes,
// and from the server's problems back to the fields they are about.
import type { Destination, Trouble } from '../api'
import type { Basis, Kind } from './words'

export interface Draft {
  readonly id: string
  readonly title: string
  readonly kind: Kind
  readonly basis: Basis
  readonly names: boolean
  readonly enabled: boolean
  /** Ids of token subjects, with spaces or commas between them. */
  readonly subjects: string
  readonly url: string
  readonly private: boolean
  /** None is everything. */
  readonly types: readonly string[]
  readonly start: 'end' | 'beginning'
  readonly signature: 'hmac' | 'ed25519'
  readonly tokenURL: string
  readonly client: string
  readonly secret: string
  readonly scope: string
  readonly system: string
  readonly patients: string
}

export const emptyDraft: Draft = {
  ...{ id: '', title: '', kind: 'webhook', basis: '', names: false, enabled: true, subjects: '' },
  ...{ url: '', private: false, types: [], start: 'end', signature: 'hmac' },
  ...{ tokenURL: '', client: '', secret: '', scope: '', system: '', patients: '' },
}

/** The draft that changes a destination. */
export function draftOf(d: Destination): Draft {
  return {
    id: d.id ?? '',
    title: d.title ?? '',
    kind: d.kind,
    basis: d.basis ?? '',
    names: d.names ?? false,
    enabled: d.enabled ?? true,
    subjects: (d.subjects ?? []).join(' '),
    url: d.url ?? '',
    private: d.allow_private ?? false,
    types: d.types ?? [],
    start: d.start ?? 'end',
    signature: d.signature ?? 'hmac',
    tokenURL: d.oauth?.token_url ?? '',
    client: d.oauth?.client_id ?? '',
    secret: '',
    scope: d.oauth?.scope ?? '',
    system: d.system ?? '',
    patients: d.patient_system ?? '',
  }
}

export type Field = keyof Draft
export type Problems = { readonly [F in Field]?: string }

export type Drafted =
  | { readonly ok: true; readonly destination: Destination }
  | { readonly ok: false; readonly problems: Problems }

/** The document that a draft is, or what is plainly wrong with it; the rest the server says. */
export function destinationOf(draft: Draft): Drafted {
  const problems: { [F in Field]?: string } = {}
  if (!/^[A-Za-z0-9._~:-]{1,128}$/.test(draft.id))
    problems.id = 'Letters, digits and . _ ~ : - without spaces, such as billing or ehr-main.'
  if (draft.kind !== 'pull' && !draft.url.trim()) problems.url = 'Please give the address.'
  if (draft.kind === 'fhir' && draft.client && !draft.tokenURL)
    problems.tokenURL = 'Please give the address at which the client gets a token.'
  if (draft.kind === 'fhir' && draft.tokenURL && !draft.client)
    problems.client = 'Please give the name of the client.'
  if (Object.keys(problems).length > 0) return { ok: false, problems }
  return { ok: true, destination: documentOf(draft) }
}

function documentOf(draft: Draft): Destination {
  const subjects = draft.subjects.split(/[\s,]+/).filter(Boolean)
  const trimmed = (key: 'system' | 'patient_system', text: string) => text.trim() && { [key]: text.trim() }
  return {
    id: draft.id,
    kind: draft.kind,
    ...(draft.title.trim() && { title: draft.title.trim() }),
    basis: draft.basis,
    names: draft.names,
    enabled: draft.enabled,
    ...(subjects.length > 0 && { subjects }),
    ...(draft.kind !== 'pull' && {
      url: draft.url.trim(),
      allow_private: draft.private,
      ...(draft.types.length > 0 && { types: [...draft.types] }),
      start: draft.start,
    }),
    ...(draft.kind === 'webhook' && { signature: draft.signature }),
    ...(draft.kind === 'fhir' && {
      ...(draft.tokenURL && { oauth: clientOf(draft) }),
      ...trimmed('system', draft.system),
      ...trimmed('patient_system', draft.patients),
    }),
  }
}

function clientOf({ tokenURL, client, secret, scope }: Draft): NonNullable<Destination['oauth']> {
  return {
    token_url: tokenURL.trim(),
    client_id: client.trim(),
    ...(secret && { client_secret: secret }),
    ...(scope.trim() && { scope: scope.trim() }),
  }
}

const pointers: { readonly [pointer: string]: Field } = {
  '/id': 'id',
  '/title': 'title',
  '/kind': 'kind',
  '/basis': 'basis',
  '/names': 'names',
  '/enabled': 'enabled',
  '/subjects': 'subjects',
  '/url': 'url',
  '/allow_private': 'private',
  '/types': 'types',
  '/start': 'start',
  '/signature': 'signature',
  '/oauth': 'tokenURL',
  '/oauth/token_url': 'tokenURL',
  '/oauth/client_id': 'client',
  '/oauth/client_secret': 'secret',
  '/oauth/scope': 'scope',
  '/system': 'system',
  '/patient_system': 'patients',
}

/** What the server found wrong, by field; what is about no field of the form stays over. */
export function placed({ errors }: Trouble): { problems: Problems; over: string[] } {
  const problems: { [F in Field]?: string } = {}
  const over: string[] = []
  for (const { pointer, detail } of errors) {
    const field = pointers[pointer] ?? pointers[pointer.replace(/\/\d+$/, '')]
    if (!field) over.push(detail)
    else problems[field] = problems[field] ? `${problems[field]} ${detail}` : detail
  }
  return { problems, over }
}

/** The draft with a group of types told, or not told. Told everything, it says no types. */
export function withTopic(
  draft: Draft,
  topic: readonly string[],
  told: boolean,
  all: readonly string[],
): Draft {
  const now = draft.types.length === 0 ? all : draft.types
  const types = told ? [...new Set([...now, ...topic])] : now.filter((t) => !topic.includes(t))
  return { ...draft, types: all.every((t) => types.includes(t)) ? [] : types }
}
