// The sign-in sheet of a session, for paper: initials unless somebody asks for
// names, times and minutes, and what state the record is in.
import { useState } from 'preact/hooks'
import { nameIn, type Papers, signaturesOf } from '../../records/desk'
import { stay } from '../../records/timeline'
import { count, services, states } from '../../records/words'
import { clockIn, dateIn, instant, zoneName } from '../../records/zone'
import { hours, initials, statusText } from '../../words'
import { Button, Page } from '../parts'

export function SignInSheet({ papers, onClose }: { papers: Papers; onClose: () => void }) {
  const [full, setFull] = useState(false)
  const { sheet, timeline } = papers
  const zone = timeline.timezone
  const [start, end] = [instant(timeline.scheduled.start), instant(timeline.scheduled.end)]
  const shown = (person: string) => {
    const name = nameIn(papers, person)
    return full || name === person ? name : initials(name)
  }
  const service = sheet.records[0]?.service
  return (
    <Page title="Sign-in sheet" wide>
      <div class="paper">
        <div class="no-print buttons">
          <Button kind="main" icon="print" onClick={() => print()}>
            Print
          </Button>
          <Button onClick={onClose}>Back to the review</Button>
          <label class="tick">
            <input type="checkbox" checked={full} onChange={(e) => setFull(e.currentTarget.checked)} />
            <span>Names instead of initials</span>
          </label>
        </div>
        <dl class="paper-facts">
          <Fact what="Session" is={sheet.session.session} />
          <Fact what="Service" is={service ? services[service] : '–'} />
          <Fact what="Date" is={dateIn(zone, start)} />
          <Fact
            what="Time"
            is={`${clockIn(zone, start)} to ${clockIn(zone, end)} ${zoneName(zone, start)}`}
          />
          <Fact
            what="Facilitators"
            is={(sheet.facilitators ?? []).map((f) => nameIn(papers, f.person)).join(', ') || '–'}
          />
          <Fact what="Most patients at once" is={String(sheet.session.patients_max)} />
        </dl>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls on a phone */}
        <section class="paper-scroll" tabIndex={0} aria-label="Who took part">
          <table class="paper-table">
            <caption class="sr">Who took part, and for how long</caption>
            <thead>
              <tr>
                {['Patient', 'Status', 'Arrived', 'Left', 'Credited', 'Record'].map((h) => (
                  <th key={h} scope="col">
                    {h}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {sheet.records.map((r) => {
                const there = stay(timeline.people.find((p) => p.person === r.person)?.spans ?? [])
                return (
                  <tr key={r.person}>
                    <th scope="row">{shown(r.person)}</th>
                    <td>{statusText(r.status)}</td>
                    <td>{there ? clockIn(zone, there.from) : '–'}</td>
                    <td>{there ? clockIn(zone, there.to) : '–'}</td>
                    <td class="paper-number">{hours(r.credited_ms)}</td>
                    <td>
                      v{r.version}, {states[r.state].toLowerCase()}
                    </td>
                  </tr>
                )
              })}
            </tbody>
          </table>
        </section>
        <Signed papers={papers} />
        <p class="paper-notice">{sheet.notice}</p>
        <p class="paper-notice">
          {count(sheet.records.length, 'record')} as of {dateIn(zone, instant(sheet.as_of))},{' '}
          {clockIn(zone, instant(sheet.as_of))}. Arrived and left are the first and last evidence of a person,
          the lobby included. Evidence <code>{sheet.head.slice(0, 16)}</code>, time zones{' '}
          {sheet.provenance.tzdata}.
        </p>
      </div>
    </Page>
  )
}

function Fact({ what, is }: { what: string; is: string }) {
  return (
    <div>
      <dt>{what}</dt>
      <dd>{is}</dd>
    </div>
  )
}

// Signed is who signed each version, or a line to sign on.
function Signed({ papers }: { papers: Papers }) {
  const zone = papers.timeline.timezone
  return (
    <ul class="paper-signatures">
      {papers.sheet.versions.map((v) => {
        const signature = v.state === 'signed' ? signaturesOf(papers, v).at(-1) : undefined
        return (
          <li key={v.version}>
            <p>
              Version {v.version} ({count(v.people.length, 'record')}), hash{' '}
              <code>{v.hash.slice(0, 16)}</code>
            </p>
            {signature ? (
              <p>
                Signed by {nameIn(papers, signature.by)}, {dateIn(zone, instant(signature.at))},{' '}
                {clockIn(zone, instant(signature.at))} {zoneName(zone, instant(signature.at))}
              </p>
            ) : (
              <p class="paper-line">{states[v.state]}</p>
            )}
          </li>
        )
      })}
    </ul>
  )
}
