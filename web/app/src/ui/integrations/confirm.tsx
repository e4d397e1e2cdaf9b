// A question that says what will happen, before it does.
import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import type { Trouble as Why } from '../../api'
import { textOf } from '../../integrations/acts'
import { report } from '../../session'
import { Button, Dialog } from '../parts'
import { Trouble } from '../records/parts'

export function Confirm({
  title,
  label,
  kind = 'main',
  run,
  onClose,
  children,
}: {
  title: string
  /** What the button that does it says. */
  label: string
  kind?: 'main' | 'danger'
  run: () => Promise<Why | null>
  onClose: () => void
  children: ComponentChildren
}) {
  const [busy, setBusy] = useState(false)
  const [trouble, setTrouble] = useState<Why | null>(null)

  async function act(): Promise<void> {
    setBusy(true)
    const why = await run()
    setBusy(false)
    setTrouble(why)
    if (!why) onClose()
  }

  return (
    <Dialog title={title} onClose={onClose}>
      {trouble && <Trouble text={textOf(trouble)} />}
      <div class="confirm">{children}</div>
      <div class="buttons buttons-end">
        <Button onClick={onClose}>Cancel</Button>
        <Button kind={kind} disabled={busy} onClick={() => act().catch(report)}>
          {busy ? 'One moment …' : label}
        </Button>
      </div>
    </Dialog>
  )
}
