// A destination is put in or changed: why it may be told comes first, because
// nothing leaves without it.
import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Answer, DeliveryApi, Destination, Trouble as Why } from '../../api'
import { textOf } from '../../integrations/acts'
import {
  type Draft,
  destinationOf,
  draftOf,
  emptyDraft,
  type Field as Key,
  type Problems,
  placed,
  withTopic,
} from '../../integrations/draft'
import { bases, basisCodes, type Kind, kinds, topics } from '../../integrations/words'
import { report } from '../../session'
import { Button, Dialog } from '../parts'
import { described, Field, Trouble } from '../records/parts'

interface Form {
  readonly draft: Draft
  /** Whether it is there already, so that some things stay as they are. */
  readonly there: boolean
  readonly problems: Problems
  readonly change: (change: Partial<Draft>) => void
}

export function EditDialog({ api, id, onClose }: { api: DeliveryApi; id?: string; onClose: () => void }) {
  const [read, setRead] = useState<Answer<Destination> | null>(null)
  useEffect(() => {
    if (id) api.destination(id).then(setRead).catch(report)
  }, [api, id])
  const title = id ? `Edit ${read?.ok ? read.value.title || id : id}` : 'Add a destination'
  return (
    <Dialog title={title} onClose={onClose}>
      {id && !read && (
        <p class="correct" role="status">
          It is being read.
        </p>
      )}
      {read && !read.ok && <Trouble text={textOf(read.trouble)} />}
      {!id && <Fill api={api} first={emptyDraft} tag={undefined} onClose={onClose} />}
      {read?.ok && <Fill api={api} first={draftOf(read.value)} tag={read.tag} onClose={onClose} />}
      {read && !read.ok && (
        <div class="buttons buttons-end">
          <Button onClick={onClose}>Close</Button>
        </div>
      )}
    </Dialog>
  )
}

function Fill({
  api,
  first,
  tag,
  onClose,
}: {
  api: DeliveryApi
  first: Draft
  tag: string | undefined
  onClose: () => void
}) {
  const element = useRef<HTMLFormElement>(null)
  const [draft, setDraft] = useState(first)
  const [problems, setProblems] = useState<Problems>({})
  const [trouble, setTrouble] = useState<Why | null>(null)
  const [busy, setBusy] = useState(false)
  // Whoever left something out is taken to the first of it.
  useEffect(() => {
    if (Object.keys(problems).length > 0)
      element.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus()
  }, [problems])

  async function save(): Promise<void> {
    const drafted = destinationOf(draft)
    setTrouble(null)
    if (!drafted.ok) return setProblems(drafted.problems)
    setBusy(true)
    const answer = await api.putDestination(draft.id, {
      value: drafted.destination,
      tag,
    })
    setBusy(false)
    if (answer.ok) return onClose()
    setProblems(placed(answer.trouble).problems)
    setTrouble(answer.trouble)
  }

  const there = tag !== undefined
  const form: Form = { draft, there, problems, change: (c) => setDraft((d) => ({ ...d, ...c })) }
  return (
    <form
      ref={element}
      class="correct"
      noValidate
      onSubmit={(e) => {
        e.preventDefault()
        save().catch(report)
      }}
    >
      {trouble && <Trouble text={refusal(trouble, there)} />}
      {!there && <KindFields form={form} />}
      <div class="pair">
        <Text form={form} of="title" label="What you call it" hint="Such as Billing. No patient’s name." />
        {!there && (
          <Text form={form} of="id" label="Id" hint="For programs, such as billing. It stays for good." />
        )}
      </div>
      <BasisFields form={form} />
      {draft.kind !== 'pull' && <PushFields form={form} />}
      {draft.kind === 'fhir' && <FhirFields form={form} />}
      <More title="Who may fetch as it">
        <Text
          form={form}
          of="subjects"
          label="Subjects of tokens"
          hint="With spaces between them. A token whose subject is the id always may."
        />
      </More>
      <div class="buttons buttons-end">
        <Button onClick={onClose}>Cancel</Button>
        <button class="button button-main" type="submit" disabled={busy}>
          {busy ? 'Saving …' : there ? 'Save' : 'Add it'}
        </button>
      </div>
    </form>
  )
}

function refusal(trouble: Why, there: boolean): string {
  const { problems, over } = placed(trouble)
  if (trouble.code === 'precondition_failed' && !there)
    return 'There is a destination with this id already. Please choose another id.'
  const marked = Object.keys(problems).length > 0 ? ['Nothing was saved. What is wrong is marked below.'] : []
  return [...(trouble.errors.length > 0 ? marked : [textOf(trouble)]), ...over].join(' ')
}

const kindCodes: readonly Kind[] = ['webhook', 'fhir', 'pull']

function KindFields({ form }: { form: Form }) {
  return (
    <fieldset class="choices kinds">
      <legend>What is it?</legend>
      {kindCodes.map((kind) => (
        <label key={kind}>
          <input
            type="radio"
            name="kind"
            value={kind}
            checked={form.draft.kind === kind}
            onChange={() => form.change({ kind })}
          />
          <span>
            {kinds[kind].title}
            <span class="hint">{kinds[kind].text}</span>
          </span>
        </label>
      ))}
    </fieldset>
  )
}

