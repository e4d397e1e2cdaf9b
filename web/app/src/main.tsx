import { render } from 'preact'
import './styles/index.css'
import { takeToken } from './seat'
import { createSession } from './session'
import { type Staff, takeStaff } from './staff'
import { App } from './ui/app'
import { SessionContext } from './ui/context'
import { Later, Page } from './ui/parts'

const root = document.getElementById('app')
const staff = takeStaff(location, history, sessionStorage)
if (root) render(staff ? opened(staff) : joined(), root)

// opened is a page of staff, whose code patients never fetch.
function opened(staff: Staff) {
  return (
    <Later
      of={async () => (await import('./ui/staff')).StaffApp}
      with={{ staff }}
      meanwhile={
        <Page title="One moment">
          <p class="lead" role="status">
            The page is being fetched. If it does not come, please reload it.
          </p>
        </Page>
      }
    />
  )
}

// joined is the page of an invite: a session, from here to the end of the tab.
function joined() {
  const token = takeToken(location, history)
  const session = createSession({ store: sessionStorage, token, signal: new AbortController().signal })
  window.viopStats = () => session.media.stats()
  return (
    <SessionContext.Provider value={session}>
      <App />
    </SessionContext.Provider>
  )
}

// A second link opened in the same tab changes only the fragment.
addEventListener('hashchange', () => {
  const link = new URLSearchParams(location.hash.slice(1))
  if (link.has('t') || link.has('staff')) location.reload()
})
