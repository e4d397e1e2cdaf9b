import { describe, expect, it } from 'vitest'
import { createEncodings } from './encodings'

/** A sender as browsers have it: one change at a time, on the parameters it gave last. */
function fakeSender(count: number) {
  let encodings: RTCRtpEncodingParameters[] = Array.from({ length: count }, () => ({ active: true }))
  let changing = false
  const sets: boolean[][] = []
  let finish = () => {}
  return {
    sets,
    finish: () => finish(),
    active: () => encodings.map((e) => e.active),
    sender: {
      getParameters: () =>
        ({ encodings: encodings.map((e) => ({ ...e })) }) as unknown as RTCRtpSendParameters,
      setParameters: async (p: RTCRtpSendParameters) => {
        if (changing) throw new Error('InvalidStateError')
        changing = true
        sets.push(p.encodings.map((e) => e.active ?? true))
        await new Promise<void>((resolve) => {
          finish = resolve
        })
        changing = false
        encodings = p.encodings
      },
    },
  }
}

const settled = () => new Promise((resolve) => setTimeout(resolve))

describe('encodings', () => {
  it('switches what is not wanted off, and on again', async () => {
    const errors: unknown[] = []
    const f = fakeSender(3)
    const encodings = createEncodings((e) => errors.push(e))
    encodings.set(f.sender, [true, false, false])
    f.finish()
    await settled()
    expect(f.active()).toEqual([true, false, false])
    encodings.set(f.sender, [true, true, false])
    f.finish()
    await settled()
    expect(f.active()).toEqual([true, true, false])
    expect(errors).toEqual([])
  })

  it('makes one change after the other and skips those in between', async () => {
    const errors: unknown[] = []
    const f = fakeSender(2)
    const encodings = createEncodings((e) => errors.push(e))
    encodings.set(f.sender, [false, false])
    encodings.set(f.sender, [true, false])
    encodings.set(f.sender, [true, true])
    encodings.set(f.sender, [false, true])
    f.finish()
    await settled()
    f.finish()
    await settled()
    expect(f.sets).toEqual([
      [false, false],
      [false, true],
    ])
    expect(errors).toEqual([])
  })

  it('leaves alone what is as wanted, and what it was told nothing of', async () => {
    const f = fakeSender(3)
    const encodings = createEncodings(() => {})
    encodings.set(f.sender, [true])
    await settled()
    expect(f.sets).toEqual([])
  })

  it('reports a refusal and goes on with the next change', async () => {
    const errors: unknown[] = []
    const f = fakeSender(1)
    let refuse = true
    const sender = {
      ...f.sender,
      setParameters: (p: RTCRtpSendParameters) =>
        refuse ? Promise.reject(new Error('no')) : f.sender.setParameters(p),
    }
    const encodings = createEncodings((e) => errors.push(e))
    encodings.set(sender, [false])
    await settled()
    expect(errors.length).toBe(1)
    refuse = false
    encodings.set(sender, [false])
    f.finish()
    await settled()
    expect(f.active()).toEqual([false])
  })

  it('applies what waited behind a change that is refused', async () => {
    const f = fakeSender(1)
    let refusals = 1
    const sender = {
      ...f.sender,
      setParameters: (p: RTCRtpSendParameters) =>
        refusals-- > 0 ? Promise.reject(new Error('no')) : f.sender.setParameters(p),
    }
    const encodings = createEncodings(() => {})
    encodings.set(sender, [false])
    encodings.set(sender, [false])
    await settled()
    f.finish()
    await settled()
    expect(f.active()).toEqual([false])
  })
})
