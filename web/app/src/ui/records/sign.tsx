// Before somebody signs: what exactly, for whom, and who it is that signs.
import { useState } from 'preact/hooks'
import type { SheetVersion, Trouble as Why } from '../../api'
import { type Desk, nameIn, type Papers, recordOf } from '../../records/desk'
import { report } from '../../session'
import { hours, statusText } from '../../words'
import { Button, Dialog } from '../parts'
import { Trouble } from './parts'

export function SignDialog({
  desk,
  papers,
  version,
  onClose,
}: {
  desk: Desk
  papers: Papers
  version: SheetVersion
  onClose: () => void
}) {
  const [busy, setBusy] = useState(false)
  const [trouble, setTrouble] = useState<Why | null>(null)

  async function sign(): Promise<void> {
    setBusy(true)
    const why = await desk.sign(version)
    setBusy(false)
    setTrouble(why)
    // Records that changed meanwhile are to be looked at first; the page says so.
    if (!why || why.code === 'not_current') onClose()
  }

  return (
    <Dialog title={`Sign version ${version.version}`} onClose={onClose}>
      {trouble && <Trouble text={trouble.text} />}
      <p>
        With your signature you stand by these minutes{desk.self && ` as ${nameIn(papers, desk.self)}`}.
        Nobody can change them afterwards without a new version.
      </p>
      <table class="signed-table">
        <caption class="sr">What you sign</caption>
        <thead>
          <tr>
            <th scope="col">Patient</th>
            <th scope="col">Status</th>
            <th scope="col" class="at-end">
              Credited
            </th>
          </tr>
        </thead>
        <tbody>
          {version.people.map((person) => {
            const record = recordOf(papers, person)
            return (
              <tr key={person}>
                <th scope="row">{nameIn(papers, person)}</th>
                <td>{record ? statusText(record.status) : ''}</td>
                <td class="at-end">{record ? hours(record.credited_ms) : ''}</td>
              </tr>
            )
          })}
        </tbody>
      </table>
      <p class="hint">
        Record hash <code>{version.hash.slice(0, 12)}</code>, evidence{' '}
        <code>{papers.sheet.head.slice(0, 12)}</code>.
      </p>
      <div class="buttons buttons-end">
        <Button onClick={onClose}>Cancel</Button>
        <Button kind="main" disabled={busy} onClick={() => sign().catch(report)}>
          {busy ? 'Signing …' : `Sign version ${version.version}`}
        </Button>
      </div>
    </Dialog>
  )
}
