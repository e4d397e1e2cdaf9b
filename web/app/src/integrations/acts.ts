// What staff do with a destination that takes more than one request.
import type { Answer, DeliveryApi, Destination, Trouble } from '../api'

/** Changes a destination as it is now; null when it worked. */
export async function change(
  api: DeliveryApi,
  id: string,
  to: (destination: Destination) => Destination,
): Promise<Trouble | null> {
  const read = await api.destination(id)
  if (!read.ok) return read.trouble
  return troubleIn(await api.putDestination(id, { value: to(read.value), tag: read.tag ?? '' }))
}

/** Takes a destination out as it is now. */
export async function remove(api: DeliveryApi, id: string): Promise<Trouble | null> {
  const read = await api.destination(id)
  return read.ok ? troubleIn(await api.removeDestination(id, read.tag ?? '')) : read.trouble
}

function troubleIn(answer: Answer<unknown>): Trouble | null {
  return answer.ok ? null : answer.trouble
}

/** What a refusal means here; everything else says it itself. */
const refusals: { readonly [code: string]: string } = {
  unauthorized: 'Your link is not valid any more. Please open this page again from your scheduling system.',
  insufficient_scope:
    'Your link does not allow this. Ask whoever runs your scheduling system for one that does.',
  precondition_failed:
    'Somebody else changed this destination meanwhile, so nothing was saved. Close this and look at it as it is now.',
}

export function textOf(trouble: Trouble): string {
  return refusals[trouble.code] ?? trouble.text
}
