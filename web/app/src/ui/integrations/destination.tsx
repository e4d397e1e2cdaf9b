// One destination: what it is, why it may be told, how it goes, and what can
// be done about it.
import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import type { DeliveryApi, DeliveryAttempt, Trouble as Why } from '../../api'
import { change, remove, textOf } from '../../integrations/acts'
import {
  isPushed,
  type Row,
  type Standing,
  sentenceOf,
  standingOf,
  standings,
  waiting,
} from '../../integrations/standing'
import { agoText, basisText, kinds, reasonOf, resultText, titleOf } from '../../integrations/words'
import { report } from '../../session'
import { Icon, type IconName } from '../icons'
import { Button } from '../parts'
import { Chip } from '../records/parts'
import { Confirm } from './confirm'
import { Details } from './details'
import { EditDialog } from './edit'
import { KeyDialog } from './key'

const looks: { readonly [S in Standing]: { tone: 'good' | 'mind' | 'bad' | 'plain'; icon: IconName } } = {
  no_basis: { tone: 'bad', icon: 'lock' },
  no_key: { tone: 'bad', icon: 'key' },
  gone: { tone: 'bad', icon: 'stop' },
  dead_letters: { tone: 'bad', icon: 'info' },
  behind: { tone: 'mind', icon: 'info' },
  off: { tone: 'plain', icon: 'pause' },
  held: { tone: 'mind', icon: 'pause' },
  sending: { tone: 'plain', icon: 'send' },
  ready: { tone: 'good', icon: 'check' },
  up_to_date: { tone: 'good', icon: 'check' },
}

type Asking = 'edit' | 'switch' | 'key' | 'remove'

export function DestinationRow({
  api,
  row,
  now,
  onChanged,
}: {
  api: DeliveryApi
  row: Row
  now: number
  onChanged: () => void
}) {
  const [open, setOpen] = useState(false)
  const [asking, setAsking] = useState<Asking | null>(null)
  const { destination } = row
  const name = titleOf(destination)
  const standing = standingOf(row, now)
  const done = () => {
    setAsking(null)
    onChanged()
  }
  return (
    <li class={`destination destination-${looks[standing].tone}`}>
      <div class="destination-head">
        <div class="grow">
          <h3 class="line-name">{name}</h3>
          <p class="hint">
            {kinds[destination.kind].title} · <code>{destination.id}</code>
          </p>
        </div>
        <Chip {...looks[standing]}>{standings[standing]}</Chip>
      </div>
      <p class="destination-sentence">{sentenceOf(row, now)}</p>
      <Facts row={row} now={now} />
      <div class="buttons destination-acts">
        {isPushed(destination) && (
          <Button
            icon="chevron"
            label={`Deliveries to ${name}`}
            expanded={open}
            onClick={() => setOpen(!open)}
          >
            Deliveries
          </Button>
        )}
        {isPushed(destination) && <Test api={api} row={row} onDone={onChanged} />}
        <Button label={`Edit ${name}`} icon="pen" onClick={() => setAsking('edit')}>
          Edit …
        </Button>
        {destination.kind === 'webhook' && (
          <Button label={`New key for ${name}`} icon="key" onClick={() => setAsking('key')}>
            New key …
          </Button>
        )}
        <Button
          label={`Switch ${name} ${destination.enabled === false ? 'on' : 'off'}`}
          icon={destination.enabled === false ? 'forth' : 'pause'}
          onClick={() => setAsking('switch')}
        >
          {destination.enabled === false ? 'Switch on …' : 'Switch off …'}
        </Button>
        {destination.enabled === false && (
          <Button kind="danger" label={`Take ${name} out`} icon="close" onClick={() => setAsking('remove')}>
            Take out …
          </Button>
        )}
      </div>
      {open && <Details api={api} row={row} onChanged={onChanged} />}
      {asking === 'edit' && <EditDialog api={api} id={destination.id ?? ''} onClose={done} />}
      {asking === 'key' && <KeyDialog api={api} row={row} onClose={done} />}
      {asking === 'switch' && <SwitchDialog api={api} row={row} onClose={done} />}
      {asking === 'remove' && (
        <Confirm
          title={`Take ${name} out?`}
          label="Take it out"
          kind="danger"
          run={() => remove(api, destination.id ?? '')}
          onClose={done}
        >
          <p>
            {waiting(row, now)} What waits, what was put aside and the log of deliveries go with it, for good.
          </p>
          <p>What was disclosed to it stays in the accounting of each patient.</p>
        </Confirm>
      )}
    </li>
  )
}

