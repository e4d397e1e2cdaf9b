// A file of a scheduling system: checked first, then taken in whole or not at
// all.
import { useEffect, useRef, useState } from 'preact/hooks'
import type { ImportApi, ImportReport, Trouble as Why } from '../../api'
import { textOf } from '../../integrations/acts'
import {
  countText,
  documentText,
  formatOf,
  type ImportFormat,
  importFormats,
  largest,
  movedText,
  typeOf,
  whereText,
} from '../../integrations/report'
import { sizeText } from '../../integrations/words'
import { count } from '../../records/words'
import { report as failed } from '../../session'
import { Icon } from '../icons'
import { Button } from '../parts'
import { Chip, described, Field, Trouble } from '../records/parts'

interface Draft {
  readonly file: File | null
  readonly format: ImportFormat
  readonly program: string
  readonly source: string
}

/** A file that was looked at: what would become of it, or what has. */
interface Looked {
  readonly report: ImportReport
  readonly done: boolean
}

const formatCodes: readonly ImportFormat[] = ['csv', 'ics', 'fhir']

export function Import({ api }: { api: ImportApi }) {
  const [draft, setDraft] = useState<Draft>({ file: null, format: 'csv', program: '', source: '' })
  const [problem, setProblem] = useState<string | undefined>(undefined)
  const [busy, setBusy] = useState(false)
  const [trouble, setTrouble] = useState<Why | null>(null)
  const [looked, setLooked] = useState<Looked | null>(null)
  const key = useRef('') // of this file, so that it is taken in once

  // What was looked at is not what would be taken in any more.
  function change(to: Partial<Draft>): void {
    setDraft((d) => ({ ...d, ...to }))
    setLooked(null)
    setTrouble(null)
    setProblem(undefined)
    key.current = crypto.randomUUID()
  }

  async function send(apply: boolean): Promise<void> {
    const { file, format, program, source } = draft
    const wrong = problemOf(file)
    setProblem(wrong)
    if (!file || wrong) return document.getElementById('import-file')?.focus()
    setBusy(true)
    setTrouble(null)
    const answer = await api.import({
      ...{ format, file, type: typeOf(format, file.name), program: program.trim(), source: source.trim() },
      ...(apply && { key: key.current }),
    })
    setBusy(false)
    if (answer.ok) return setLooked({ report: answer.value, done: apply })
    setTrouble(answer.trouble)
    setLooked(answer.trouble.report ? { report: answer.trouble.report, done: false } : null)
  }

  const ready = looked && !looked.done && !trouble && looked.report.refused === 0
  return (
    <section aria-labelledby="import-title" class="part">
      <div>
        <h2 id="import-title">Bring in a file</h2>
        <p class="hint">
          From a scheduling system. It is checked first, and taken in whole or not at all. The same file again
          changes nothing.
        </p>
      </div>
      <form
        class="card download"
        noValidate
        onSubmit={(e) => {
          e.preventDefault()
          send(false).catch(failed)
        }}
      >
        <Field
          id="import-file"
          label="Which file?"
          hint={`CSV, iCalendar or FHIR JSON, at most 8 MB.`}
          problem={problem}
        >
          <input
            {...described('import-file', true, problem)}
            type="file"
            name="file"
            accept=".csv,.ics,.json,.ndjson"
            onChange={(e) => {
              const file = e.currentTarget.files?.[0] ?? null
              change({ file, format: formatOf(file?.name ?? '') ?? draft.format })
            }}
          />
        </Field>
        <Field id="import-format" label="What is it?">
          <select
            id="import-format"
            name="format"
            value={draft.format}
            onChange={(e) =>
              change({ format: formatCodes.find((f) => f === e.currentTarget.value) ?? 'csv' })
            }
          >
            {formatCodes.map((f) => (
              <option key={f} value={f}>
                {importFormats[f]}
              </option>
            ))}
          </select>
        </Field>
        <div class="pair">
          <Field
            id="import-program"
            label="Program"
            hint="Its id; needed where the file names none, as calendars do."
          >
            <input
              {...described('import-program', true, undefined)}
              name="program"
              autocomplete="off"
              spellcheck={false}
              value={draft.program}
              onInput={(e) => change({ program: e.currentTarget.value })}
            />
          </Field>
          {draft.format !== 'csv' && (
            <Field
              id="import-source"
              label="Source"
              hint="Which calendar or server it is, when there are several."
            >
              <input
                {...described('import-source', true, undefined)}
                name="source"
                autocomplete="off"
                spellcheck={false}
                maxLength={200}
                value={draft.source}
                onInput={(e) => change({ source: e.currentTarget.value })}
              />
            </Field>
          )}
        </div>
        <div class="buttons">
          <button class={ready ? 'button' : 'button button-main'} type="submit" disabled={busy}>
            {busy && !ready ? 'Checking …' : 'Check the file'}
          </button>
          {ready && (
            <Button kind="main" icon="up" disabled={busy} onClick={() => send(true).catch(failed)}>
              {busy ? 'Taking it in …' : 'Take it in'}
            </Button>
          )}
        </div>
      </form>
      {trouble && !trouble.report && (
        <Trouble text={[textOf(trouble), ...trouble.errors.map((e) => e.detail)].join(' ')} />
      )}
      {looked && <Report looked={looked} />}
    </section>
  )
}

function problemOf(file: File | null): string | undefined {
  if (!file) return 'Please choose a file.'
  if (file.size === 0) return 'This file is empty.'
  if (file.size > largest) return `This file has ${sizeText(file.size)}, which is more than is taken at once.`
  return undefined
}

function Report({ looked: { report, done } }: { looked: Looked }) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => heading.current?.focus(), [report])
  const refused = report.refused > 0
  return (
    <section class="report" aria-labelledby="report-title">
      <h3 id="report-title" ref={heading} tabIndex={-1}>
        {refused ? 'What is wrong with it' : done ? 'What was done' : 'What would be done'}
      </h3>
      <p class={refused ? 'said said-bad' : 'said said-good'}>
        <Icon name={refused ? 'close' : 'check'} />
        <span>{verdict(report, done)}</span>
      </p>
      {movedText(report) && <p>{movedText(report)}</p>}
      {report.lines.length > 0 && (
        <ul class="report-lines" aria-label="By line">
          {report.lines.map((line, i) => (
            <li key={`${line.line}${line.column}${i}`}>
              <span class="report-where">{whereText(line)}</span>
              <span class="report-what">
                {line.kind === 'refused' ? (
                  <Chip tone="bad" icon="close">
                    Refused
                  </Chip>
                ) : (
                  <Chip tone="mind" icon="info">
                    Note
                  </Chip>
                )}
                {line.detail}
              </span>
            </li>
          ))}
        </ul>
      )}
      {report.unlisted !== undefined && <p class="hint">And {count(report.unlisted, 'more line')}.</p>}
      {report.documents.length > 0 && (
        <ul class="report-lines" aria-label="What changes">
          {report.documents.map((document) => (
            <li key={`${document.kind}${document.id}`}>
              <span class="report-where">{whereText(document)}</span>
              <span class="report-what">
                {documentText(document, done)}
                {document.evidence && ' People have been in it; their minutes are counted anew.'}
              </span>
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

function verdict(report: ImportReport, done: boolean): string {
  if (report.refused > 0)
    return `${count(report.refused, 'place')} in the file ${report.refused === 1 ? 'is' : 'are'} wrong, so nothing of it was taken in. Correct the file and check it again.`
  return done
    ? `It was taken in. ${countText(report, true)}`
    : `Nothing was changed yet. ${countText(report, false)}`
}
