import type { Week } from '../wire'
import { weekPart, weekText } from '../words'

/** "6 h 00 m of 9 h this week, 1 session left", with a bar beside the words. */
export function WeekBar({ week }: { week: Week }) {
  const part = weekPart(week)
  return (
    <div class="week">
      <p>{weekText(week)}</p>
      {part !== null && (
        <div class="week-bar" aria-hidden="true">
          <span style={{ width: `${Math.round(part * 100)}%` }} />
        </div>
      )}
      {week.verdict === 'met' && <p class="hint">You have reached this week’s hours.</p>}
    </div>
  )
}
