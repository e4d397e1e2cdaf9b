// Which devices were chosen and on, so that a reload of this tab finds them
// the same. Kept with the seat in sessionStorage.
import type { Store } from './seat'
import type { Local } from './state'

export interface Preferences {
  readonly mic: boolean
  readonly camera: boolean
  readonly chosen: Local['chosen']
}

const key = 'viop.devices'

export function loadPreferences(store: Store): Preferences {
  const off: Preferences = { mic: false, camera: false, chosen: { mic: '', camera: '', speaker: '' } }
  try {
    const value: unknown = JSON.parse(store.getItem(key) ?? 'null')
    if (typeof value !== 'object' || value === null) return off
    const { mic, camera, chosen } = { mic: false, camera: false, chosen: {}, ...value }
    return { mic: mic === true, camera: camera === true, chosen: { ...off.chosen, ...strings(chosen) } }
  } catch {
    return off
  }
}

function strings(value: unknown): { [key: string]: string } {
  if (typeof value !== 'object' || value === null) return {}
  return Object.fromEntries(
    Object.entries(value).filter((e): e is [string, string] => typeof e[1] === 'string'),
  )
}

export function savePreferences(store: Store, preferences: Preferences): void {
  try {
    store.setItem(key, JSON.stringify(preferences))
  } catch {
    // Only a reload would miss it.
  }
}
