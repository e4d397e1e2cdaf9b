import { useState } from 'preact/hooks'
import { ownWeek } from '../records/own'
import type { Week } from '../wire'
import { weekPart, weekText } from '../words'
import { Button, Dialog } from './parts'

/** "6 h 00 m of 9 h this week, 1 session left", with a bar beside the words; pressed, it says more. */
export function WeekBar({ week }: { week: Week }) {
  const [open, setOpen] = useState(false)
  return (
    <>
      <div class="week">
        <p>
          <button type="button" class="week-open" aria-haspopup="dialog" onClick={() => setOpen(true)}>
            {weekText(week)}
          </button>
        </p>
        <Bar week={week} />
      </div>
      {open && (
        <Dialog title="Your week" onClose={() => setOpen(false)}>
          <OwnWeek week={week} />
          <div class="buttons buttons-end">
            <Button onClick={() => setOpen(false)}>Close</Button>
          </div>
        </Dialog>
      )}
    </>
  )
}

/** The week in plain words. */
export function OwnWeek({ week }: { week: Week }) {
  return (
    <div class="own-week">
      <Bar week={week} />
      {ownWeek(week).map((sentence) => (
        <p key={sentence}>{sentence}</p>
      ))}
    </div>
  )
}

function Bar({ week }: { week: Week }) {
  const part = weekPart(week)
  if (part === null) return null
  return (
    <svg class="week-bar" width="100%" height="6" aria-hidden="true" focusable="false">
      <rect class="week-bar-all" width="100%" height="6" rx="3" />
      <rect class="week-bar-part" width={`${Math.round(part * 100)}%`} height="6" rx="3" />
    </svg>
  )
}
