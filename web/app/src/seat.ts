// What a reload must not lose, in sessionStorage: it belongs to this tab, is
// not sent anywhere, and goes when the tab goes.
import { isServerFrame, type ServerWelcome } from './wire'

export interface StoredSeat {
  /** The join token of the invite link. */
  readonly token: string
  /** Tells this tab from a second device of the same person. */
  readonly instance: string
  /** The seat that was taken, with the token that takes it again. */
  readonly kept: { readonly welcome: ServerWelcome; readonly resume: string; readonly ack: number } | null
  readonly checkedIn: boolean
}

export type Store = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>

const key = 'viop.seat'

export function loadSeat(store: Store): StoredSeat | null {
  let value: unknown
  try {
    value = JSON.parse(store.getItem(key) ?? 'null')
  } catch {
    return null
  }
  if (typeof value !== 'object' || value === null) return null
  const { token, instance, kept, checkedIn } = {
    token: null,
    instance: null,
    kept: null,
    checkedIn: false,
    ...value,
  }
  if (typeof token !== 'string' || typeof instance !== 'string') return null
  return { token, instance, kept: decodeKept(kept), checkedIn: checkedIn === true }
}

function decodeKept(value: unknown): StoredSeat['kept'] {
  if (typeof value !== 'object' || value === null) return null
  const { welcome, resume, ack } = { welcome: null, resume: null, ack: null, ...value }
  const frame: unknown = { t: 'welcome', d: welcome }
  if (!isServerFrame(frame) || frame.t !== 'welcome') return null
  if (typeof resume !== 'string' || typeof ack !== 'number') return null
  return { welcome: frame.d, resume, ack }
}

export function saveSeat(store: Store, seat: StoredSeat): void {
  try {
    store.setItem(key, JSON.stringify(seat))
  } catch {
    // Storage is full or forbidden: the session works, only a reload asks for the link again.
  }
}

export function forgetSeat(store: Store): void {
  store.removeItem(key)
}

/**
 * Takes the token out of the address bar (`#t=…`) before anybody can copy or
 * photograph it. Answers null when there is none.
 */
export function takeToken(
  location: Pick<Location, 'hash' | 'pathname' | 'search'>,
  history: Pick<History, 'replaceState'>,
): string | null {
  const token = new URLSearchParams(location.hash.slice(1)).get('t')
  if (token === null) return null
  history.replaceState(null, '', location.pathname + location.search)
  return token === '' ? null : token
}

/**
 * The name and role in a join token, to greet the person before the server has
 * been asked. Unverified: nothing but words on the page hangs on it.
 */
export function readClaims(token: string): { readonly name: string; readonly role: string } {
  try {
    const payload = (token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/')
    const bytes = Uint8Array.from(atob(payload), (c) => c.charCodeAt(0))
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes))
    const { name, role } = { name: '', role: '', ...(typeof claims === 'object' ? claims : {}) }
    return { name: typeof name === 'string' ? name : '', role: typeof role === 'string' ? role : '' }
  } catch {
    return { name: '', role: '' }
  }
}
