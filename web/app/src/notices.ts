// What is worth saying when the room or a person changes: short sentences
// that appear for a moment and are read out by screen readers.
import type { Notice } from './state'
import type { ServerPerson, ServerRoom } from './wire'

type Said = Omit<Notice, 'id'>

export function noticesOfRoom(before: ServerRoom | null, next: ServerRoom): Said[] {
  if (!before) return []
  const said: Said[] = []
  const calm = (text: string) => said.push({ text, tone: 'calm' })
  if (before.state !== 'held' && next.state === 'held')
    calm('The group is paused until a facilitator is back.')
  if (before.state === 'held' && next.state === 'live') calm('A facilitator is back. The group goes on.')
  if (!before.on_break && next.on_break) calm('The break has begun.')
  if (before.on_break && !next.on_break) calm('The break is over.')
  if (!before.locked && next.locked) calm('The room is locked.')
  if (before.locked && !next.locked) calm('The room is unlocked.')
  return said
}

/** Own is the person this page belongs to, as known before the change. */
export function noticesOfPerson(
  before: ServerPerson | undefined,
  next: ServerPerson,
  own: ServerPerson | undefined,
): Said[] {
  return next.handle === own?.handle ? ofSelf(before, next) : ofOther(before, next)
}

function ofSelf(before: ServerPerson | undefined, next: ServerPerson): Said[] {
  if (!before) return []
  if (before.state === 'waiting' && next.state !== 'waiting' && next.state !== 'gone')
    return [{ text: 'You are in the group now.', tone: 'calm' }]
  if (before.help && !next.help) return [{ text: 'Your request for help is answered.', tone: 'calm' }]
  if (before.hand && !next.hand) return [{ text: 'Your hand is lowered.', tone: 'calm' }]
  return []
}

function ofOther(before: ServerPerson | undefined, next: ServerPerson): Said[] {
  const { name } = next
  const wasIn = before !== undefined && before.state !== 'waiting' && before.state !== 'gone'
  const isIn = next.state !== 'waiting' && next.state !== 'gone'
  if (next.state === 'waiting' && before?.state !== 'waiting')
    return [{ text: `${name} is waiting in the lobby.`, tone: 'calm' }]
  if (!wasIn && isIn) return [{ text: `${name} joined.`, tone: 'calm' }]
  if (wasIn && next.state === 'gone') return [{ text: `${name} left.`, tone: 'calm' }]
  const said: Said[] = []
  if (before?.state === 'active' && next.state === 'reconnecting')
    said.push({ text: `${name} is reconnecting.`, tone: 'calm' })
  if (before?.state === 'reconnecting' && next.state === 'active')
    said.push({ text: `${name} is back.`, tone: 'calm' })
  if (!before?.hand && next.hand) said.push({ text: `${name} raised a hand.`, tone: 'calm' })
  if (!before?.help && next.help) said.push({ text: `${name} asks for help, privately.`, tone: 'urgent' })
  if (!before?.screen && next.screen) said.push({ text: `${name} shares a screen.`, tone: 'calm' })
  return said
}
