// What was put aside, with the reason and the way back; and the last attempts.
import { useState } from 'preact/hooks'
import type { DeadLetter, DeliveryApi } from '../../api'
import { textOf } from '../../integrations/acts'
import type { Row } from '../../integrations/standing'
import { reasonOf, resultText, titleOf, typeText, whenText } from '../../integrations/words'
import { count } from '../../records/words'
import { Button } from '../parts'
import { Trouble } from '../records/parts'
import { useAnswer } from './answer'
import { Confirm } from './confirm'

export function Details({ api, row, onChanged }: { api: DeliveryApi; row: Row; onChanged: () => void }) {
  return (
    <div class="details">
      <DeadLetters api={api} row={row} onChanged={onChanged} />
      <Log api={api} row={row} />
    </div>
  )
}

function DeadLetters({ api, row, onChanged }: { api: DeliveryApi; row: Row; onChanged: () => void }) {
  const { destination, status } = row
  const id = destination.id ?? ''
  const { value, trouble, again } = useAnswer(() => api.deadLetters(id), [api, id, status.dead_letters])
  const [asking, setAsking] = useState<DeadLetter | 'all' | null>(null)
  const letters = value?.dead_letters ?? []
  return (
    <section aria-label={`Put aside for ${titleOf(destination)}`} class="part">
      <div class="part-head">
        <h4 class="grow">Put aside</h4>
        {status.dead_letters + status.queued > 0 && (
          <Button onClick={() => setAsking('all')} icon="again">
            {status.dead_letters > 0 ? 'Send all again …' : 'Try now …'}
          </Button>
        )}
      </div>
      {trouble && <Failed what={textOf(trouble)} again={again} />}
      {value && letters.length === 0 && (
        <p class="hint">
          Nothing. What fails is tried again for more than three days before it is put aside.
        </p>
      )}
      {letters.length > 0 && (
        <ul class="letters">
          {letters.map((letter) => (
            <li key={letter.seq} class="letter">
              <div class="grow">
                <p>
                  <b>{typeText(letter.type)}</b>, <code>{letter.lane}</code>
                </p>
                <p>
                  {resultText(letter)}. {reasonOf(letter)}
                </p>
                <p class="hint">
                  {count(letter.try, 'attempt')}, the last on {whenText(letter.at)}
                </p>
              </div>
              <Button label={`Send number ${letter.seq} again`} onClick={() => setAsking(letter)}>
                Send again …
              </Button>
            </li>
          ))}
        </ul>
      )}
      {value?.next !== undefined && (
        <p class="hint">
          The first {letters.length} of {status.dead_letters} are shown; “all” means all.
        </p>
      )}
      {asking && (
        <RedriveDialog
          api={api}
          row={row}
          what={asking}
          onClose={() => {
            setAsking(null)
            again()
            onChanged()
          }}
        />
      )}
    </section>
  )
}

function RedriveDialog({
  api,
  row,
  what,
  onClose,
}: {
  api: DeliveryApi
  row: Row
  what: DeadLetter | 'all'
  onClose: () => void
}) {
  const { destination, status } = row
  const name = titleOf(destination)
  const one = what !== 'all'
  return (
    <Confirm
      title={one ? `Send this to ${name} again?` : `Send what waits for ${name} at once?`}
      label={one ? 'Send it again' : 'Send again'}
      run={async () => {
        const answer = await api.redrive(destination.id ?? '', one ? what.seq : undefined)
        return answer.ok ? null : answer.trouble
      }}
      onClose={onClose}
    >
      <p>{one ? oneText(what) : allText(status.dead_letters, status.queued)}</p>
      <p>
        A receiver that has a message already knows it by its id. The sending is written into the disclosure
        accounting of each patient in it.
      </p>
    </Confirm>
  )
}

function oneText(letter: DeadLetter): string {
  return `${typeText(letter.type)} goes back to its old place in the order of its session and is sent at once, with new attempts if that fails.`
}

function allText(letters: number, queued: number): string {
  const back =
    letters > 0
      ? `${count(letters, 'message')} that ${letters === 1 ? 'was' : 'were'} put aside ${letters === 1 ? 'goes' : 'go'} back to ${letters === 1 ? 'its' : 'their'} old place in the order of each session.`
      : ''
  const now =
    queued > 0
      ? `${count(queued, 'message')} in the queue ${queued === 1 ? 'is' : 'are'} tried now, not at the time that was set.`
      : ''
  return [back, now].filter(Boolean).join(' ')
}

function Log({ api, row }: { api: DeliveryApi; row: Row }) {
  const { destination, status } = row
  const id = destination.id ?? ''
  const last = [status.last_delivered?.at, status.last_failed?.at]
  const { value, trouble, again } = useAnswer(() => api.deliveries(id), [api, id, ...last])
  const heads = ['When', 'What', 'Result', 'Attempt', 'Took']
  return (
    <section aria-label={`Deliveries to ${titleOf(destination)}`} class="part">
      <h4>The last deliveries</h4>
      {trouble && <Failed what={textOf(trouble)} again={again} />}
      {!value && !trouble && (
        <p class="hint" role="status">
          The log is being read.
        </p>
      )}
      {value?.deliveries.length === 0 && <p class="hint">Nothing was sent yet.</p>}
      {value && value.deliveries.length > 0 && (
        <table class="minutes log" role="table">
          <caption class="sr">The last deliveries to {titleOf(destination)}, newest first</caption>
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
            {value.deliveries.map((d, i) => (
              <tr key={`${d.at}${d.seq}${d.try}${i}`} role="row">
                <th scope="row" role="rowheader">
                  {whenText(d.at)}
                </th>
                <td role="cell" data-head="What">
                  {typeText(d.type)}
                </td>
                <td role="cell" data-head="Result">
                  <span>
                    <b>{resultText(d)}</b>
                    {d.problem && <span class="log-why">{d.problem}</span>}
                  </span>
                </td>
                <td role="cell" data-head="Attempt">
                  {d.try}
                </td>
                <td role="cell" data-head="Took">
                  {tooks[d.took]}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <p class="hint">By the clock of this computer. The log holds no message, no name and no address.</p>
    </section>
  )
}

const tooks = {
  '<100ms': 'under 0.1 s',
  '<1s': 'under 1 s',
  '<5s': 'under 5 s',
  '>=5s': '5 s or more',
} as const

function Failed({ what, again }: { what: string; again: () => void }) {
  return (
    <Trouble text={what}>
      <Button kind="quiet" onClick={again}>
        Try again
      </Button>
    </Trouble>
  )
}
