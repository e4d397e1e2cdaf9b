// Single-key shortcuts: M, V and H. They can be switched off in the settings
// (WCAG 2.1.4), and are silent while somebody types or answers a dialog.
import { signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'

export const shortcutsOn = signal(true)

export function useShortcuts(keys: { readonly [key: string]: () => void }): void {
  const latest = useRef(keys)
  latest.current = keys
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (!shortcutsOn.value || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return
      const at = event.target
      if (at instanceof Element && at.closest('input, select, textarea, dialog')) return
      latest.current[event.key.toLowerCase()]?.()
    }
    document.addEventListener('keydown', pressed)
    return () => document.removeEventListener('keydown', pressed)
  }, [])
}
