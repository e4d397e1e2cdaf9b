// How it goes with a destination, as one word with a sentence; whoever has to
// act comes first.
import type { Destination, DestinationStatus, Destinations } from '../api'
import { count } from '../records/words'
import { ageText, titleOf } from './words'

export type Row = Destinations['destinations'][number]

export type Standing =
  | 'no_basis'
  | 'no_key'
  | 'gone'
  | 'dead_letters'
  | 'behind'
  | 'off'
  | 'held'
  | 'sending'
  | 'ready'
  | 'up_to_date'

/** From this age on a backlog is not just on its way; ms. */
const late = 10 * 60_000

export function standingOf({ destination, status }: Row, now: number): Standing {
  const { stopped, backlog, oldest, held_until: held } = status
  if (stopped.includes('no_basis')) return 'no_basis'
  if (stopped.includes('disabled')) return saidGone(status) ? 'gone' : 'off'
  if (stopped.includes('no_key')) return 'no_key'
  if (status.dead_letters > 0) return 'dead_letters'
  if (destination.kind === 'pull') return 'ready'
  if (backlog === 0) return 'up_to_date'
  if (held && Date.parse(held) > now) return 'held'
  return failing(status) || (oldest && now - Date.parse(oldest) > late) ? 'behind' : 'sending'
}

// failing: the last thing that happened was not good.
function failing({ last_failed: failed, last_delivered: delivered }: DestinationStatus): boolean {
  return failed !== undefined && (!delivered || Date.parse(failed.at) > Date.parse(delivered.at))
}

// saidGone: a receiver that answers 410 is switched off.
function saidGone(status: DestinationStatus): boolean {
  return failing(status) && status.last_failed?.status === 410
}

export const standings: { readonly [S in Standing]: string } = {
  no_basis: 'Nothing leaves',
  no_key: 'Needs a key',
  gone: 'Disabled by the receiver',
  dead_letters: 'Needs attention',
  behind: 'Behind',
  off: 'Switched off',
  held: 'Waiting',
  sending: 'Sending',
  ready: 'Ready',
  up_to_date: 'Up to date',
}

/** Why it stands so and what can be done, in a sentence. */
export function sentenceOf(row: Row, now: number): string {
  const { status } = row
  const standing = standingOf(row, now)
  switch (standing) {
    case 'no_basis':
      return 'It has no disclosure basis, so nothing leaves for it. Edit it and say why it may be told.'
    case 'no_key':
      return 'A webhook is signed, and this one has no key yet. Make one and give it to the receiver.'
    case 'gone':
      return `The receiver answered that it is gone for good (410), so it was switched off. ${kept(row)}`
    case 'off':
      return kept(row)
    case 'dead_letters':
      return `${count(status.dead_letters, 'message')} could not be delivered and ${status.dead_letters === 1 ? 'was' : 'were'} put aside. Nothing is lost: look at the reason, then send again.`
    case 'behind':
      return `It does not take what is sent. ${waiting(row, now)} Sending is tried again by itself.`
    case 'held':
      return `The receiver asked to be left alone for ${ageText(Date.parse(status.held_until ?? '') - now)}. ${waiting(row, now)}`
    case 'sending':
      return waiting(row, now)
    case 'ready':
      return 'It is told when it asks, or when somebody downloads for it.'
    case 'up_to_date':
      return 'Everything that was told has arrived.'
    default:
      return standing satisfies never
  }
}

function kept({ destination }: Row): string {
  if (destination.kind === 'pull') return 'Nothing can be fetched until it is switched on again.'
  return 'Nothing is sent; what is told meanwhile waits until it is switched on again.'
}

/** "14 changes wait, the oldest for 3 h 05 m." */
export function waiting({ status }: Row, now: number): string {
  if (status.backlog === 0) return 'Nothing waits.'
  const oldest = status.oldest ? `, the oldest for ${ageText(now - Date.parse(status.oldest))}` : ''
  return `${count(status.backlog, 'change waits', 'changes wait')}${oldest}.`
}

const urgency: readonly Standing[] = [
  ...(['no_basis', 'no_key', 'gone', 'dead_letters', 'behind'] as const),
  ...(['held', 'sending', 'off', 'ready', 'up_to_date'] as const),
]

/** Who needs somebody first; then by what they are called. */
export function ranked(rows: readonly Row[], now: number): Row[] {
  const at = (row: Row) => urgency.indexOf(standingOf(row, now))
  return [...rows].sort(
    (a, b) => at(a) - at(b) || titleOf(a.destination).localeCompare(titleOf(b.destination)),
  )
}

/** Whether things are brought to it. */
export function isPushed(destination: Destination): boolean {
  return destination.kind !== 'pull'
}
