// The pages of staff, opened by a scheduling system with an API token in the
// fragment, which no server sees: `#staff=TOKEN&program=ID` is everybody's
// week, `#staff=TOKEN&session=ID` the review of a session, and
// `#staff=TOKEN&page=integrations` who is told, and what is fetched.
import type { Store } from './seat'

export type Staff =
  | { readonly token: string; readonly page: 'integrations' }
  | { readonly token: string; readonly page: 'cohort'; readonly program: string }
  | { readonly token: string; readonly page: 'review'; readonly session: string }

const key = 'viop.staff'

/** Reads the link out of the address bar, or what this tab was opened with. An invite ends both. */
export function takeStaff(
  location: Pick<Location, 'hash' | 'pathname' | 'search'>,
  history: Pick<History, 'replaceState'>,
  store: Store,
): Staff | null {
  const fragment = new URLSearchParams(location.hash.slice(1))
  if (fragment.has('t')) {
    store.removeItem(key)
    return null
  }
  if (!fragment.has('staff')) return read(new URLSearchParams(store.getItem(key) ?? ''))
  history.replaceState(null, '', location.pathname + location.search)
  store.setItem(key, fragment.toString()) // so that a reload shows the page again
  return read(fragment)
}

function read(link: URLSearchParams): Staff | null {
  const token = link.get('staff')
  const program = link.get('program')
  const session = link.get('session')
  if (token && link.get('page') === 'integrations') return { token, page: 'integrations' }
  if (token && program) return { token, page: 'cohort', program }
  if (token && session) return { token, page: 'review', session }
  return null
}
