// The questions before the lobby. No answer keeps anybody out: a facilitator
// sees them and talks with the person.
import { useState } from 'preact/hooks'
import { report } from '../session'
import { useSession } from './context'
import { Page } from './parts'

const rules = [
  'What is said here stays here. Nobody records or takes pictures.',
  'Everybody may pass. You choose what you share.',
  'We let each other finish and speak with respect.',
  'If you need a moment, you can switch your camera off or ask a facilitator privately.',
]

export function CheckInPage() {
  const session = useSession()
  const [sending, setSending] = useState(false)

  async function submit(event: Event): Promise<void> {
    event.preventDefault()
    if (!(event.currentTarget instanceof HTMLFormElement)) return
    const form = new FormData(event.currentTarget)
    const text = (name: string) => String(form.get(name) ?? '').trim()
    setSending(true)
    await session.checkIn({
      private: form.get('private') === 'yes',
      headphones: form.get('headphones') === 'yes',
      others_present: form.get('alone') === 'no',
      ground_rules: form.get('rules') === 'yes',
      ...(text('location') && { location: text('location') }),
      ...(text('call_back') && { call_back: text('call_back') }),
    })
    setSending(false)
  }

  return (
    <Page title="A few questions first">
      <p class="lead">
        We ask them before every session, for your privacy and your safety. Only the facilitators see your
        answers.
      </p>
      <form class="form" onSubmit={(e) => submit(e).catch(report)}>
        <YesNo name="private" question="Are you in a private place?" />
        <YesNo name="alone" question="Are you alone there?" />
        <YesNo name="headphones" question="Are you wearing headphones?" />
        <label class="field">
          <span>Where are you now?</span>
          <span class="hint" id="location-hint">
            An address, or a place and the state. It is used only to send help to you in an emergency.
          </span>
          <input
            name="location"
            required
            maxLength={200}
            autoComplete="street-address"
            aria-describedby="location-hint"
          />
        </label>
        <label class="field">
          <span>
            A number to call you back <span class="optional">(if you like)</span>
          </span>
          <span class="hint" id="call-hint">
            In case the connection breaks while you need us.
          </span>
          <input name="call_back" type="tel" maxLength={40} autoComplete="tel" aria-describedby="call-hint" />
        </label>
        <section class="card rules">
          <h2>How we are together</h2>
          <ul>
            {rules.map((rule) => (
              <li key={rule}>{rule}</li>
            ))}
          </ul>
          <label class="tick">
            <input type="checkbox" name="rules" value="yes" required />
            <span>I agree to these ground rules</span>
          </label>
        </section>
        <button class="button button-main" type="submit" disabled={sending}>
          {sending ? 'Sending …' : 'Go to the lobby'}
        </button>
      </form>
    </Page>
  )
}

function YesNo({ name, question }: { name: string; question: string }) {
  return (
    <fieldset class="yesno">
      <legend>{question}</legend>
      <div class="yesno-options">
        {['yes', 'no'].map((value) => (
          <label key={value}>
            <input type="radio" name={name} value={value} required />
            <span>{value === 'yes' ? 'Yes' : 'No'}</span>
          </label>
        ))}
      </div>
    </fieldset>
  )
}
