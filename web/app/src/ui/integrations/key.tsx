// The key of a webhook: made on purpose, shown once.
import { useState } from 'preact/hooks'
import type { DeliveryApi, NewDestinationKey, Trouble as Why } from '../../api'
import { textOf } from '../../integrations/acts'
import type { Row } from '../../integrations/standing'
import { titleOf, whenText } from '../../integrations/words'
import { report } from '../../session'
import { Button, Dialog } from '../parts'
import { Trouble } from '../records/parts'

export function KeyDialog({ api, row, onClose }: { api: DeliveryApi; row: Row; onClose: () => void }) {
  const [busy, setBusy] = useState(false)
  const [trouble, setTrouble] = useState<Why | null>(null)
  const [made, setMade] = useState<NewDestinationKey | null>(null)
  const { destination, status } = row

  async function make(): Promise<void> {
    setBusy(true)
    const answer = await api.newKey(destination.id ?? '')
    setBusy(false)
    setTrouble(answer.ok ? null : answer.trouble)
    if (answer.ok) setMade(answer.value)
  }

  const first = status.keys.length === 0
  const asked = first ? `Make a key for ${titleOf(destination)}?` : `A new key for ${titleOf(destination)}?`
  const title = made?.secret ? 'The secret, this once' : 'The public key'
  // One dialog throughout: the browser closes the one before only after the next has opened.
  return (
    <Dialog title={made ? title : asked} onClose={onClose}>
      {made ? (
        <Made made={made} onClose={onClose} />
      ) : (
        <Ask row={row} first={first} trouble={trouble} busy={busy} make={make} onClose={onClose} />
      )}
    </Dialog>
  )
}

function Ask({
  row: { status },
  first,
  trouble,
  busy,
  make,
  onClose,
}: {
  row: Row
  /** Whether it has no key yet. */
  first: boolean
  trouble: Why | null
  busy: boolean
  make: () => Promise<void>
  onClose: () => void
}) {
  return (
    <>
      {trouble && <Trouble text={textOf(trouble)} />}
      <div class="confirm">
        <p>
          The receiver needs the key to know that a message is ours. It is shown once, on the next page, and
          cannot be read again.
        </p>
        {!first && (
          <p>
            The key of now goes on signing beside the new one for 24 hours, so that the receiver can change
            over. One before that stops at once.
          </p>
        )}
        {status.keys.map((key) => (
          <p key={key.fingerprint} class="hint">
            Key <code>{key.fingerprint}</code>, made {whenText(key.made)}
            {key.until && `, signs until ${whenText(key.until)}`}.
          </p>
        ))}
      </div>
      <div class="buttons buttons-end">
        <Button onClick={onClose}>Cancel</Button>
        <Button kind="main" icon="key" disabled={busy} onClick={() => make().catch(report)}>
          {busy ? 'Making …' : 'Make the key'}
        </Button>
      </div>
    </>
  )
}

function Made({ made, onClose }: { made: NewDestinationKey; onClose: () => void }) {
  const [copied, setCopied] = useState(false)
  const text = made.secret ?? made.key.public_key ?? ''
  return (
    <>
      <div class="confirm">
        <p>
          {made.secret
            ? 'Give it to the receiver by a safe way, not by e-mail. When you close this, nobody can read it again.'
            : 'Give it to the receiver. It is no secret: it proves that a message is ours and cannot sign one.'}
        </p>
        <p class="secret">
          <code>{text}</code>
        </p>
        <p class="hint">
          Fingerprint <code>{made.key.fingerprint}</code>
        </p>
        <p class="sr" role="status">
          {copied && 'Copied.'}
        </p>
      </div>
      <div class="buttons buttons-end">
        <Button
          onClick={() =>
            navigator.clipboard
              .writeText(text)
              .then(() => setCopied(true))
              .catch(report)
          }
        >
          {copied ? 'Copied' : 'Copy'}
        </Button>
        <Button kind="main" onClick={onClose}>
          I have it
        </Button>
      </div>
    </>
  )
}
