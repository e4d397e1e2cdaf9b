// Everybody's week in a program as bars against the minimum, whoever needs a
// call first.
import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Answer, ProgramWeeks, RecordsApi, Week } from '../../api'
import {
  barsOf,
  daysText,
  nameOf,
  outlook,
  progress,
  ranked,
  scaleOf,
  tally,
  type WeekBars,
} from '../../records/cohort'
import { count } from '../../records/words'
import { clockIn, dateAfter, instant, weekSpan } from '../../records/zone'
import { report } from '../../session'
import { Button, Page } from '../parts'
import { Trouble, VerdictChip } from './parts'
import { Patterns } from './patterns'

export function CohortPage({
  api,
  program,
  more,
}: {
  api: RecordsApi
  program: string
  /** What else there is for whoever looks at it. */
  more?: ComponentChildren
}) {
  const [wanted, setWanted] = useState<string | undefined>(undefined)
  const [turn, setTurn] = useState(0)
  const [answer, setAnswer] = useState<Answer<ProgramWeeks> | null>(null)
  const [weeks, setWeeks] = useState<ProgramWeeks | null>(null)
  useEffect(() => {
    let left = false
    api
      .programWeeks(program, wanted)
      .then((a) => {
        if (left) return
        setAnswer(a)
        if (a.ok) setWeeks(a.value)
      })
      .catch(report)
    return () => {
      left = true
    }
  }, [api, program, wanted, turn])
  const again = () => setTurn((n) => n + 1)

  return (
    <Page title="Everybody’s week" wide>
      {answer && !answer.ok && (
        <Trouble text={answer.trouble.text}>
          <Button kind="quiet" onClick={again}>
            Try again
          </Button>
        </Trouble>
      )}
      {!weeks && !answer && (
        <p class="lead" role="status">
          The weeks are being read.
        </p>
      )}
      {weeks && (
        <>
          <Picker week={weeks.week} pick={setWanted} again={again} />
          <p class="sr" role="status">
            {weekSpan(weeks.week)}: {count(weeks.weeks.length, 'person', 'people')}
          </p>
          <Cohort weeks={weeks} />
          {more && <div class="buttons">{more}</div>}
        </>
      )}
    </Page>
  )
}

function Picker({ week, pick, again }: { week: string; pick: (day: string) => void; again: () => void }) {
  return (
    <div class="picker">
      <Button icon="back" label="Previous week" onClick={() => pick(dateAfter(week, -7))}>
        {''}
      </Button>
      <h2>{weekSpan(week)}</h2>
      <Button icon="forth" label="Next week" onClick={() => pick(dateAfter(week, 7))}>
        {''}
      </Button>
      <label class="picker-day">
        <span>Week of</span>
        <input
          type="date"
          value={week}
          onChange={(e) => e.currentTarget.value && pick(e.currentTarget.value)}
        />
      </label>
      <Button icon="again" onClick={again}>
        Refresh
      </Button>
    </div>
  )
}

function Cohort({ weeks }: { weeks: ProgramWeeks }) {
  const scale = scaleOf(weeks.weeks)
  if (weeks.weeks.length === 0) return <p class="lead">Nobody was expected in this week, and nobody came.</p>
  return (
    <>
      <Patterns />
      <ul class="tally" aria-label="How the week stands">
        {tally(weeks.weeks).map((t) => (
          <li key={t.verdict}>
            <VerdictChip {...t} />
          </li>
        ))}
      </ul>
      <ul class="cohort">
        {ranked(weeks.weeks).map((week) => (
          <Row key={week.person} week={week} zone={weeks.timezone} scale={scale} />
        ))}
      </ul>
      <div class="cohort-legend hint" aria-hidden="true">
        <Bars bars={{ credited: 40, remaining: 30, minimum: 70 }} />
        <span>credited, still to come, and the minimum</span>
      </div>
      <p class="hint">
        As of {clockIn(weeks.timezone, instant(weeks.as_of))}, in the time of{' '}
        {weeks.timezone.replaceAll('_', ' ')}. Credit is rounded down, what is needed is rounded up.
      </p>
    </>
  )
}

function Row({ week, zone, scale }: { week: Week; zone: string; scale: number }) {
  return (
    <li class={`cohort-row cohort-${week.verdict}`}>
      <div class="cohort-who">
        <p class="line-name">{nameOf(week)}</p>
        <VerdictChip verdict={week.verdict} />
      </div>
      <div class="cohort-bars">
        <Bars bars={barsOf(week, scale)} />
        <p class="cohort-words">
          <b>{progress(week)}</b>
          <span>{daysText(week)}</span>
          {week.over_max && <span>over the maximum</span>}
          {week.engaged === false && <span>fewer than 4 sessions in a first month’s week</span>}
        </p>
      </div>
      <p class="cohort-outlook">{outlook(week, zone)}</p>
    </li>
  )
}

function Bars({ bars }: { bars: WeekBars }) {
  return (
    <svg class="week-picture" width="100%" height="20" aria-hidden="true" focusable="false">
      <rect class="week-base" x="0" y="4" width="100%" height="12" rx="3" />
      <rect class="week-done" x="0" y="4" width={`${bars.credited}%`} height="12" rx="3" />
      <rect
        fill="url(#still-to-come)"
        x={`${bars.credited}%`}
        y="4"
        width={`${bars.remaining}%`}
        height="12"
        rx="3"
      />
      {bars.minimum !== null && (
        <line class="week-minimum" x1={`${bars.minimum}%`} x2={`${bars.minimum}%`} y1="0" y2="20" />
      )}
    </svg>
  )
}
