// After the end: the review of the records. Where they cannot be had, such as
// in a demonstration that keeps nothing, each person's minutes and where the
// others went; the figures are those of the export, this page only shows them.
import type { MinutesRow } from '../wire'
import { clock, hours, labelText, lossText, roleText, statusText } from '../words'
import { useSession } from './context'
import { Later, Page } from './parts'

export function ClosingPage() {
  const session = useSession()
  const { report, welcome } = session.state.value
  if (!welcome) return <MinutesPage />
  return (
    <Later
      of={async () => (await import('./records/closing')).Closing}
      with={{
        access: session.access,
        session: welcome.session,
        self: session.greeting.person,
        final: report?.final ?? false,
        otherwise: <MinutesPage />,
      }}
      meanwhile={<MinutesPage />}
    />
  )
}

function MinutesPage() {
  const { state } = useSession()
  const { report, welcome } = state.value
  return (
    <Page title="The group has ended" wide>
      {!report && (
        <p class="lead" role="status">
          The minutes are being settled. They appear here in a moment.
        </p>
      )}
      {report && (
        <>
          <p class="lead">
            Minutes as of {clock(report.as_of)}.{' '}
            {report.final
              ? 'They are settled.'
              : 'They may still change a little until the evidence is settled.'}
          </p>
          <Minutes rows={report.rows} />
          <p class="hint">
            The same figures, to the millisecond, are in the attendance export:{' '}
            <code>viop attendance case</code> or{' '}
            <code>/v1/sessions/{welcome?.session ?? '…'}/attendance</code>.
          </p>
        </>
      )}
    </Page>
  )
}

function Minutes({ rows }: { rows: readonly MinutesRow[] }) {
  const heads = ['Name', 'Credited', 'Connected', 'Status', 'Not credited']
  return (
    // The roles are said again because a phone shows the rows as cards, and
    // some browsers drop them with the table's display.
    <table class="minutes" role="table">
      <caption class="sr">Minutes of each person</caption>
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
        {rows.map((row, i) => (
          <tr key={row.handle ?? i} role="row">
            <th scope="row" role="rowheader">
              {row.name}
              {row.role && roleText(row.role) && <span class="minutes-role">{roleText(row.role)}</span>}
            </th>
            <td role="cell" data-head="Credited" class="minutes-credited">
              {row.credited_text}
            </td>
            <td role="cell" data-head="Connected">
              {hours(row.connected_ms)}
            </td>
            <td role="cell" data-head="Status">
              {[statusText(row.status), ...(row.labels ?? []).map(labelText)].join(', ')}
            </td>
            <td role="cell" data-head="Not credited">
              <Lost row={row} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function Lost({ row }: { row: MinutesRow }) {
  const lost = row.lost.filter((l) => l.ms > 0)
  if (lost.length === 0) return <span class="hint">None</span>
  return (
    <ul class="plain lost">
      {lost.map((l) => (
        <li key={l.why}>{lossText(l)}</li>
      ))}
    </ul>
  )
}
