// What a part of the page has read, and why there is nothing or nothing newer.
import { useCallback, useEffect, useState } from 'preact/hooks'
import type { Answer, Trouble } from '../../api'
import { report } from '../../session'

export interface Reading<T> {
  /** The last that was read; it stays when reading it again goes wrong. */
  readonly value: T | null
  readonly trouble: Trouble | null
  readonly again: () => void
}

/** Asks now, whenever `inputs` change, and when it is told to. */
export function useAnswer<T>(ask: () => Promise<Answer<T>>, inputs: readonly unknown[]): Reading<T> {
  const [turn, setTurn] = useState(0)
  const [value, setValue] = useState<T | null>(null)
  const [trouble, setTrouble] = useState<Trouble | null>(null)
  useEffect(() => {
    let left = false
    ask()
      .then((answer) => {
        if (left) return
        setTrouble(answer.ok ? null : answer.trouble)
        if (answer.ok) setValue(answer.value)
      })
      .catch(report)
    return () => {
      left = true
    }
  }, [...inputs, turn])
  return { value, trouble, again: useCallback(() => setTurn((n) => n + 1), []) }
}