function BasisFields({ form }: { form: Form }) {
  const { draft, problems, change } = form
  const hint = draft.basis
    ? `${bases[draft.basis].text} 42 CFR ${bases[draft.basis].where}.`
    : 'Without one nothing leaves.'
  return (
    <>
      <Field id="basis" label="Why may it be told?" hint={hint} problem={problems.basis}>
        <select
          {...described('basis', true, problems.basis)}
          name="basis"
          value={draft.basis}
          onChange={(e) => change({ basis: basisCodes.find((b) => b === e.currentTarget.value) ?? '' })}
        >
          <option value="">No basis yet: nothing leaves</option>
          {basisCodes.map((b) => (
            <option key={b} value={b}>
              {bases[b].title}
            </option>
          ))}
        </select>
      </Field>
      <Tick
        on={draft.names}
        set={(names) => change({ names })}
        text="Patients’ names may go there, besides their ids"
      />
    </>
  )
}

function PushFields({ form }: { form: Form }) {
  const { draft, there, change } = form
  const all = topics.flatMap((t) => t.types)
  return (
    <>
      <Text
        form={form}
        of="url"
        label={draft.kind === 'fhir' ? 'Base address of the FHIR server' : 'Address of the receiver'}
        hint="Begins with https://"
      />
      {draft.kind === 'webhook' && (
        <Choose
          form={form}
          of="signature"
          label="How messages are signed"
          options={{
            hmac: 'With a shared secret (v1)',
            ed25519: 'With a key pair, Ed25519 (v1a)',
          }}
          hint="Standard Webhooks. The receiver says which it can check."
        />
      )}
      {!there && (
        <Choose
          form={form}
          of="start"
          label="From when on?"
          options={{ end: 'Only what is told from now on', beginning: 'Everything there ever was' }}
        />
      )}
      <fieldset class="topics">
        <legend>What is it told?</legend>
        {topics.map((topic) => {
          const told = topic.types.filter((t) => draft.types.length === 0 || draft.types.includes(t)).length
          return (
            <Tick
              key={topic.title}
              on={told === topic.types.length}
              some={told > 0 && told < topic.types.length}
              set={(on) => change(withTopic(draft, topic.types, on, all))}
              text={topic.title}
            />
          )
        })}
      </fieldset>
      <Tick
        on={draft.private}
        set={(on) => change({ private: on })}
        text="The address may be inside our own network"
        hint="Left out, private and local addresses are refused, whatever the name leads to."
      />
    </>
  )
}

function FhirFields({ form }: { form: Form }) {
  const stored = form.there && form.draft.client !== ''
  return (
    <>
      <More
        title="How we sign in there"
        open={form.draft.tokenURL !== '' || has(form, 'tokenURL', 'client', 'secret')}
      >
        <Text
          form={form}
          of="tokenURL"
          label="Address for tokens (OAuth 2)"
          hint="Empty: no token is needed."
        />
        <div class="pair">
          <Text form={form} of="client" label="Client id" />
          <Text
            form={form}
            of="secret"
            label="Client secret"
            secret
            {...(stored && { hint: 'Leave it empty to keep the one that is stored.' })}
          />
        </div>
        <Text form={form} of="scope" label="Scope" hint="Such as system/*.cruds" />
      </More>
      <More title="Under which names it knows people" open={has(form, 'system', 'patients')}>
        <Text
          form={form}
          of="system"
          label="System of our identifiers"
          hint="A URI; empty, it is urn:viop."
        />
        <Text
          form={form}
          of="patients"
          label="System of the patients’ identifiers"
          hint="Such as that of medical record numbers; empty, our own ids."
        />
      </More>
    </>
  )
}

const has = (form: Form, ...fields: readonly Key[]) => fields.some((f) => form.problems[f] !== undefined)

// More is what most destinations do without.
function More({ title, open, children }: { title: string; open?: boolean; children: ComponentChildren }) {
  return (
    <details class="more" open={open ?? false}>
      <summary>{title}</summary>
      <div class="more-fields">{children}</div>
    </details>
  )
}

type TextKey = { [K in Key]: string extends Draft[K] ? K : never }[Key]

function Text({
  form,
  of,
  label,
  hint,
  secret = false,
}: {
  form: Form
  of: TextKey
  label: string
  hint?: string
  secret?: boolean
}) {
  const problem = form.problems[of]
  const common = {
    ...described(of, hint !== undefined, problem),
    name: of,
    autocomplete: secret ? 'new-password' : 'off',
    spellcheck: false,
    value: form.draft[of],
    onInput: (e: { currentTarget: HTMLInputElement }) => form.change({ [of]: e.currentTarget.value }),
  }
  return (
    <Field id={of} label={label} hint={hint} problem={problem}>
      {secret ? <input type="password" {...common} /> : <input type="text" {...common} />}
    </Field>
  )
}

function Choose<K extends 'signature' | 'start'>({
  form,
  of,
  label,
  hint,
  options,
}: {
  form: Form
  of: K
  label: string
  hint?: string
  options: { readonly [V in Draft[K]]: string }
}) {
  const problem = form.problems[of]
  return (
    <Field id={of} label={label} hint={hint} problem={problem}>
      <select
        {...described(of, hint !== undefined, problem)}
        name={of}
        value={form.draft[of]}
        onChange={(e) => form.change({ [of]: e.currentTarget.value })}
      >
        {Object.entries<string>(options).map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </Field>
  )
}

function Tick({
  on,
  some,
  set,
  text,
  hint,
}: {
  on: boolean
  some?: boolean
  set: (on: boolean) => void
  text: string
  hint?: string
}) {
  return (
    <label class="tick">
      <input
        type="checkbox"
        checked={on}
        indeterminate={some ?? false}
        onChange={(e) => set(e.currentTarget.checked)}
      />
      <span>
        {text}
        {hint && <span class="hint tick-hint">{hint}</span>}
      </span>
    </label>
  )
}
