// Files for a range of dates. The token is in a header, so nothing that can
// be copied out of the address bar opens them.
import { useEffect, useRef, useState } from 'preact/hooks'
import type { DeliveryApi, Trouble as Why } from '../../api'
import { textOf } from '../../integrations/acts'
import { type FileOrder, type Format, formats, nameOf, pathOf, save } from '../../integrations/files'
import {
  dateOf,
  type Preset,
  presets,
  problemsOf,
  type Range,
  type RangeProblems,
  rangeOf,
} from '../../integrations/range'
import type { Row } from '../../integrations/standing'
import { basisText, sizeText, titleOf } from '../../integrations/words'
import { report } from '../../session'
import { Icon } from '../icons'
import { Button } from '../parts'
import { described, Field, Trouble } from '../records/parts'
import { useAnswer } from './answer'

interface Problems extends RangeProblems {
  readonly destination?: string
}

const presetCodes: readonly Preset[] = ['today', 'week', 'last_month']
const formatCodes: readonly Format[] = ['csv', 'csv_raw', 'fhir']

export function Download({ api }: { api: DeliveryApi }) {
  const { value, trouble, again } = useAnswer(() => api.destinations(), [api])
  const [range, setRange] = useState<Range>(() => rangeOf('week', dateOf(new Date())))
  const [destination, setDestination] = useState('')
  const [format, setFormat] = useState<Format>('csv')
  const [problems, setProblems] = useState<Problems>({})
  const form = useRef<HTMLFormElement>(null)
  const taking = useTaking(api)
  useEffect(() => {
    if (Object.keys(problems).length > 0)
      form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus()
  }, [problems])

  const rows = value?.destinations ?? []
  const chosen =
    destination || (rows.filter(mayFetch).length === 1 ? (rows.find(mayFetch)?.destination.id ?? '') : '')

  function submit(): void {
    const found: Problems = {
      ...problemsOf(range),
      ...(!chosen && { destination: 'Please choose for whom it is.' }),
    }
    setProblems(found)
    if (Object.keys(found).length === 0) taking.start({ ...range, destination: chosen, format }).catch(report)
  }

  return (
    <section aria-labelledby="download-title" class="part">
      <div>
        <h2 id="download-title">Download attendance</h2>
        <p class="hint">
          Minutes, intervals and weeks of a range of dates, with the notice that has to go along.
        </p>
      </div>
      {trouble && (
        <Trouble text={textOf(trouble)}>
          <Button kind="quiet" onClick={again}>
            Try again
          </Button>
        </Trouble>
      )}
      <form
        ref={form}
        class="card download"
        noValidate
        onSubmit={(e) => {
          e.preventDefault()
          submit()
        }}
      >
        <fieldset class="dates">
          <legend>Which days?</legend>
          <div class="buttons presets">
            {presetCodes.map((p) => {
              const of = rangeOf(p, dateOf(new Date()))
              return (
                <Button
                  key={p}
                  pressed={of.from === range.from && of.to === range.to}
                  onClick={() => {
                    setRange(of)
                    setProblems({})
                  }}
                >
                  {presets[p]}
                </Button>
              )
            })}
          </div>
          <div class="times">
            {(['from', 'to'] as const).map((end) => (
              <Field
                key={end}
                id={`range-${end}`}
                label={end === 'from' ? 'First day' : 'Last day'}
                problem={problems[end]}
              >
                <input
                  {...described(`range-${end}`, false, problems[end])}
                  type="date"
                  value={range[end]}
                  onInput={(e) => setRange({ ...range, [end]: e.currentTarget.value })}
                />
              </Field>
            ))}
          </div>
        </fieldset>
        <For
          rows={rows}
          read={value !== null}
          chosen={chosen}
          problem={problems.destination}
          pick={setDestination}
        />
        <fieldset class="choices">
          <legend>In what form?</legend>
          {formatCodes.map((f) => (
            <label key={f}>
              <input
                type="radio"
                name="format"
                value={f}
                checked={format === f}
                onChange={() => setFormat(f)}
              />
              <span>
                {formats[f].title}
                <span class="hint">{formats[f].text}</span>
              </span>
            </label>
          ))}
        </fieldset>
        <p class="accounting">
          <Icon name="info" />
          <span>This download is written into the disclosure accounting of each patient in it.</span>
        </p>
        <div class="buttons">
          <button class="button button-main" type="submit" disabled={taking.busy}>
            <Icon name="down" />
            {taking.busy ? 'Downloading …' : 'Download'}
          </button>
          {taking.busy && <Button onClick={taking.stop}>Stop</Button>}
        </div>
        <Progress {...taking} />
      </form>
    </section>
  )
}

