// A correction in two steps: what happened, when and why; then what that does,
// in words, before anything is kept.
import { useEffect, useRef, useState } from 'preact/hooks'
import type { CorrectionOrder, Trouble as Why } from '../../api'
import { choices, type Draft, emptyDraft, type Ordered, offers, orderOf } from '../../records/correction'
import { type Desk, nameIn, type Papers, recordOf } from '../../records/desk'
import { preview, reasonText } from '../../records/effect'
import { intervalText } from '../../records/timeline'
import { fieldTime, instant } from '../../records/zone'
import { report } from '../../session'
import { Button, Dialog } from '../parts'
import { Reason, Status, Time, What, Whom, Whose } from './fields'
import { Trouble } from './parts'

type Problems = Extract<Ordered, { ok: false }>['problems']

/** What the fields of the form know and change. */
export interface Form {
  readonly desk: Desk
  readonly papers: Papers
  /** Whose record it is about; empty for the whole session. */
  readonly about: string
  readonly draft: Draft
  readonly problems: Problems
  readonly change: (change: Partial<Draft>) => void
}

export function CorrectDialog({
  desk,
  papers,
  person,
  onClose,
}: {
  desk: Desk
  papers: Papers
  /** Whose record it is about; empty for the whole session. */
  person: string
  onClose: () => void
}) {
  const [draft, setDraft] = useState<Draft>({
    ...emptyDraft,
    person,
    choice: person ? 'add' : 'declare_break',
    facilitator:
      papers.sheet.facilitators?.length === 1 ? (papers.sheet.facilitators[0]?.person ?? '') : desk.self,
  })
  const [problems, setProblems] = useState<Problems>({})
  const [order, setOrder] = useState<CorrectionOrder | null>(null)
  const setting = { timeline: papers.timeline, nameOf: (p: string) => nameIn(papers, p) }

  function check(): void {
    const ordered = orderOf(draft, setting)
    setProblems(ordered.ok ? {} : ordered.problems)
    // With an id of its own it is one correction, however often it is sent.
    if (ordered.ok) setOrder({ id: crypto.randomUUID(), ...ordered.order })
  }

  const name = person ? nameIn(papers, person) : 'the session'
  return (
    <Dialog title={order ? 'Is this right?' : `Correct ${name}`} onClose={onClose}>
      {order ? (
        <Preview
          desk={desk}
          papers={papers}
          order={order}
          texts={preview(order, setting, draft.choice === 'lead')}
          onBack={() => setOrder(null)}
          onDone={onClose}
        />
      ) : (
        <Fill
          form={{
            desk,
            papers,
            about: person,
            draft,
            problems,
            change: (c) => setDraft((d) => ({ ...d, ...c })),
          }}
          onCheck={check}
          onClose={onClose}
        />
      )}
    </Dialog>
  )
}

function Fill({ form, onCheck, onClose }: { form: Form; onCheck: () => void; onClose: () => void }) {
  const element = useRef<HTMLFormElement>(null)
  const { draft, problems } = form
  const wrong = Object.keys(problems).length
  // Whoever left something out is taken to the first of it.
  useEffect(() => {
    if (wrong > 0) element.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus()
  }, [problems])
  const asks = choices[draft.choice].asks
  return (
    <form
      ref={element}
      class="correct"
      noValidate
      onSubmit={(e) => {
        e.preventDefault()
        onCheck()
      }}
    >
      <p class="hint">Step 1 of 2</p>
      <What form={form} of={choices[draft.choice].of} />
      {asks.includes('facilitator') && <Whom form={form} />}
      {asks.includes('connection') && <Whose form={form} />}
      {asks.includes('status') && <Status form={form} />}
      {asks.includes('from') && (
        <>
          <Offers form={form} />
          <div class="times">
            <Time form={form} field="from" label="From" />
            <Time form={form} field="to" label="To" />
          </div>
        </>
      )}
      <Reason form={form} />
      <div class="buttons buttons-end">
        <Button onClick={onClose}>Cancel</Button>
        <button class="button button-main" type="submit">
          Go on
        </button>
      </div>
    </form>
  )
}

// Offers are the stretches that are likely meant; one press fills them in.
function Offers({ form }: { form: Form }) {
  const { draft, papers, change } = form
  const { timeline } = papers
  const found = offers(draft.choice, draft.person, timeline)
  if (found.length === 0) return null
  return (
    <div class="offers">
      <p class="hint">Perhaps one of these:</p>
      <div class="buttons">
        {found.map((i) => (
          <Button
            key={`${i.start}${i.end}`}
            onClick={() =>
              change({
                from: fieldTime(timeline.timezone, instant(i.start)),
                to: fieldTime(timeline.timezone, instant(i.end)),
              })
            }
          >
            {intervalText(timeline.timezone, i)}
          </Button>
        ))}
      </div>
    </div>
  )
}

/** What a refusal means here. */
const refusals: { readonly [code: string]: string } = {
  nothing_changes:
    'This correction would change nothing, so it was not kept. The records were read again; they may say already what you wanted.',
}

function Preview({
  desk,
  papers,
  order,
  texts,
  onBack,
  onDone,
}: {
  desk: Desk
  papers: Papers
  order: CorrectionOrder
  texts: readonly string[]
  onBack: () => void
  onDone: () => void
}) {
  const [busy, setBusy] = useState(false)
  const [trouble, setTrouble] = useState<Why | null>(null)
  const element = useRef<HTMLDivElement>(null)
  useEffect(() => element.current?.focus(), [])

  async function apply(): Promise<void> {
    setBusy(true)
    const why = await desk.correct(order)
    setBusy(false)
    setTrouble(why)
    if (!why) onDone()
  }

  return (
    <>
      <p class="hint">Step 2 of 2</p>
      {trouble && <Trouble text={[refusals[trouble.code] ?? trouble.text, ...details(trouble)].join(' ')} />}
      <div ref={element} class="preview-words" tabIndex={-1}>
        {texts.map((text) => (
          <p key={text}>{text}</p>
        ))}
        <p>Reason: {reasonText(order)}.</p>
        <p class="hint">{consequence(papers, order)}</p>
      </div>
      <div class="buttons buttons-end">
        <Button onClick={onBack}>Back</Button>
        <Button kind="main" disabled={busy} onClick={() => apply().catch(report)}>
          {busy ? 'Keeping …' : 'Keep this correction'}
        </Button>
      </div>
    </>
  )
}

function details(trouble: Why): string[] {
  return trouble.errors.map((e) => `${e.detail}${e.detail.endsWith('.') ? '' : '.'}`)
}

// consequence: a correction is for good, and unsigns what it touches.
function consequence(papers: Papers, order: CorrectionOrder): string {
  const about = order.person === undefined ? undefined : recordOf(papers, order.person)
  const touched = about ? [about] : papers.sheet.records
  const signed = touched.filter((r) => r.state === 'signed').length
  const kept = 'It is kept with your name and the time; the evidence itself is never edited.'
  if (signed === 0) return kept
  return `${kept} ${signed === 1 ? 'A record was signed: it becomes a new version, which has' : `${signed} records were signed: they become a new version, which has`} to be signed again.`
}
