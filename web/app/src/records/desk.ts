// The desk at which a session's records are reviewed: what has been read of
// them as one plain object, and the acts of whoever sits there. A record that
// somebody else changed meanwhile is read again before anything is signed.
import { type ReadonlySignal, signal } from '@preact/signals'
import type {
  Answer,
  Correction,
  CorrectionOrder,
  Explanation,
  Record,
  RecordsApi,
  Sheet,
  SheetVersion,
  Signature,
  Timeline,
  Trouble,
  Versions,
} from '../api'
import { lastSigned } from './compare'

export interface Papers {
  readonly sheet: Sheet
  readonly timeline: Timeline
  readonly corrections: readonly Correction[]
  readonly signatures: readonly Signature[]
  /** Every stored reading, of those whose record has changed after it was signed. */
  readonly amended: readonly Versions[]
}

export interface DeskState {
  readonly papers: Papers | null
  readonly loading: boolean
  /** Why there are no papers, or no newer ones. */
  readonly trouble: Trouble | null
  /** What was done last, to be read out. */
  readonly said: string
  /** What was not done, because the records are not what they were. */
  readonly warned: string
}

export interface Desk {
  readonly state: ReadonlySignal<DeskState>
  /** Who sits here; empty when that is not known. */
  readonly self: string
  readonly session: string
  load(): Promise<void>
  explain(person: string, at: number): Promise<Answer<Explanation>>
  /** The person's connections that the evidence at these instants is of. */
  connections(person: string, instants: readonly number[]): Promise<string[]>
  correct(order: CorrectionOrder): Promise<Trouble | null>
  sign(version: SheetVersion): Promise<Trouble | null>
}

/** What made the papers on the desk old: others have corrected or signed. */
const outdated: ReadonlySet<string> = new Set(['not_current', 'nothing_changes', 'id_taken', 'superseded'])

const notCurrent =
  'Nothing was signed: the records changed while you were reading. They were read again and are shown as they are now. Please look at them before you sign.'

export function createDesk(api: RecordsApi, session: string, self: string): Desk {
  const state = signal<DeskState>({ papers: null, loading: false, trouble: null, said: '', warned: '' })
  const set = (change: Partial<DeskState>) => {
    state.value = { ...state.value, ...change }
  }
  const explained = new Map<string, Promise<Answer<Explanation>>>()
  let reading = 0

  async function load(): Promise<void> {
    const mine = ++reading
    set({ loading: true })
    const answer = await read()
    if (mine !== reading) return // a later one is under way
    explained.clear()
    set({
      loading: false,
      ...(answer.ok ? { papers: answer.value, trouble: null } : { trouble: answer.trouble }),
    })
  }

  async function read(): Promise<Answer<Papers>> {
    const [sheet, timeline, corrections, signatures] = await Promise.all([
      api.sheet(session),
      api.timeline(session),
      api.corrections(session),
      api.signatures(session),
    ])
    if (!sheet.ok) return sheet
    if (!timeline.ok) return timeline
    if (!corrections.ok) return corrections
    if (!signatures.ok) return signatures
    const stale = new Set(sheet.value.stale.map((s) => s.person))
    const changed = sheet.value.records.filter((r) => r.version > 1 || stale.has(r.person))
    const amended = await Promise.all(changed.map((r) => api.versions(session, r.person)))
    const failed = amended.find((a) => !a.ok)
    if (failed && !failed.ok) return failed
    return {
      ok: true,
      value: {
        sheet: sheet.value,
        timeline: timeline.value,
        corrections: corrections.value.corrections,
        signatures: signatures.value.signatures,
        amended: amended.flatMap((a) => (a.ok ? [a.value] : [])),
      },
    }
  }

  function explain(person: string, at: number): Promise<Answer<Explanation>> {
    const key = `${at} ${person}`
    const known = explained.get(key)
    if (known) return known
    const asked = api.explain(session, person, at)
    explained.set(key, asked)
    // What failed is worth asking again.
    asked.then((answer) => answer.ok || explained.delete(key))
    return asked
  }

  async function done(answer: Answer<Sheet>, said: string): Promise<Trouble | null> {
    set({ said: answer.ok ? said : '', warned: '' })
    if (answer.ok || outdated.has(answer.trouble.code)) await load()
    return answer.ok ? null : answer.trouble
  }

  return {
    state,
    self,
    session,
    load,
    explain,
    async connections(person, instants) {
      const answers = await Promise.all(instants.map((at) => explain(person, at)))
      const lines = answers.flatMap((a) => (a.ok ? a.value.evidence : []))
      // A facilitator's connections are evidence too, and not this person's.
      const others = new Set(lines.filter((e) => e.person && e.person !== person).map((e) => e.connection))
      const own = lines.flatMap((e) => (e.connection && !others.has(e.connection) ? [e.connection] : []))
      return [...new Set(own)].sort()
    },
    correct: async (order) => done(await api.correct(session, order), 'The correction is in the record.'),
    async sign(version) {
      const head = state.value.papers?.sheet.head ?? ''
      const answer = await api.sign(session, { version: version.version, hash: version.hash, head })
      const why = await done(answer, `Version ${version.version} is signed.`)
      if (why?.code === 'not_current') set({ warned: notCurrent })
      return why
    },
  }
}

// What the views ask of the papers.

export function nameIn(papers: Papers, person: string): string {
  const { people, facilitators = [] } = papers.sheet
  return [...people, ...facilitators].find((p) => p.person === person)?.name ?? person
}

export function recordOf(papers: Papers, person: string): Record | undefined {
  return papers.sheet.records.find((r) => r.person === person)
}

/** The signatures of a version that is signed now, the latest last. */
export function signaturesOf(papers: Papers, version: SheetVersion): Signature[] {
  return papers.signatures.filter((s) => s.version === version.version)
}

/** What waits before everything is signed: the first thing first. */
export function summary(papers: Papers): 'occupied' | 'open' | 'stale' | 'amended' | 'unsigned' | 'signed' {
  if (papers.sheet.occupied) return 'occupied'
  if (papers.sheet.stale.length > 0) return 'stale'
  const states = papers.sheet.versions.map((v) => v.state)
  return (['open', 'amended', 'unsigned'] as const).find((s) => states.includes(s)) ?? 'signed'
}

/** Whether a version can be signed now: it waits for it, or says something else than what was signed. */
export function isDue(papers: Papers, version: SheetVersion): boolean {
  if (papers.sheet.occupied || version.state === 'open') return false
  return version.state !== 'signed' || papers.sheet.stale.some((s) => s.version === version.version)
}

/** Each record that says something else than what was signed of it last. */
export function changes(
  papers: Papers,
): { person: string; signed: Versions['versions'][number]; now: Record }[] {
  return papers.amended.flatMap((versions) => {
    const now = recordOf(papers, versions.person)
    const signed = now && lastSigned(versions, now)
    return signed && now ? [{ person: versions.person, signed, now }] : []
  })
}
