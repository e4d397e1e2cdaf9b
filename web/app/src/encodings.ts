// Stops making what nobody gets: a phone that encodes three sizes of its
// camera for two small tiles is warm and empty before the group is over. The
// server says which are wanted (`layers`), lowest first.

type Sender = Pick<RTCRtpSender, 'getParameters' | 'setParameters'>

export interface Encodings {
  /** What is beyond the list stays as it is. */
  set(sender: Sender, wanted: readonly boolean[]): void
}

async function change(sender: Sender, wanted: readonly boolean[]): Promise<void> {
  const parameters = sender.getParameters()
  let changed = false
  parameters.encodings.forEach((encoding, i) => {
    const active = wanted[i]
    if (active === undefined || active === (encoding.active ?? true)) return
    encoding.active = active
    changed = true
  })
  if (changed) await sender.setParameters(parameters)
}

// A browser refuses parameters that are not the last ones it gave, so the
// changes of a sender wait for each other, and of those that wait only the
// latest counts.
export function createEncodings(report: (error: unknown) => void): Encodings {
  const latest = new WeakMap<Sender, readonly boolean[]>()
  const busy = new WeakSet<Sender>()

  async function apply(sender: Sender): Promise<void> {
    for (let wanted = latest.get(sender); wanted; wanted = latest.get(sender)) {
      latest.delete(sender)
      // One that is refused must not take along the one that waits behind it.
      await change(sender, wanted).catch(report)
    }
  }

  return {
    set(sender, wanted) {
      latest.set(sender, wanted)
      if (busy.has(sender)) return
      busy.add(sender)
      apply(sender).finally(() => busy.delete(sender))
    },
  }
}
