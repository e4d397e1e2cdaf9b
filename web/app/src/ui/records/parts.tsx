// Small pieces of the pages of records.
import type { ComponentChildren } from 'preact'
import type { RecordState, Verdict } from '../../api'
import { states, verdicts } from '../../records/words'
import { Icon, type IconName } from '../icons'

type Tone = 'good' | 'mind' | 'bad' | 'plain'

/** A word with an icon, so that the colour says nothing of its own. */
export function Chip({ tone, icon, children }: { tone: Tone; icon: IconName; children: ComponentChildren }) {
  return (
    <span class={`chip chip-${tone}`}>
      <Icon name={icon} />
      {children}
    </span>
  )
}

const stateLooks: { readonly [S in RecordState]: { tone: Tone; icon: IconName } } = {
  open: { tone: 'plain', icon: 'wave' },
  unsigned: { tone: 'mind', icon: 'pen' },
  signed: { tone: 'good', icon: 'check' },
  amended: { tone: 'bad', icon: 'change' },
}

export function StateChip({ state }: { state: RecordState }) {
  return <Chip {...stateLooks[state]}>{states[state]}</Chip>
}

const verdictLooks: { readonly [V in Verdict]: { tone: Tone; icon: IconName } } = {
  at_risk: { tone: 'mind', icon: 'info' },
  cannot_meet: { tone: 'bad', icon: 'change' },
  not_met: { tone: 'bad', icon: 'close' },
  on_track: { tone: 'plain', icon: 'wave' },
  partial_week: { tone: 'plain', icon: 'pause' },
  met: { tone: 'good', icon: 'check' },
  no_minimum: { tone: 'plain', icon: 'check' },
}

export function VerdictChip({ verdict, people }: { verdict: Verdict; people?: number }) {
  return (
    <Chip {...verdictLooks[verdict]}>
      {people !== undefined && <b>{people}</b>} {verdicts[verdict]}
    </Chip>
  )
}

/** Something that went wrong, with what can be done about it. */
export function Trouble({ text, children }: { text: string; children?: ComponentChildren }) {
  return (
    <div class="banner banner-warn" role="alert">
      <Icon name="info" />
      <div class="banner-text">
        {text} {children}
      </div>
    </div>
  )
}

/** A field with its label, and what is wrong with it. */
export function Field({
  label,
  hint,
  problem,
  id,
  children,
}: {
  label: string
  hint?: string | undefined
  problem?: string | undefined
  id: string
  children: ComponentChildren
}) {
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {hint && (
        <span class="hint" id={`${id}-hint`}>
          {hint}
        </span>
      )}
      {children}
      {problem && (
        <span class="field-problem" id={`${id}-problem`}>
          {problem}
        </span>
      )}
    </div>
  )
}

/** What a control in a Field is described by. */
export function described(id: string, hint: boolean, problem: string | undefined) {
  const by = [hint && `${id}-hint`, problem && `${id}-problem`].filter(Boolean).join(' ')
  return { id, 'aria-invalid': problem !== undefined, ...(by && { 'aria-describedby': by }) }
}
