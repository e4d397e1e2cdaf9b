// What became of the instant that was pointed at: at once in this page's
// words, and a moment later with the evidence the server has for it.
import { useEffect, useState } from 'preact/hooks'
import type { Answer, Explanation, Span } from '../../api'
import type { Desk } from '../../records/desk'
import { intervalText } from '../../records/timeline'
import { count, evidenceText, isCredited, rules } from '../../records/words'
import { exactIn, instant } from '../../records/zone'
import { report } from '../../session'
import { Icon } from '../icons'

export interface Chosen {
  readonly person: string
  readonly index: number
}

/** How a stretch is chosen. */
export const howTo =
  'Point at a line or tap it, or go to it with the Tab key and move along it with the arrow keys: each stretch is explained.'

/** A pointer that only passes asks the server nothing; ms. */
const rest = 250

export function Explained({
  desk,
  zone,
  chosen,
  span,
  name,
}: {
  desk: Desk
  zone: string
  chosen: Chosen | null
  span: Span | null
  name: string
}) {
  const answer = useExplanation(desk, chosen?.person, span)
  return (
    // What is explained may be longer than its place, and is then scrolled by keyboard too.
    <aside
      tabIndex={chosen ? 0 : undefined}
      class={chosen ? 'explained explained-now' : 'explained'}
      aria-label="Explanation"
      aria-live="polite"
    >
      {chosen && span ? (
        <>
          <p class="hint">{name}</p>
          <h2>
            <Icon name={isCredited(span.rule) ? 'check' : 'info'} />
            {rules[span.rule].title}
          </h2>
          <p class="explained-when">{intervalText(zone, span)}</p>
          {answer?.ok ? <Steps explanation={answer.value} /> : <p>{rules[span.rule].text}</p>}
          <Evidence answer={answer} zone={zone} />
        </>
      ) : (
        <p class="hint">{howTo}</p>
      )}
    </aside>
  )
}

function useExplanation(
  desk: Desk,
  person: string | undefined,
  span: Span | null,
): Answer<Explanation> | null {
  const [answer, setAnswer] = useState<{ span: Span; answer: Answer<Explanation> } | null>(null)
  useEffect(() => {
    if (person === undefined || !span) return
    let left = false
    const timer = setTimeout(() => {
      desk
        .explain(person, instant(span.start))
        .then((answer) => left || setAnswer({ span, answer }))
        .catch(report)
    }, rest)
    return () => {
      left = true
      clearTimeout(timer)
    }
  }, [desk, person, span])
  return answer && answer.span === span ? answer.answer : null
}

// Steps are the rules on the way to credit, up to the one that decided.
function Steps({ explanation }: { explanation: Explanation }) {
  if (explanation.steps.length === 0) return <p>{explanation.text}</p>
  return (
    <ol class="steps" aria-label="Rules">
      {explanation.steps.map((step) => (
        <li key={step.set} class={step.holds ? 'step-holds' : 'step-takes'}>
          <Icon name={step.holds ? 'check' : 'close'} />
          <span>
            <span class="sr">{step.holds ? 'For credit: ' : 'Against credit: '}</span>
            {step.text}
          </span>
        </li>
      ))}
    </ol>
  )
}

/** Lines of evidence shown at once. */
const most = 6

function Evidence({ answer, zone }: { answer: Answer<Explanation> | null; zone: string }) {
  if (!answer) return <p class="hint">The evidence is being read …</p>
  if (!answer.ok) return <p class="hint">{answer.trouble.text}</p>
  const { evidence, corrections } = answer.value
  return (
    <>
      {evidence.length > 0 && (
        <ol class="evidence" aria-label="Evidence">
          {evidence.slice(-most).map((e) => (
            <li key={`${e.epoch}-${e.seq}`}>
              <span class="evidence-at">{exactIn(zone, instant(e.at))}</span>
              <span>
                {evidenceText(e)}{' '}
                <span class="hint">
                  #{e.epoch}-{e.seq}
                </span>
              </span>
            </li>
          ))}
        </ol>
      )}
      {evidence.length > most && (
        <p class="hint">and {count(evidence.length - most, 'earlier entry', 'earlier entries')}</p>
      )}
      {corrections.length > 0 && (
        <p class="hint">{count(corrections.length, 'correction')} behind it, listed below.</p>
      )}
      {evidence.length + corrections.length === 0 && (
        <p class="hint">No entry of the evidence is about it.</p>
      )}
    </>
  )
}
