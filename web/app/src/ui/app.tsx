// Which page is shown, and what is said aloud over all of them.
import { useEffect } from 'preact/hooks'
import { type Notice, viewOf } from '../state'
import { CheckInPage } from './checkin'
import { ClosingPage } from './closing'
import { useSession } from './context'
import { DevicesPage } from './devices'
import { LobbyPage } from './lobby'
import { NoInvitePage, OverPage } from './over'
import { Page, Voices } from './parts'
import { RoomPage } from './room'

const titles = {
  no_invite: 'No invitation',
  devices: 'Before you join',
  joining: 'Joining',
  check_in: 'Check-in',
  lobby: 'Lobby',
  room: 'Group',
  over: 'Session over',
  closing: 'Closing',
} as const

export function App() {
  const { state } = useSession()
  const view = viewOf(state.value)
  useEffect(() => {
    document.title = `${titles[view]} · Group session`
  }, [view])
  return (
    <>
      <View view={view} />
      {view === 'room' && <Voices />}
      <Notices />
    </>
  )
}

function View({ view }: { view: ReturnType<typeof viewOf> }) {
  switch (view) {
    case 'no_invite':
      return <NoInvitePage />
    case 'devices':
      return <DevicesPage />
    case 'joining':
      return <JoiningPage />
    case 'check_in':
      return <CheckInPage />
    case 'lobby':
      return <LobbyPage />
    case 'room':
      return <RoomPage />
    case 'over':
      return <OverPage />
    case 'closing':
      return <ClosingPage />
    default:
      return view satisfies never
  }
}

function JoiningPage() {
  const { state } = useSession()
  const lost = state.value.link === 'lost'
  return (
    <Page title={lost ? 'Reconnecting' : 'One moment'}>
      <p class="lead" role="status">
        {lost
          ? 'The connection is gone just now. This page keeps trying, you do not need to do anything.'
          : 'You are being connected.'}
      </p>
      <div class="breathing" aria-hidden="true" />
    </Page>
  )
}

/** How long a notice stays on the page; it is read out in any case. ms */
const shown = 6000

function Notices() {
  const { notices } = useSession().state.value
  const said = (tone: Notice['tone']) =>
    notices.filter((n) => n.tone === tone).map((n) => <Said key={n.id} notice={n} />)
  return (
    <>
      <div class="notices" aria-live="polite">
        {said('calm')}
      </div>
      <div class="notices notices-urgent" aria-live="assertive">
        {said('urgent')}
      </div>
    </>
  )
}

function Said({ notice }: { notice: Notice }) {
  const session = useSession()
  useEffect(() => {
    const timer = setTimeout(() => session.noticeDone(notice.id), shown)
    return () => clearTimeout(timer)
  }, [session, notice.id])
  return <p class={notice.tone === 'urgent' ? 'notice notice-urgent' : 'notice'}>{notice.text}</p>
}
