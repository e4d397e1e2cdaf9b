// What an import says of a file, line by line, in words.
import type { ImportReport } from '../api'
import { count, list } from '../records/words'

export type ImportFormat = ImportReport['format']

export const importFormats: { readonly [F in ImportFormat]: string } = {
  csv: 'CSV: sessions, rosters or authorizations',
  ics: 'iCalendar',
  fhir: 'FHIR: Appointments or Groups',
}

/** What the server takes at most; bytes. */
export const largest = 8 << 20

/** Of which format a file is by its name; null when that says nothing. */
export function formatOf(name: string): ImportFormat | null {
  if (/\.csv$/i.test(name)) return 'csv'
  if (/\.(ics|ical|ifb)$/i.test(name)) return 'ics'
  return /\.(json|ndjson)$/i.test(name) ? 'fhir' : null
}

/** The media type under which a file is sent. */
export function typeOf(format: ImportFormat, name: string): string {
  switch (format) {
    case 'csv':
      return 'text/csv'
    case 'ics':
      return 'text/calendar'
    case 'fhir':
      return /\.ndjson$/i.test(name) ? 'application/fhir+ndjson' : 'application/fhir+json'
    default:
      return format satisfies never
  }
}

const acts = ['created', 'changed', 'moved', 'cancelled', 'deleted'] as const

/** "12 are created and 1 is moved; 30 stay as they are." */
export function countText({ count: of }: ImportReport, done: boolean): string {
  const verb = (n: number) => (done ? (n === 1 ? 'was' : 'were') : n === 1 ? 'is' : 'are')
  const words = acts.filter((a) => of[a] > 0).map((a) => `${of[a]} ${verb(of[a])} ${a}`)
  const same = `${of.unchanged} ${of.unchanged === 1 ? 'stays as it is' : 'stay as they are'}`
  if (words.length === 0) return of.unchanged > 0 ? `Nothing changes: ${same}.` : 'There is nothing in it.'
  return `${list(words)}${of.unchanged > 0 ? `; ${same}` : ''}.`
}

export type Line = ImportReport['lines'][number]
export type Document = ImportReport['documents'][number]

/** "Line 12, start": where in the file. */
export function whereText({ line, column }: Pick<Line, 'line' | 'column'>): string {
  const where = line === 0 ? 'The file' : `Line ${line}`
  return column ? `${where}, ${column}` : where
}

const kinds: { readonly [K in Document['kind']]: string } = {
  session: 'Session',
  cohort: 'Cohort',
  authorization: 'Authorization',
  excuse: 'Excuse',
}

/** "Session wed-1800 is moved (start, end)." */
export function documentText({ kind, id, what, fields }: Document, done: boolean): string {
  const which = fields && fields.length > 0 ? ` (${fields.join(', ')})` : ''
  return `${kinds[kind]} ${id} ${done ? 'was' : 'is'} ${what}${which}.`
}

/** What becomes of minutes that were counted already; empty when nothing does. */
export function movedText({ moved = [] }: ImportReport): string {
  if (moved.length === 0) return ''
  return `The minutes of ${count(moved.length, 'record')} are counted anew, because people have been in these sessions. The evidence stays as it is.`
}