// mayFetch: others are shown with the reason, and cannot be chosen.
function mayFetch({ status }: Row): boolean {
  return !status.stopped.includes('no_basis') && !status.stopped.includes('disabled')
}

function For({
  rows,
  read,
  chosen,
  problem,
  pick,
}: {
  rows: readonly Row[]
  read: boolean
  chosen: string
  problem: string | undefined
  pick: (id: string) => void
}) {
  const row = rows.find((r) => r.destination.id === chosen)
  const hint = row
    ? `${basisText(row.destination.basis)}. ${row.destination.names ? 'With names.' : 'Without names.'}`
    : read && rows.length === 0
      ? 'There is no destination yet. Add one first: nothing leaves without a disclosure basis.'
      : 'It decides on what basis the data leaves, and whether names do.'
  return (
    <Field id="for" label="For whom?" hint={hint} problem={problem}>
      <select
        {...described('for', true, problem)}
        name="destination"
        value={chosen}
        onChange={(e) => pick(e.currentTarget.value)}
      >
        <option value="">Please choose</option>
        {rows.map((r) => (
          <option key={r.destination.id} value={r.destination.id} disabled={!mayFetch(r)}>
            {titleOf(r.destination)}
            {r.status.stopped.includes('no_basis')
              ? ' (no basis: nothing leaves)'
              : r.status.stopped.includes('disabled')
                ? ' (switched off)'
                : ''}
          </option>
        ))}
      </select>
    </Field>
  )
}

interface Taking {
  readonly busy: boolean
  readonly bytes: number
  /** The file that was saved last. */
  readonly saved: string
  readonly trouble: Why | null
  start(order: FileOrder): Promise<void>
  stop(): void
}

// useTaking fetches one file at a time, and stops when the page is left.
function useTaking(api: DeliveryApi): Taking {
  const [state, setState] = useState({ busy: false, bytes: 0, saved: '', trouble: null as Why | null })
  const running = useRef<AbortController | null>(null)
  useEffect(() => () => running.current?.abort(), [])

  async function start(order: FileOrder): Promise<void> {
    const mine = new AbortController()
    running.current = mine
    setState({ busy: true, bytes: 0, saved: '', trouble: null })
    const answer = await api.take(pathOf(order), (bytes) => setState((s) => ({ ...s, bytes })), mine.signal)
    if (!answer.ok) return setState((s) => ({ ...s, busy: false, trouble: answer.trouble }))
    const name = answer.value.name || nameOf(order)
    save(answer.value.body, name)
    setState({ busy: false, bytes: answer.value.body.size, saved: name, trouble: null })
  }
  return { ...state, start, stop: () => running.current?.abort() }
}

function Progress({ busy, bytes, saved, trouble }: Taking) {
  return (
    <>
      {busy && (
        <p class="progress-line">
          <span class="progress-bar" aria-hidden="true" />
          {bytes === 0 ? 'The file is being put together.' : `${sizeText(bytes)} so far`}
        </p>
      )}
      {trouble && trouble.code !== 'stopped' && <Trouble text={textOf(trouble)} />}
      <p class={saved ? 'said said-good' : 'sr'} role="status">
        {saved && (
          <>
            <Icon name="check" />
            <span>
              Saved as {saved}, {sizeText(bytes)}.
            </span>
          </>
        )}
        {busy && 'The download has begun.'}
        {trouble?.code === 'stopped' && trouble.text}
      </p>
    </>
  )
}
