// The destinations as a list, whoever needs somebody first.
import { useEffect, useState } from 'preact/hooks'
import type { DeliveryApi } from '../../api'
import { textOf } from '../../integrations/acts'
import { type Row, ranked, type Standing, standingOf, standings } from '../../integrations/standing'
import { count } from '../../records/words'
import { Button } from '../parts'
import { Trouble } from '../records/parts'
import { useAnswer } from './answer'
import { DestinationRow } from './destination'
import { EditDialog } from './edit'

/** How often the list is looked at again while it is in sight; ms. */
const every = 5000

export function Destinations({ api }: { api: DeliveryApi }) {
  const { value, trouble, again } = useAnswer(() => api.destinations(), [api])
  const [adding, setAdding] = useState(false)
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === 'visible' && again(), every)
    return () => clearInterval(timer)
  }, [again])
  const now = Date.now()
  const forbidden = trouble && ['unauthorized', 'insufficient_scope'].includes(trouble.code)
  return (
    <section aria-labelledby="destinations-title" class="part">
      <div class="part-head">
        <div class="grow">
          <h2 id="destinations-title">Who is told about attendance</h2>
          <p class="hint">Why they may be, and how that goes. Nothing leaves without a disclosure basis.</p>
        </div>
        {!forbidden && value && value.destinations.length > 0 && (
          <Button kind="main" onClick={() => setAdding(true)}>
            Add a destination …
          </Button>
        )}
      </div>
      {trouble && (
        <Trouble text={value ? `This list is not up to date: ${textOf(trouble)}` : textOf(trouble)}>
          <Button kind="quiet" onClick={again}>
            Try again
          </Button>
        </Trouble>
      )}
      {!value && !trouble && (
        <p class="lead" role="status">
          The destinations are being read.
        </p>
      )}
      {value?.destinations.length === 0 && <Nobody onAdd={() => setAdding(true)} />}
      {value && value.destinations.length > 0 && (
        <>
          <p class="sr" role="status">
            {summary(value.destinations, now)}
          </p>
          <ul class="destinations">
            {ranked(value.destinations, now).map((row) => (
              <DestinationRow key={row.destination.id} api={api} row={row} now={now} onChanged={again} />
            ))}
          </ul>
        </>
      )}
      {adding && (
        <EditDialog
          api={api}
          onClose={() => {
            setAdding(false)
            again()
          }}
        />
      )}
    </section>
  )
}

function Nobody({ onAdd }: { onAdd: () => void }) {
  return (
    <div class="card nobody">
      <h3 class="nobody-title">Nobody is told yet</h3>
      <p>
        A destination is whoever may be told about attendance: your scheduling system, a health record, a
        payer, or a person who downloads tables. You say on what basis, and every disclosure is written down
        for the patient.
      </p>
      <div class="buttons">
        <Button kind="main" onClick={onAdd}>
          Add a destination …
        </Button>
      </div>
    </div>
  )
}

// summary is read out when it changes, so it has no ages in it.
function summary(rows: readonly Row[], now: number): string {
  const each = new Map<Standing, number>()
  for (const row of rows) each.set(standingOf(row, now), (each.get(standingOf(row, now)) ?? 0) + 1)
  const words = [...each].map(([standing, n]) => `${n} ${standings[standing].toLowerCase()}`)
  return `${count(rows.length, 'destination')}: ${words.join(', ')}`
}
