// The closing review: what became of everybody's time, why, and what has to
// be corrected and signed before it leaves the house.
import { useEffect, useState } from 'preact/hooks'
import {
  changes,
  type Desk,
  isDue,
  nameIn,
  type Papers,
  recordOf,
  signaturesOf,
  summary,
} from '../../records/desk'
import { actText, reasonText } from '../../records/effect'
import { axisOf, spanText } from '../../records/timeline'
import { count, flagText, lossesOf, operations, services } from '../../records/words'
import { clockIn, dateIn, exactIn, instant } from '../../records/zone'
import { report } from '../../session'
import { hours, labelText, statusText } from '../../words'
import { Icon } from '../icons'
import { Button, Page } from '../parts'
import { Compared } from './compare'
import { CorrectDialog } from './correct'
import { type Chosen, Explained, howTo } from './explained'
import { StateChip, Trouble } from './parts'
import { Legend, Patterns } from './patterns'
import { SignDialog } from './sign'
import { SignInSheet } from './signin'
import { Clock, Facilitated, Track } from './track'

/** How often a room with people in it is looked at again; ms. */
const occupiedEvery = 3000

export function ReviewPage({ desk, title }: { desk: Desk; title: string }) {
  const { papers, loading, trouble, said, warned } = desk.state.value
  const [printing, setPrinting] = useState(false)
  // The room empties some seconds after the end, and can be signed from then on.
  useEffect(() => {
    if (!papers?.sheet.occupied) return
    const timer = setTimeout(() => desk.load().catch(report), occupiedEvery)
    return () => clearTimeout(timer)
  }, [desk, papers])
  if (printing && papers) return <SignInSheet papers={papers} onClose={() => setPrinting(false)} />
  return (
    <Page title={title} wide>
      {trouble && (
        <Trouble text={trouble.text}>
          <Button kind="quiet" onClick={() => desk.load().catch(report)}>
            Try again
          </Button>
        </Trouble>
      )}
      {warned && <Trouble text={warned} />}
      {!papers && loading && (
        <p class="lead" role="status">
          The records are being read. They appear here in a moment.
        </p>
      )}
      {papers && <Reviewed desk={desk} papers={papers} onPrint={() => setPrinting(true)} />}
      <p class="sr" role="status">
        {said}
      </p>
    </Page>
  )
}

function Reviewed({ desk, papers, onPrint }: { desk: Desk; papers: Papers; onPrint: () => void }) {
  const [correcting, setCorrecting] = useState<{ person: string } | null>(null)
  const { sheet, timeline } = papers
  const changed = changes(papers)
  return (
    <div class="review">
      <Patterns />
      <Heading papers={papers} />
      {sheet.session.flags.map((flag) => (
        <Trouble key={flag} text={flagText(flag)} />
      ))}
      <Signing desk={desk} papers={papers}>
        <Button onClick={() => setCorrecting({ person: '' })}>Correct the session …</Button>
        <Button icon="print" onClick={onPrint}>
          Sign-in sheet
        </Button>
      </Signing>
      <Lines desk={desk} papers={papers} onCorrect={(person) => setCorrecting({ person })} />
      {changed.map((c) => (
        <Compared key={c.person} name={nameIn(papers, c.person)} zone={timeline.timezone} {...c} />
      ))}
      <History papers={papers} />
      {correcting && (
        <CorrectDialog
          desk={desk}
          papers={papers}
          person={correcting.person}
          onClose={() => setCorrecting(null)}
        />
      )}
    </div>
  )
}

function Heading({ papers }: { papers: Papers }) {
  const { sheet, timeline } = papers
  const zone = timeline.timezone
  const service = sheet.records[0]?.service
  const [start, end] = [instant(timeline.scheduled.start), instant(timeline.scheduled.end)]
  return (
    <p class="lead">
      {service ? `${services[service]}, ` : ''}
      {dateIn(zone, start)}, {clockIn(zone, start)} to {clockIn(zone, end)}.{' '}
      {count(sheet.records.length, 'patient')}. Everything here is as of {clockIn(zone, instant(sheet.as_of))}
      , in the time of {zone.replaceAll('_', ' ')}.
    </p>
  )
}

const advice = {
  occupied: 'There are still people in the room. The records can be signed when everybody has left.',
  stale:
    'Records say something else than what was signed: evidence came late, or the rules were changed. They have to be signed again.',
  open: 'The session is not over yet. It can be signed when it is.',
  unsigned: 'Look through the lines, correct what is not right, then sign.',
  amended: 'Records changed after they were signed. The new version has to be signed again.',
  signed: 'Everything is signed. A correction makes a new version, and this one stays readable.',
} as const

function Signing({
  desk,
  papers,
  children,
}: {
  desk: Desk
  papers: Papers
  children: preact.ComponentChildren
}) {
  const [signing, setSigning] = useState<number | null>(null)
  const { versions } = papers.sheet
  const zone = papers.timeline.timezone
  const asked = versions.find((v) => v.version === signing)
  return (
    <section class="card signing" aria-label="Signatures">
      <div class="grow">
        <p>{advice[summary(papers)]}</p>
        <ul class="signing-versions">
          {versions.map((v) => {
            const last = signaturesOf(papers, v).at(-1)
            return (
              <li key={v.version}>
                <b>Version {v.version}</b>
                <span class="hint">{count(v.people.length, 'record')}</span>
                <StateChip state={v.state} />
                {v.state === 'signed' && last && (
                  <span class="hint">
                    by {nameIn(papers, last.by)}, {dateIn(zone, instant(last.at))},{' '}
                    {clockIn(zone, instant(last.at))}
                  </span>
                )}
              </li>
            )
          })}
        </ul>
      </div>
      <div class="buttons">
        {versions
          .filter((v) => isDue(papers, v))
          .map((v) => (
            <Button key={v.version} kind="main" icon="pen" onClick={() => setSigning(v.version)}>
              Sign version {v.version} …
            </Button>
          ))}
        {children}
      </div>
      {asked && <SignDialog desk={desk} papers={papers} version={asked} onClose={() => setSigning(null)} />}
    </section>
  )
}

