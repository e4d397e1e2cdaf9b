import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createLink, type Socket } from './link'
import type { Store, StoredSeat } from './seat'
import type { Ending, LinkState } from './state'
import type { ServerFrame } from './wire'

/** A server's end of one WebSocket, driven by the test. */
class FakeSocket extends EventTarget implements Socket {
  readonly said: { t: string; id?: string; seq?: number; ack?: number; d: Record<string, unknown> }[] = []
  closed = false
  send(text: string): void {
    this.said.push(JSON.parse(text))
  }
  close(): void {
    this.closed = true
  }
  opens(): void {
    this.dispatchEvent(new Event('open'))
  }
  tells(frame: object): void {
    this.dispatchEvent(new MessageEvent('message', { data: JSON.stringify(frame) }))
  }
  breaks(): void {
    this.dispatchEvent(new Event('close'))
  }
}

const welcome = (token = 'r1') => ({
  t: 'welcome',
  d: {
    version: 1,
    session: 's1',
    handle: 'm1',
    role: 'patient',
    name: 'Ana P.',
    resume_token: token,
    resume_window_ms: 120_000,
    slots: { audio: 3, video: 4 },
    server_time: 0,
    durable: true,
  },
})

function setUp(seat: Partial<StoredSeat> = {}) {
  const sockets: FakeSocket[] = []
  const frames: ServerFrame[] = []
  const links: LinkState[] = []
  const endings: Ending[] = []
  const kept = new Map<string, string>()
  const store: Store = {
    getItem: (k) => kept.get(k) ?? null,
    setItem: (k, v) => void kept.set(k, v),
    removeItem: (k) => void kept.delete(k),
  }
  let fresh = true
  const link = createLink({
    store,
    seat: { token: 'join', instance: 'tab', kept: null, checkedIn: false, ...seat },
    open: () => {
      const socket = new FakeSocket()
      sockets.push(socket)
      return socket
    },
    fresh: () => fresh,
    onFrame: (f) => frames.push(f),
    onLink: (l) => links.push(l),
    onEnding: (e) => endings.push(e),
    random: () => 0.5,
  })
  const last = () => {
    const socket = sockets.at(-1)
    if (!socket) throw new Error('no socket was opened')
    return socket
  }
  const hello = () => last().said[0]?.d
  return { link, sockets, frames, links, endings, kept, last, hello, attach: () => (fresh = false) }
}

/** Sits, so that the tests begin in the middle of a session. */
function seated() {
  const all = setUp()
  all.link.start()
  all.last().opens()
  all.last().tells(welcome())
  return all
}

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('the first hello', () => {
  it('carries the join token in the message, and keeps the seat for a reload', () => {
    const { link, last, hello, links, kept } = setUp()
    link.start()
    expect(last().said).toEqual([])
    last().opens()
    expect(hello()).toMatchObject({ token: 'join', instance: 'tab', versions: [1], fresh: true })
    last().tells(welcome())
    expect(links).toEqual(['connecting', 'open'])
    expect(JSON.parse(kept.get('viop.seat') ?? '')).toMatchObject({ kept: { resume: 'r1' } })
  })

  it('waits as long as the door says, and tells when it tries again', () => {
    const { link, last, sockets, endings } = setUp()
    link.start()
    last().opens()
    last().tells({
      t: 'bye',
      d: { code: 'room_not_open', message: '', retry: 'retry', retry_after_ms: 15_000 },
    })
    last().breaks()
    expect(endings).toEqual([{ code: 'room_not_open', message: '', retryAt: Date.now() + 15_000 }])
    vi.advanceTimersByTime(14_999)
    expect(sockets.length).toBe(1)
    vi.advanceTimersByTime(5000)
    expect(sockets.length).toBe(2)
  })

  it('stops for good when the answer is none', () => {
    const { link, last, sockets, endings } = setUp()
    link.start()
    last().opens()
    last().tells({ t: 'bye', d: { code: 'removed', message: '', retry: 'none' } })
    last().breaks()
    vi.advanceTimersByTime(600_000)
    expect(sockets.length).toBe(1)
    expect(endings).toEqual([{ code: 'removed', message: '', retryAt: null }])
  })
})