function Facts({ row, now }: { row: Row; now: number }) {
  const { destination, status } = row
  const { last_delivered: last, last_failed: failed, last_disclosed: disclosed } = status
  const ago = (time: string) => agoText(now - Date.parse(time))
  return (
    <dl class="destination-facts">
      <Fact what="Basis">{basisText(destination.basis)}</Fact>
      <Fact what="Names">{destination.names ? 'Names may go there' : 'No names, only ids'}</Fact>
      {isPushed(destination) ? (
        <>
          <Fact what="Last delivery">{last ? ago(last.at) : 'None yet'}</Fact>
          <Fact what="Waiting">{waiting(row, now)}</Fact>
          {status.dead_letters > 0 && <Fact what="Put aside">{status.dead_letters}</Fact>}
          {failed && standingOf(row, now) !== 'up_to_date' && (
            <Fact what="Last failure" wide>
              {resultText(failed)}, {ago(failed.at)}. {reasonOf(failed)}
            </Fact>
          )}
        </>
      ) : (
        <Fact what="Last fetched">{disclosed ? ago(disclosed) : 'Never'}</Fact>
      )}
    </dl>
  )
}

function Fact({
  what,
  wide,
  children,
}: {
  what: string
  /** For a sentence. */
  wide?: boolean
  children: ComponentChildren
}) {
  return (
    <div class={wide ? 'fact-wide' : undefined}>
      <dt>{what}</dt>
      <dd>{children}</dd>
    </div>
  )
}

// Test sends one, past the queue, and says what became of it.
function Test({ api, row, onDone }: { api: DeliveryApi; row: Row; onDone: () => void }) {
  const [busy, setBusy] = useState(false)
  const [got, setGot] = useState<DeliveryAttempt | null>(null)
  const [trouble, setTrouble] = useState<Why | null>(null)

  async function send(): Promise<void> {
    setBusy(true)
    const answer = await api.test(row.destination.id ?? '')
    setBusy(false)
    setGot(answer.ok ? answer.value : null)
    setTrouble(answer.ok ? null : answer.trouble)
    onDone()
  }

  return (
    <>
      <Button
        icon="send"
        label={`Send a test to ${titleOf(row.destination)}`}
        disabled={busy}
        onClick={() => send().catch(report)}
      >
        {busy ? 'Sending …' : 'Send a test'}
      </Button>
      <div class="test-result" role="status">
        {got && (
          <p class={got.result === 'delivered' ? 'said said-good' : 'said said-bad'}>
            <Icon name={got.result === 'delivered' ? 'check' : 'close'} />
            <span>
              {got.result === 'delivered'
                ? `The test arrived${got.status ? ` (${got.status})` : ''}. It was about nobody.`
                : `${resultText(got)}. ${reasonOf(got)}`}
            </span>
          </p>
        )}
        {trouble && (
          <p class="said said-bad">
            <Icon name="close" />
            <span>{textOf(trouble)}</span>
          </p>
        )}
      </div>
    </>
  )
}

function SwitchDialog({ api, row, onClose }: { api: DeliveryApi; row: Row; onClose: () => void }) {
  const { destination, status } = row
  const name = titleOf(destination)
  const on = destination.enabled === false
  return (
    <Confirm
      title={on ? `Switch ${name} on?` : `Switch ${name} off?`}
      label={on ? 'Switch it on' : 'Switch it off'}
      run={() => change(api, destination.id ?? '', (d) => ({ ...d, enabled: on }))}
      onClose={onClose}
    >
      {on ? (
        <p>
          {isPushed(destination)
            ? `${status.backlog > 0 ? 'What waits is sent at once, in order.' : 'Nothing waits.'} What is told from now on is sent, too.`
            : 'It may fetch again, and files may be downloaded for it.'}
        </p>
      ) : (
        <p>
          {isPushed(destination)
            ? 'Nothing is sent any more. What is told meanwhile waits, and is sent in order when it is switched on again.'
            : 'Nothing can be fetched as this destination, and nothing downloaded for it.'}
        </p>
      )}
    </Confirm>
  )
}