function Lines({
  desk,
  papers,
  onCorrect,
}: {
  desk: Desk
  papers: Papers
  onCorrect: (person: string) => void
}) {
  const { timeline } = papers
  const axis = axisOf(timeline)
  const [chosen, setChosen] = useState<Chosen | null>(null)
  const shown = new Set(timeline.people.flatMap((p) => p.spans.map((s) => s.rule)))
  const person = timeline.people.find((p) => p.person === chosen?.person)
  const span = chosen && person?.spans[chosen.index]
  return (
    <section class="lines" aria-label="Timelines">
      <div class="lines-list">
        <p class="hint lines-hint" aria-hidden="true">
          {howTo}
        </p>
        <Legend shown={shown} />
        <div class="line line-head">
          <span class="line-who hint">Facilitator</span>
          <div class="line-track">
            <Clock timeline={timeline} axis={axis} />
            <Facilitated timeline={timeline} axis={axis} />
          </div>
        </div>
        <ul class="lines-people">
          {timeline.people.map((p) => (
            <li key={p.person} class="line">
              <Who papers={papers} person={p.person} />
              <div class="line-track">
                <Track
                  label={`Timeline of ${nameIn(papers, p.person)}`}
                  spans={p.spans}
                  timeline={timeline}
                  axis={axis}
                  chosen={chosen?.person === p.person ? chosen.index : null}
                  choose={(index) => setChosen(index === null ? null : { person: p.person, index })}
                />
                <Lost papers={papers} person={p.person} />
              </div>
              <div class="line-end">
                <p class="line-credited">{hours(p.credited_ms)}</p>
                <Button
                  kind="quiet"
                  label={`Correct ${nameIn(papers, p.person)}`}
                  onClick={() => onCorrect(p.person)}
                >
                  Correct
                </Button>
              </div>
            </li>
          ))}
        </ul>
        <AsList papers={papers} />
      </div>
      <Explained
        desk={desk}
        zone={timeline.timezone}
        chosen={chosen}
        span={span ?? null}
        name={chosen ? nameIn(papers, chosen.person) : ''}
      />
    </section>
  )
}

function Who({ papers, person }: { papers: Papers; person: string }) {
  const record = recordOf(papers, person)
  if (!record) return <div class="line-who" />
  return (
    <div class="line-who">
      <p class="line-name">{nameIn(papers, person)}</p>
      <p class="hint">{[statusText(record.status), ...record.labels.map(labelText)].join(', ')}</p>
      {record.state !== 'unsigned' && record.state !== 'open' && <StateChip state={record.state} />}
    </div>
  )
}

function Lost({ papers, person }: { papers: Papers; person: string }) {
  const record = recordOf(papers, person)
  const lost = record ? lossesOf(record) : []
  if (lost.length === 0) return null
  return <p class="hint line-lost">Not credited: {lost.join(' · ')}</p>
}

// AsList says the picture in words, for whoever would rather read it.
function AsList({ papers }: { papers: Papers }) {
  const { timeline } = papers
  return (
    <details class="as-list">
      <summary>The timelines in words</summary>
      {timeline.people.map((p) => (
        <div key={p.person}>
          <h3>{nameIn(papers, p.person)}</h3>
          <ul class="plain">
            {p.spans.map((s) => (
              <li key={s.start}>{spanText(timeline.timezone, s)}</li>
            ))}
          </ul>
        </div>
      ))}
    </details>
  )
}

function History({ papers }: { papers: Papers }) {
  const { corrections, signatures, timeline } = papers
  if (corrections.length + signatures.length === 0) return null
  const zone = timeline.timezone
  const leads = new Set((papers.sheet.facilitators ?? []).map((f) => f.person))
  const setting = { timeline, nameOf: (p: string) => nameIn(papers, p) }
  const superseded = new Set(corrections.map((c) => c.supersedes))
  const acts = [
    ...corrections.map((c) => ({
      id: c.id,
      at: c.at,
      what: operations[c.op],
      text: `${actText(c, setting, leads.has(c.person ?? ''))} ${reasonText(c)}.`.replace('..', '.'),
      by: c.by,
      gone: superseded.has(c.id),
    })),
    ...signatures.map((s, i) => ({
      id: `signature-${i}`,
      at: s.at,
      what: `Version ${s.version} signed`,
      text: `Record hash ${s.hash.slice(0, 12)} …`,
      by: s.by,
      gone: false,
    })),
  ].sort((a, b) => instant(a.at) - instant(b.at))
  return (
    <section class="card history">
      <h2>What was done</h2>
      <ol class="acts-list">
        {acts.map((act) => (
          <li key={act.id}>
            <Icon name={act.id.startsWith('signature-') ? 'check' : 'pen'} />
            <div>
              <p>
                <b>{act.what}</b> {act.text}
                {act.gone && ' A later correction replaced it.'}
              </p>
              <p class="hint">
                {nameIn(papers, act.by)}, {dateIn(zone, instant(act.at))}, {exactIn(zone, instant(act.at))}
              </p>
            </div>
          </li>
        ))}
      </ol>
    </section>
  )
}
