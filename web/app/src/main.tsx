import { render } from 'preact'
import './styles/index.css'
import { takeToken } from './seat'
import { createSession } from './session'
import { App } from './ui/app'
import { SessionContext } from './ui/context'

const token = takeToken(location, history)
const session = createSession({ store: sessionStorage, token, signal: new AbortController().signal })
window.viopStats = () => session.media.stats()

const root = document.getElementById('app')
if (root)
  render(
    <SessionContext.Provider value={session}>
      <App />
    </SessionContext.Provider>,
    root,
  )

// A second invite opened in the same tab changes only the fragment.
addEventListener('hashchange', () => {
  if (new URLSearchParams(location.hash.slice(1)).has('t')) location.reload()
})
