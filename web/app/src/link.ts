// The line to the server: one WebSocket at a time, a hello, and a seat that
// outlives the socket. It comes back without being asked: by the resume token
// while the server keeps the seat, by the join token after that.
//
// The client sends nothing on a timer and never takes its own silence for a
// dead line (hidden tabs are woken once a minute); the server pings.

import { type Store, type StoredSeat, saveSeat } from './seat'
import type { Ending, LinkState } from './state'
import {
  type ClientFrame,
  decode,
  type ServerApiToken,
  type ServerBye,
  type ServerFrame,
  type ServerResumed,
  type ServerWelcome,
  versions,
} from './wire'

/** A client message without what the link itself adds. */
export type Message = {
  [T in ClientFrame['t']]: { t: T; d: Extract<ClientFrame, { t: T }>['d'] }
}[ClientFrame['t']]

export type Result =
  | { readonly ok: true }
  | { readonly ok: false; readonly code: string; readonly message: string }

/** The part of WebSocket that is used. */
export type Socket = Pick<WebSocket, 'send' | 'close'> & EventTarget

export interface LinkOptions {
  readonly open: () => Socket
  readonly store: Store
  readonly seat: StoredSeat
  /** Whether the page has no PeerConnection, so that the server asks for an offer. */
  readonly fresh: () => boolean
  readonly onFrame: (frame: ServerFrame) => void
  readonly onLink: (link: LinkState) => void
  readonly onEnding: (ending: Ending) => void
  readonly random?: () => number
}

export interface Link {
  start(): void
  /** Sent if the line is up, otherwise forgotten: offers, candidates, wants. */
  post(message: Message): void
  /** Numbered, answered, and sent again after a resume. Never rejects. */
  command(message: Message): Promise<Result>
  /** The network may be back, or the page awake: tries at once. */
  nudge(): void
  /** Asks for the minutes; the report comes as a frame. */
  minutes(): void
  /** Asks for a token for the HTTP API; null when there is none to be had now. */
  apiToken(): Promise<ServerApiToken | null>
  /** Asks for a sign of life; a line that gives none in 5 s is replaced. */
  probe(): void
  /** Remembers for a reload that the questions are answered. */
  checkedIn(): void
  /** Starts the socket anew; the server is told the page is fresh. */
  restart(): void
  /** Says goodbye and stays away. */
  leave(): Promise<void>
  stop(): void
}

const backoff = [0, 300, 600, 1200, 2400, 5000]
const handshakeTimeout = 8000
const probeTimeout = 5000
const tokenTimeout = 5000
const defaultRetry = 5000

interface Pending {
  readonly frame: ClientFrame
  readonly seq: number
  readonly done: (result: Result) => void
}

