// The pages on which the session is over, not yet open, or not for this link.
import { me } from '../state'
import { endingWords, hours } from '../words'
import { useNow, useSession } from './context'
import { Button, CrisisLinks, Page } from './parts'
import { OwnWeek } from './week'

export function NoInvitePage() {
  return (
    <Page title="Please open your invitation">
      <p class="lead">
        This page needs the personal link from your program. Open the newest invitation you were sent. If you
        cannot find it, call your program: they will send you another one.
      </p>
    </Page>
  )
}

export function OverPage() {
  const session = useSession()
  const { ending, room } = session.state.value
  const code = room?.state === 'ended' ? 'room_ended' : (ending?.code ?? 'internal')
  const words = endingWords(code)
  return (
    <Page title={words.title}>
      <p class="lead">{words.text}</p>
      {ending?.retryAt && <Countdown at={ending.retryAt} />}
      {words.again && code !== 'room_ended' && (
        <Button kind="main" onClick={session.again}>
          {words.again}
        </Button>
      )}
      {(code === 'room_ended' || code === 'left') && <OwnMinutes />}
      <section class="card crisis-card">
        <h2>If today brought up a lot</h2>
        <p>You can talk to somebody at any hour. 988 is the crisis line, by call or text.</p>
        <CrisisLinks long />
      </section>
    </Page>
  )
}

function Countdown({ at }: { at: number }) {
  const { state } = useSession()
  const now = useNow(1000) - state.value.clockOffset
  const seconds = Math.max(0, Math.ceil((at - now) / 1000))
  return <p class="hint">Next try {seconds === 0 ? 'now' : `in ${seconds} s`}.</p>
}

function OwnMinutes() {
  const { state } = useSession()
  const { report, welcome } = state.value
  const own = report?.rows.find((r) => r.handle === welcome?.handle) ?? report?.rows[0]
  if (!report || !own || me(state.value)?.role === 'facilitator') return null
  return (
    <section class="card own-minutes">
      <h2>Your time today</h2>
      <p class="figure">{own.credited_text || hours(own.credited_ms)}</p>
      {report.week && <OwnWeek week={report.week} />}
      {!report.final && <p class="hint">These figures may still change a little.</p>}
    </section>
  )
}
