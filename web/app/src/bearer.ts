// The API token of a page of staff: asked for over the line when it is needed,
// asked for again before it runs out, and never twice at the same time.

export interface Lent {
  readonly token: string
  /** Browser clock, ms. */
  readonly until: number
}

/** A token that has less than this to go is not begun with; ms. */
const early = 60_000

export function createBearer(
  ask: () => Promise<Lent | null>,
  now: () => number = Date.now,
): (renew: boolean) => Promise<string | null> {
  let lent: Lent | null = null
  let asking: Promise<Lent | null> | null = null

  async function renewed(): Promise<Lent | null> {
    try {
      lent = await ask()
    } finally {
      asking = null
    }
    return lent
  }

  return async (renew) => {
    if (!renew && lent && lent.until - now() > early) return lent.token
    asking ??= renewed()
    return (await asking)?.token ?? null
  }
}

/** Who a token belongs to. Unverified: it only picks words such as "you". */
export function subjectOf(token: string): string {
  return claimOf(token, 'sub')
}

/** Whether a token says that it may. Unverified: it only picks what is offered. */
export function allows(token: string, scope: string): boolean {
  return claimOf(token, 'scope').split(' ').includes(scope)
}

function claimOf(token: string, name: string): string {
  try {
    const payload = (token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/')
    const claims: unknown = JSON.parse(atob(payload))
    if (typeof claims !== 'object' || claims === null) return ''
    return String(Object.entries(claims).find(([key]) => key === name)?.[1] ?? '')
  } catch {
    return ''
  }
}
