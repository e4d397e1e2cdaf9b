// The fields of a correction.
import { useEffect, useState } from 'preact/hooks'
import type { CorrectionReason, Status as StatusCode } from '../../api'
import { type Choice, choices, meant } from '../../records/correction'
import { nameIn } from '../../records/desk'
import { reasons } from '../../records/words'
import { instant, zoneName } from '../../records/zone'
import { report } from '../../session'
import { statusText } from '../../words'
import type { Form } from './correct'
import { described, Field } from './parts'

const all: readonly Choice[] = [
  ...(['add', 'remove', 'reassign', 'set_status'] as const),
  ...(['declare_break', 'cancel_break', 'extend_window', 'lead'] as const),
]

export function What({ form, of }: { form: Form; of: 'person' | 'session' }) {
  return (
    <fieldset class="choices">
      <legend>What happened?</legend>
      {all
        .filter((c) => choices[c].of === of)
        .map((choice) => (
          <label key={choice}>
            <input
              type="radio"
              name="choice"
              value={choice}
              checked={form.draft.choice === choice}
              onChange={() => form.change({ choice })}
            />
            <span>
              {choices[choice].title}
              <span class="hint">{choices[choice].hint}</span>
            </span>
          </label>
        ))}
    </fieldset>
  )
}

/** Which facilitator was there. */
export function Whom({ form }: { form: Form }) {
  const { desk, papers, draft, problems, change } = form
  const known = papers.sheet.facilitators ?? []
  const people = known.length > 0 ? known : desk.self ? [{ person: desk.self }] : []
  return (
    <Field id="facilitator" label="Which facilitator?" problem={problems.facilitator}>
      <select
        {...described('facilitator', false, problems.facilitator)}
        name="facilitator"
        value={draft.facilitator}
        onChange={(e) => change({ facilitator: e.currentTarget.value })}
      >
        <option value="">Please choose</option>
        {people.map((p) => (
          <option key={p.person} value={p.person}>
            {nameIn(papers, p.person)}
            {p.person === desk.self ? ' (you)' : ''}
          </option>
        ))}
      </select>
    </Field>
  )
}

/** Whose connection it was, and which of those that count for this person. */
export function Whose({ form }: { form: Form }) {
  const { desk, papers, about: of, draft, problems, change } = form
  const [found, setFound] = useState<readonly string[] | null>(null)
  useEffect(() => {
    const spans = papers.timeline.people.find((p) => p.person === of)?.spans ?? []
    const there = spans.filter((s) => s.rule !== 'absent' && s.rule !== 'manual').map((s) => instant(s.start))
    desk.connections(of, there).then(setFound).catch(report)
  }, [desk, papers, of])
  return (
    <>
      <Field
        id="connection"
        label={`Which connection of ${nameIn(papers, of)}?`}
        hint={
          found
            ? found.length === 0
              ? 'There is no connection in the evidence.'
              : undefined
            : 'Being read …'
        }
        problem={problems.connection}
      >
        <select
          {...described('connection', true, problems.connection)}
          name="connection"
          value={draft.connection}
          onChange={(e) => change({ connection: e.currentTarget.value })}
        >
          <option value="">Please choose</option>
          {found?.map((c) => (
            <option key={c} value={c}>
              {c}
            </option>
          ))}
        </select>
      </Field>
      <Field id="rightful" label="Who was it really?" problem={problems.rightful}>
        <select
          {...described('rightful', false, problems.rightful)}
          name="rightful"
          value={draft.rightful}
          onChange={(e) => change({ rightful: e.currentTarget.value })}
        >
          <option value="">Please choose</option>
          {[...papers.sheet.people, ...(papers.sheet.facilitators ?? [])]
            .filter((p) => p.person !== of)
            .map((p) => (
              <option key={p.person} value={p.person}>
                {nameIn(papers, p.person)}
              </option>
            ))}
        </select>
      </Field>
    </>
  )
}

const statuses: readonly StatusCode[] = ['excused', 'attended', 'no_show', 'removed', 'cancelled_by_program']

export function Status({ form }: { form: Form }) {
  return (
    <Field id="status" label="Status" problem={form.problems.status}>
      <select
        {...described('status', false, form.problems.status)}
        name="status"
        value={form.draft.status}
        onChange={(e) => {
          const status = statuses.find((s) => s === e.currentTarget.value)
          if (status) form.change({ status })
        }}
      >
        {statuses.map((s) => (
          <option key={s} value={s}>
            {statusText(s)}
          </option>
        ))}
      </select>
    </Field>
  )
}

/** A time of day by the program's clock; asks back in the hour that is there twice. */
export function Time({ form, field, label }: { form: Form; field: 'from' | 'to'; label: string }) {
  const { draft, papers, problems, change } = form
  const { timeline } = papers
  const both = meant(timeline, draft[field])
  const which = field === 'from' ? 'fromLater' : 'toLater'
  const name = zoneName(timeline.timezone, instant(timeline.scheduled.start))
  return (
    <div class="time">
      <Field id={field} label={`${label}, ${name}`} problem={problems[field]}>
        <input
          {...described(field, false, problems[field])}
          type="time"
          step="1"
          name={field}
          value={draft[field]}
          onInput={(e) => change({ [field]: e.currentTarget.value, [which]: false })}
        />
      </Field>
      {both.length > 1 && (
        <label class="tick">
          <input
            type="checkbox"
            checked={draft[which]}
            onChange={(e) => change({ [which]: e.currentTarget.checked })}
          />
          <span>
            The clocks go back that night: the later one, {zoneName(timeline.timezone, both.at(-1) ?? 0)}
          </span>
        </label>
      )}
    </div>
  )
}

const reasonCodes: readonly CorrectionReason[] = [
  ...(['phone_participation', 'device_failure', 'facilitator_connection_loss', 'wrong_person'] as const),
  ...(['admit_delay', 'break_not_recorded', 'payer_rule', 'other'] as const),
]

export function Reason({ form }: { form: Form }) {
  const { draft, problems, change } = form
  return (
    <>
      <Field id="reason" label="Why?" problem={problems.reason}>
        <select
          {...described('reason', false, problems.reason)}
          name="reason"
          value={draft.reason}
          onChange={(e) => change({ reason: reasonCodes.find((r) => r === e.currentTarget.value) ?? '' })}
        >
          <option value="">Please choose a reason</option>
          {reasonCodes.map((r) => (
            <option key={r} value={r}>
              {reasons[r]}
            </option>
          ))}
        </select>
      </Field>
      <Field
        id="note"
        label={draft.reason === 'other' ? 'What is the reason?' : 'Note (if it helps)'}
        hint="Kept with the record for good: no names, nothing clinical."
        problem={problems.note}
      >
        <textarea
          {...described('note', true, problems.note)}
          name="note"
          rows={2}
          maxLength={500}
          value={draft.note}
          onInput={(e) => change({ note: e.currentTarget.value })}
        />
      </Field>
    </>
  )
}
