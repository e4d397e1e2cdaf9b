// The words of the integrations page: who is told what, why they may be, and
// how that goes, for people who did not write the program.
import type { DeadLetter, DeliveryAttempt, Destination, Disclosure } from '../api'
import { count } from '../records/words'
import { hours } from '../words'

export type Kind = Destination['kind']
export type Basis = NonNullable<Destination['basis']>

export const kinds: { readonly [K in Kind]: { readonly title: string; readonly text: string } } = {
  pull: { title: 'Download or pull', text: 'It fetches by itself, or somebody downloads for it.' },
  webhook: { title: 'Webhook', text: 'Short messages without names are sent to an address.' },
  fhir: { title: 'FHIR server', text: 'Encounters, appointments and weeks are written to a server.' },
}

export interface BasisWords {
  readonly title: string
  readonly text: string
  /** Where 42 CFR part 2 says so. */
  readonly where: string
}

export const bases: { readonly [B in Exclude<Basis, ''>]: BasisWords } = {
  internal: {
    title: 'Inside the program',
    text: 'Staff of the program, or of whoever directs it, who need it for their work.',
    where: '§\u00a02.12(c)(3)',
  },
  qsoa: {
    title: 'Service agreement',
    text: 'A company that works for the program under a qualified service organization agreement.',
    where: '§\u00a02.12(c)(4)',
  },
  consent_tpo: {
    title: 'Consent to treatment, payment and operations',
    text: 'Each patient has given one consent for all of these.',
    where: '§\u00a02.33(b)',
  },
  consent_specific: {
    title: 'Consent to this recipient',
    text: 'Each patient has given a consent that names this recipient.',
    where: '§\u00a02.31',
  },
  emergency: {
    title: 'Medical emergency',
    text: 'Medical staff need it in an emergency in which no consent can be had.',
    where: '§\u00a02.51',
  },
  court: {
    title: 'Court order',
    text: 'A court has ordered it, under subpart E.',
    where: '§\u00a02.61',
  },
}

/** The bases in the order in which a form offers them. */
export const basisCodes: readonly Exclude<Basis, ''>[] = [
  ...(['internal', 'qsoa', 'consent_tpo', 'consent_specific', 'emergency', 'court'] as const),
]

/** On what basis, in a line. */
export function basisText(basis: Destination['basis']): string {
  return basis ? `${bases[basis].title} (42\u00a0CFR ${bases[basis].where})` : 'No basis: nothing leaves'
}

/** What staff call a destination. */
export function titleOf(destination: Destination): string {
  return destination.title || destination.id || ''
}

const results: { readonly [R in DeliveryAttempt['result']]: string } = {
  delivered: 'Delivered',
  refused: 'Refused',
  unreached: 'Not reached',
  withheld: 'Held back',
}

/** "Refused with 503": what became of an attempt. */
export function resultText({
  result,
  status,
}: Pick<DeliveryAttempt | DeadLetter, 'result' | 'status'>): string {
  return status === undefined || result === 'delivered'
    ? results[result]
    : `${results[result]} with ${status}`
}

/** Why, in a sentence; for an attempt that says nothing, what its result means. */
export function reasonOf({ result, problem }: Pick<DeliveryAttempt, 'result' | 'problem'>): string {
  return problem ?? meanings[result]
}

const meanings: { readonly [R in DeliveryAttempt['result']]: string } = {
  delivered: 'It arrived.',
  refused: 'The receiver answered that it does not take it.',
  unreached: 'The receiver did not answer.',
  withheld: 'Nothing was sent.',
}

const types: { readonly [type: string]: string } = {
  'viop.test': 'A test',
  'attendance.record.finalized': 'Minutes of a session',
  'attendance.record.amended': 'Changed minutes',
  'attendance.record.withdrawn': 'Minutes withdrawn',
  'attendance.record.signed': 'A signature',
  'attendance.no_show': 'Did not come',
  'attendance.lobby_only': 'Stayed in the lobby',
  'week.no_minimum': 'Week: no minimum',
  'week.partial_week': 'Week: part of a week',
  'week.met': 'Week: met',
  'week.not_met': 'Week: not met',
  'week.cannot_meet': 'Week: needs make-up time',
  'week.at_risk': 'Week: at risk',
  'week.on_track': 'Week: on track',
  'authorization.low': 'Authorization: low',
  'authorization.exhausted': 'Authorization: used up',
  'authorization.recovered': 'Authorization: enough again',
}

/** What an item tells; a type of a newer server is said as it is. */
export function typeText(type: string): string {
  return types[type] ?? type
}

/** What can be told, in the groups that a form offers. */
export const topics: readonly { readonly title: string; readonly types: readonly string[] }[] = [
  { title: 'Minutes of sessions, changes and signatures', types: startingWith('attendance.record.') },
  { title: 'Did not come, or stayed in the lobby', types: ['attendance.no_show', 'attendance.lobby_only'] },
  { title: 'How each week stands', types: startingWith('week.') },
  { title: 'Authorizations that run low', types: startingWith('authorization.') },
]

function startingWith(prefix: string): string[] {
  return Object.keys(types).filter((t) => t.startsWith(prefix))
}

const formats: { readonly [F in Disclosure['format']]: string } = {
  feed: 'Fetched from the feed',
  weeks: 'Weeks fetched',
  csv: 'Downloaded as CSV',
  fhir: 'Downloaded as FHIR',
  webhook: 'Sent to a webhook',
  fhir_push: 'Written to a FHIR server',
}

export function formatText(format: Disclosure['format']): string {
  return formats[format]
}

const minute = 60_000

/** How long something has been so: "less than a minute", "12 m", "3 h 05 m", "4 days". */
export function ageText(ms: number): string {
  if (ms < minute) return 'less than a minute'
  if (ms < 24 * 60 * minute) return hours(ms)
  return count(Math.floor(ms / (24 * 60 * minute)), 'day')
}

/** "just now", "12 m ago". */
export function agoText(ms: number): string {
  return ms < minute ? 'just now' : `${ageText(ms)} ago`
}

/** "512 bytes", "3.4 MB". */
export function sizeText(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`
  const [n, unit] = bytes < 1_000_000 ? [bytes / 1000, 'kB'] : [bytes / 1_000_000, 'MB']
  return `${n < 10 ? n.toFixed(1) : Math.round(n)} ${unit}`
}

/** An instant by this computer's clock: "Nov 19, 2026, 8:04:11 AM". */
export function whenText(time: string): string {
  return new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' }).format(
    Date.parse(time),
  )
}
