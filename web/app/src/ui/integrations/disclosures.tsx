// What has left about a person, to whom and why: the accounting, by patient id.
import { useState } from 'preact/hooks'
import type { DeliveryApi, Disclosure, Trouble as Why } from '../../api'
import { textOf } from '../../integrations/acts'
import { bases, formatText, whenText } from '../../integrations/words'
import { count } from '../../records/words'
import { report } from '../../session'
import { Button } from '../parts'
import { described, Field, Trouble } from '../records/parts'

interface Found {
  readonly person: string
  readonly rows: readonly Disclosure[]
  readonly next: number | undefined
}

export function Disclosures({ api }: { api: DeliveryApi }) {
  const [person, setPerson] = useState('')
  const [problem, setProblem] = useState<string | undefined>(undefined)
  const [busy, setBusy] = useState(false)
  const [trouble, setTrouble] = useState<Why | null>(null)
  const [found, setFound] = useState<Found | null>(null)

  async function look(of: string, before?: Found): Promise<void> {
    setBusy(true)
    const answer = await api.disclosures(of, before?.next)
    setBusy(false)
    setTrouble(answer.ok ? null : answer.trouble)
    if (!answer.ok) return
    const rows = [...(before?.rows ?? []), ...answer.value.disclosures]
    setFound({ person: of, rows, next: answer.value.next })
  }

  return (
    <section aria-labelledby="disclosures-title" class="part">
      <div>
        <h2 id="disclosures-title">What has left about a patient</h2>
        <p class="hint">
          Each patient may ask for this list. A row was written before anything left; after a failure it may
          be of something that did not arrive.
        </p>
      </div>
      <form
        class="look-up"
        noValidate
        onSubmit={(e) => {
          e.preventDefault()
          const wanted = person.trim()
          const valid = /^[A-Za-z0-9._~:-]{1,128}$/.test(wanted)
          setProblem(valid ? undefined : 'Please give the id of a patient, as your scheduling system has it.')
          if (valid) look(wanted).catch(report)
          else document.getElementById('person')?.focus()
        }}
      >
        <Field id="person" label="Patient id" hint="The id, never the name." problem={problem}>
          <input
            {...described('person', true, problem)}
            name="person"
            autocomplete="off"
            spellcheck={false}
            value={person}
            onInput={(e) => setPerson(e.currentTarget.value)}
          />
        </Field>
        <button class="button button-main" type="submit" disabled={busy}>
          {busy ? 'Looking …' : 'Look up'}
        </button>
      </form>
      {trouble && <Trouble text={textOf(trouble)} />}
      <p class="sr" role="status">
        {found && !trouble && `${count(found.rows.length, 'disclosure')} of ${found.person}`}
      </p>
      {found && !trouble && found.rows.length === 0 && (
        <p class="lead">
          Nothing has left about <code>{found.person}</code>.
        </p>
      )}
      {found && found.rows.length > 0 && (
        <>
          <h3>
            Disclosures of <code>{found.person}</code>, oldest first
          </h3>
          <Rows rows={found.rows} person={found.person} />
          {found.next !== undefined && (
            <Button disabled={busy} onClick={() => look(found.person, found).catch(report)}>
              Show more
            </Button>
          )}
        </>
      )}
    </section>
  )
}

function Rows({ rows, person }: { rows: readonly Disclosure[]; person: string }) {
  const heads = ['When', 'To', 'Basis', 'How', 'What', 'Notice']
  return (
    <table class="minutes log" role="table">
      <caption class="sr">Disclosures of {person}</caption>
      <thead role="rowgroup">
        <tr role="row">
          {heads.map((h) => (
            <th key={h} scope="col" role="columnheader">
              {h}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map((d) => (
          <tr key={d.seq} role="row">
            <th scope="row" role="rowheader">
              {whenText(d.at)}
            </th>
            <td role="cell" data-head="To">
              <code>{d.destination}</code>
            </td>
            <td role="cell" data-head="Basis">
              {bases[d.basis].title}
            </td>
            <td role="cell" data-head="How">
              <span>
                {formatText(d.format)}
                {d.by && (
                  <span class="log-why">
                    by <code>{d.by}</code>
                  </span>
                )}
              </span>
            </td>
            <td role="cell" data-head="What">
              <span>
                {whatText(d)}
                <span class="log-why">{d.names ? 'with the name' : 'without the name'}</span>
              </span>
            </td>
            <td role="cell" data-head="Notice">
              <code>{d.notice}</code>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function whatText({ records, items, from, to }: Disclosure): string {
  const span = from && to ? `, ${from} to ${to}` : ''
  return `${count(records, 'record')}${items && items.length > 0 ? `: ${items.join(', ')}` : span}`
}