describe('a line that breaks', () => {
  it('is taken up again with the resume token and what was received last', () => {
    const { last, hello, attach } = seated()
    attach()
    last().tells({ t: 'slots', seq: 1, d: { slots: [] } })
    last().tells({ t: 'slots', seq: 2, d: { slots: [] } })
    last().breaks()
    vi.advanceTimersByTime(400)
    last().opens()
    expect(hello()).toMatchObject({ resume: { session: 's1', token: 'r1', ack: 2 }, fresh: false })
    expect(hello()).not.toHaveProperty('token')
  })

  it('is tried at growing distances, at most 5 s apart', () => {
    const { last, sockets } = seated()
    const waits: number[] = []
    for (let i = 0; i < 7; i++) {
      last().breaks()
      const before = sockets.length
      let wait = 0
      while (sockets.length === before) {
        vi.advanceTimersByTime(100)
        wait += 100
      }
      waits.push(wait)
    }
    expect(waits).toEqual([100, 300, 600, 1200, 2400, 5000, 5000])
  })

  it('is tried at once when the network is back', () => {
    const { link, last, sockets } = seated()
    for (let i = 0; i < 6; i++) {
      last().breaks()
      vi.advanceTimersByTime(5000)
    }
    last().breaks()
    const before = sockets.length
    link.nudge()
    expect(sockets.length).toBe(before + 1)
  })

  it('uses the join token again once the seat is past its window', () => {
    const { last, hello } = seated()
    for (let t = 0; t < 130_000; t += 5000) {
      last().breaks()
      vi.advanceTimersByTime(5000)
    }
    last().opens()
    expect(hello()).toMatchObject({ token: 'join' })
    expect(hello()).not.toHaveProperty('resume')
  })

  it('uses the join token again when the server has given the seat away', () => {
    const { last, hello } = seated()
    last().breaks()
    vi.advanceTimersByTime(400)
    last().opens()
    last().tells({ t: 'bye', d: { code: 'resume_expired', message: '', retry: 'rejoin' } })
    vi.advanceTimersByTime(400)
    last().opens()
    expect(hello()).toMatchObject({ token: 'join' })
  })

  it('is given up after 8 s without an answer to the hello', () => {
    const { link, last, sockets } = setUp()
    link.start()
    const first = last()
    first.opens()
    vi.advanceTimersByTime(8000)
    expect(first.closed).toBe(true)
    vi.advanceTimersByTime(400)
    expect(sockets.length).toBe(2)
  })

  it('is replaced when a sign of life is asked for and none comes', () => {
    const { link, last, sockets } = seated()
    link.probe()
    last().tells({ t: 'speakers', d: { levels: [] } })
    vi.advanceTimersByTime(6000)
    expect(sockets.length).toBe(1)
    link.probe()
    vi.advanceTimersByTime(5400)
    expect(sockets.length).toBe(2)
  })

  it('does not hear a former socket any more', () => {
    const { last, sockets, frames } = seated()
    last().breaks()
    vi.advanceTimersByTime(400)
    const count = frames.length
    sockets[0]?.tells({ t: 'slots', seq: 9, d: { slots: [] } })
    expect(frames.length).toBe(count)
  })
})

describe('numbered messages', () => {
  it('of the server are taken once', () => {
    const { last, frames } = seated()
    last().tells({ t: 'slots', seq: 1, d: { slots: [] } })
    last().tells({ t: 'slots', seq: 1, d: { slots: [] } })
    expect(frames.filter((f) => f.t === 'slots').length).toBe(1)
  })

  it('of the client are answered by id', async () => {
    const { link, last } = seated()
    const raised = link.command({ t: 'hand', d: { up: true } })
    const said = last().said.at(-1)
    expect(said).toMatchObject({ t: 'hand', seq: 1, d: { up: true } })
    last().tells({ t: 'error', id: said?.id, d: { code: 'forbidden', message: 'No.', retry: 'none' } })
    expect(await raised).toEqual({ ok: false, code: 'forbidden', message: 'No.' })
  })

  it('are sent again after a resume, those that did not arrive and no others', async () => {
    const { link, last } = seated()
    const first = link.command({ t: 'hand', d: { up: true } })
    link.command({ t: 'help', d: { on: true } })
    last().breaks()
    vi.advanceTimersByTime(400)
    last().opens()
    last().tells({ t: 'resumed', ack: 1, d: { mode: 'replay', resume_token: 'r2' } })
    expect(last().said.slice(1)).toMatchObject([{ t: 'help', seq: 2 }])
    last().tells({ t: 'result', seq: 1, id: 'c1', d: {} })
    expect(await first).toEqual({ ok: true })
  })

  it('are not carried over to a new seat', async () => {
    const { link, last } = seated()
    const asked = link.command({ t: 'hand', d: { up: true } })
    last().breaks()
    vi.advanceTimersByTime(400)
    last().opens()
    last().tells(welcome('r9'))
    expect(await asked).toMatchObject({ ok: false, code: 'link_lost' })
    expect(last().said.length).toBe(1)
  })
})

describe('a reload', () => {
  it('takes the same seat with the token of the last answer, as a fresh page', () => {
    const kept = { welcome: { ...welcome().d, role: 'patient' as const }, resume: 'r7', ack: 12 }
    const { link, last, hello, frames } = setUp({ kept })
    link.start()
    last().opens()
    expect(hello()).toMatchObject({ resume: { token: 'r7' }, fresh: true })
    last().tells({ t: 'resumed', d: { mode: 'snapshot', resume_token: 'r8' } })
    last().tells({ t: 'slots', seq: 1, d: { slots: [] } })
    expect(frames.map((f) => f.t)).toEqual(['resumed', 'slots'])
  })
})

describe('leaving', () => {
  it('says so, and stays away', async () => {
    const { link, last, sockets, kept } = seated()
    const left = link.leave()
    const said = last().said.at(-1)
    expect(said?.t).toBe('leave')
    last().tells({ t: 'result', seq: 1, id: said?.id, d: {} })
    await left
    vi.advanceTimersByTime(60_000)
    expect(sockets.length).toBe(1)
    expect(JSON.parse(kept.get('viop.seat') ?? '')).toMatchObject({ kept: null })
  })
})