export function createLink(options: LinkOptions): Link {
  const random = options.random ?? Math.random
  let seat = options.seat
  let socket: Socket | null = null
  let up = false // the server has answered our hello on this socket
  let stopped = true
  let saidFresh = true
  let attempt = 0
  let lostAt: number | null = null
  let retryTimer: ReturnType<typeof setTimeout> | undefined
  let handshakeTimer: ReturnType<typeof setTimeout> | undefined
  let probeTimer: ReturnType<typeof setTimeout> | undefined
  let lastSeq = seat.kept?.ack ?? 0
  let nextSeq = 1
  let nextID = 1
  const pending = new Map<string, Pending>()
  const tokens = new Map<string, (token: ServerApiToken | null) => void>()

  function keep(change: Partial<StoredSeat>): void {
    seat = { ...seat, ...change }
    saveSeat(options.store, seat)
  }

  function connect(): void {
    clearTimeout(retryTimer)
    drop()
    if (stopped) return
    if (seat.kept && lostAt !== null && Date.now() - lostAt > seat.kept.welcome.resume_window_ms)
      keep({ kept: null })
    options.onLink(attempt === 0 && lostAt === null ? 'connecting' : 'lost')
    attempt++
    const opened = options.open()
    socket = opened
    handshakeTimer = setTimeout(() => lost(opened), handshakeTimeout)
    opened.addEventListener('open', () => hello(opened))
    opened.addEventListener('message', (event) => {
      if (opened === socket && event instanceof MessageEvent) receive(event.data)
    })
    opened.addEventListener('close', () => lost(opened))
  }

  function hello(opened: Socket): void {
    if (opened !== socket) return
    const { kept, token, instance } = seat
    const who = kept
      ? { resume: { session: kept.welcome.session, token: kept.resume, ack: lastSeq } }
      : { token }
    saidFresh = options.fresh()
    const d = { versions, instance, fresh: saidFresh, app: __APP_VERSION__, ...who }
    opened.send(JSON.stringify({ t: 'hello', d } satisfies ClientFrame))
  }

  // drop forgets the current socket; what it still says is not heard.
  function drop(): void {
    clearTimeout(handshakeTimer)
    clearTimeout(probeTimer)
    const old = socket
    socket = null
    up = false
    old?.close()
  }

  function lost(which: Socket): void {
    if (which !== socket) return
    drop()
    if (stopped) return
    lostAt ??= Date.now()
    options.onLink('lost')
    again(backoff[Math.min(attempt, backoff.length - 1)] ?? 0)
  }

  function again(delay: number): void {
    clearTimeout(retryTimer)
    retryTimer = setTimeout(connect, delay * (0.8 + 0.4 * random()))
  }

  function receive(data: unknown): void {
    const decoded = typeof data === 'string' ? decode(data) : null
    // A message of a newer server that this page does not know is left alone.
    if (!decoded?.ok) return
    const { frame } = decoded
    clearTimeout(probeTimer)
    if (frame.t === 'welcome') welcomed(frame.d, frame.seq)
    else if (frame.t === 'resumed') resumed(frame.d, frame.ack ?? 0)
    else if (isRepeat(frame.seq)) return
    if ((frame.t === 'result' || frame.t === 'error') && frame.id !== undefined && settle(frame.id, frame))
      return
    if ((frame.t === 'api_token' || frame.t === 'error') && tokens.has(frame.id ?? ''))
      return tokens.get(frame.id ?? '')?.(frame.t === 'api_token' ? frame.d : null)
    options.onFrame(frame)
    if (frame.t === 'bye') dismissed(frame.d)
  }

  function isRepeat(seq: number | undefined): boolean {
    if (seq === undefined) return false
    if (seq <= lastSeq) return true
    lastSeq = seq
    return false
  }

  function welcomed(welcome: ServerWelcome, seq: number | undefined): void {
    lastSeq = seq ?? 0
    nextSeq = 1
    keep({ kept: { welcome, resume: welcome.resume_token, ack: lastSeq } })
    // The server knows nothing of what was asked on a former seat.
    abandon()
    linked()
  }

  function abandon(): void {
    for (const [id, p] of pending) {
      pending.delete(id)
      p.done({ ok: false, code: 'link_lost', message: 'The connection was renewed. Please try again.' })
    }
  }

  function resumed(resumed: ServerResumed, ack: number): void {
    // A fresh page is numbered from 1 again, after the snapshot it gets.
    if (saidFresh) lastSeq = 0
    if (seat.kept) keep({ kept: { ...seat.kept, resume: resumed.resume_token, ack: lastSeq } })
    linked()
    for (const [id, { frame, seq, done }] of pending) {
      if (seq > ack) write({ ...frame, ack: lastSeq })
      // It arrived; a replay brings the answer, a snapshot shows what came of it.
      else if (resumed.mode === 'snapshot' && pending.delete(id)) done({ ok: true })
    }
  }

  function linked(): void {
    clearTimeout(handshakeTimer)
    up = true
    attempt = 0
    lostAt = null
    options.onLink('open')
  }

  function settle(id: string, frame: Extract<ServerFrame, { t: 'result' | 'error' }>): boolean {
    const asked = pending.get(id)
    if (!asked) return false
    pending.delete(id)
    asked.done(
      frame.t === 'result' ? { ok: true } : { ok: false, code: frame.d.code, message: frame.d.message },
    )
    return true
  }

  // dismissed: the server ends this connection and says what to do about it.
  function dismissed(why: ServerBye): void {
    switch (why.retry) {
      case 'none':
        stop()
        keep({ kept: null })
        return options.onEnding({ code: why.code, message: why.message, retryAt: null })
      case 'retry': {
        const delay = why.retry_after_ms ?? defaultRetry
        drop()
        again(delay / 0.8) // the jitter must not come before what was asked for
        return options.onEnding({ code: why.code, message: why.message, retryAt: Date.now() + delay })
      }
      case 'rejoin':
        keep({ kept: null })
        return comeBack(why.retry_after_ms)
      case 'resume':
        return comeBack(why.retry_after_ms)
      default:
        return why.retry satisfies never
    }
  }

  function comeBack(after: number | undefined): void {
    drop()
    lostAt ??= Date.now()
    options.onLink('lost')
    again(after ?? backoff[Math.min(attempt, backoff.length - 1)] ?? 0)
  }

  function write(frame: ClientFrame): void {
    if (up) socket?.send(JSON.stringify(frame))
  }

  function command(message: Message): Promise<Result> {
    const id = `c${nextID++}`
    const seq = nextSeq++
    const frame: ClientFrame = { ...message, id, seq, ack: lastSeq }
    return new Promise((done) => {
      pending.set(id, { frame, seq, done })
      write(frame)
    })
  }

  // minutes carries an id so that a refusal is about it and not about the page.
  function minutes(): void {
    write({ t: 'minutes', id: `m${nextID++}`, d: {}, ack: lastSeq })
  }

  // apiToken is not sent again after a resume: whoever wants it asks again.
  function apiToken(): Promise<ServerApiToken | null> {
    const id = `a${nextID++}`
    const answer = new Promise<ServerApiToken | null>((done) => {
      tokens.set(id, done)
      setTimeout(done, up ? tokenTimeout : 0, null)
    })
    write({ t: 'api_token', id, d: {}, ack: lastSeq })
    return answer.finally(() => tokens.delete(id))
  }

  function stop(): void {
    stopped = true
    clearTimeout(retryTimer)
    drop()
    abandon()
  }

  return {
    start() {
      stopped = false
      attempt = 0
      connect()
    },
    post: (message) => write({ ...message, ack: lastSeq }),
    command,
    minutes,
    apiToken,
    nudge() {
      if (!stopped && !up) connect()
    },
    probe() {
      const asked = socket
      if (!up || !asked) return
      clearTimeout(probeTimer)
      probeTimer = setTimeout(() => lost(asked), probeTimeout)
      minutes()
    },
    checkedIn: () => keep({ checkedIn: true }),
    restart() {
      if (socket) lost(socket)
    },
    async leave() {
      if (up) await Promise.race([command({ t: 'leave', d: {} }), new Promise((r) => setTimeout(r, 500))])
      stop()
      keep({ kept: null })
    },
    stop,
  }
}
