// Puts the parts together: the state and its reducer, the line to the server,
// the devices and the PeerConnection. The views call the actions here and read
// the state; nothing else talks to the server.
import { effect, type ReadonlySignal, signal } from '@preact/signals'
import type { ApiOptions } from './api'
import { createBearer, subjectOf } from './bearer'
import { createDevices, type Devices } from './devices'
import { createLink, type Link, type Result } from './link'
import { createMedia, type Media } from './media'
import { loadPreferences, savePreferences } from './preferences'
import { forgetSeat, loadSeat, readClaims, type Store, type StoredSeat, saveSeat } from './seat'
import { type DeviceKind, type Event, initial, isIn, me, reduce, type State } from './state'
import { createWants, type Wants } from './want'
import {
  type ClientCheckIn,
  type ClientModerate,
  type ServerFrame,
  type ServerPerson,
  type Source,
  subprotocol,
} from './wire'

export interface Session {
  readonly state: ReadonlySignal<State>
  readonly devices: Devices
  readonly media: Media
  readonly wants: Wants
  /** To the HTTP API, with what a facilitator may do there; everybody else is refused. */
  readonly access: ApiOptions
  /** What the invite says, until the server has said who this is. */
  readonly greeting: { readonly name: string; readonly role: string; readonly person: string }
  join(): void
  checkIn(answers: ClientCheckIn): Promise<Result>
  setMic(on: boolean): Promise<void>
  setCamera(on: boolean): Promise<void>
  share(on: boolean): Promise<void>
  choose(kind: DeviceKind, id: string): Promise<void>
  restoreMic(): Promise<void>
  soundBlocked(blocked: boolean): void
  raiseHand(up: boolean): Promise<void>
  askHelp(on: boolean): Promise<void>
  moderate(act: ClientModerate): Promise<Result>
  notify(text: string): void
  noticeDone(id: number): void
  leave(): Promise<void>
  /** After a link that was given up: tries with the invite once more. */
  again(): void
}

export interface SessionOptions {
  readonly store: Store
  readonly token: string | null
  readonly signal: AbortSignal
}

const minutesEvery = 5 * 60_000
/** Evidence settles some seconds after the end; until then the closing page asks again. */
const finalMinutesEvery = 3000
/** A page that was away this long checks that its line still lives; ms. */
const awayLong = 15_000

export function report(error: unknown): void {
  console.error(error instanceof Error ? `${error.name}: ${error.message}` : 'unknown error')
}

export function createSession(options: SessionOptions): Session {
  const { store, signal: until } = options
  const state = signal<State>(initial)
  const dispatch = (event: Event) => {
    state.value = reduce(state.value, event)
  }
  const notify = (text: string) => dispatch({ type: 'notice', text })

  const seat = openSeat(store, options.token)
  const preferences = loadPreferences(store)
  let answers: ClientCheckIn | null = null
  let fresh = true // the next snapshot cannot know what this page sends
  let minutesTimer: ReturnType<typeof setTimeout> | undefined

  const devices = createDevices({
    chosen: preferences.chosen,
    signal: until,
    onLocal: (local) => dispatch({ type: 'local', local }),
    onNotice: notify,
    onOff: (source) => publish(source, false),
  })
  const media = createMedia({
    devices,
    report,
    linkUp: () => state.value.link === 'open',
    offer: (d) => link?.post({ t: 'offer', d }),
    candidate: (d) => link?.post({ t: 'candidate', d }),
    onPeer: (peer) => {
      dispatch({ type: 'local', local: { peer } })
      if (peer === 'lost') link?.probe()
    },
    renew: () => link?.restart(),
  })
  const wants = createWants((d) => link?.post({ t: 'want', d }), until)
  const link: Link | null = seat
    ? createLink({
        store,
        seat,
        open: openSocket,
        fresh: () => {
          fresh = !media.attached()
          return fresh
        },
        onFrame: received,
        onLink: (link) => dispatch({ type: 'link', link }),
        onEnding: (ending) => {
          dispatch({ type: 'ending', ending })
          if (ending.retryAt === null) closeMedia()
        },
      })
    : null

  const access: ApiOptions = {
    bearer: createBearer(async () => {
      const lent = (await link?.apiToken()) ?? null
      return lent && { token: lent.token, until: Date.now() + lent.expires_ms }
    }),
    fetch: (path, init) => fetch(path, init),
    signal: until,
  }

  function received(frame: ServerFrame): void {
    const before = state.value
    dispatch({ type: 'frame', frame, at: Date.now() })
    act(frame, before)
  }

  function act(frame: ServerFrame, before: State): void {
    switch (frame.t) {
      case 'welcome':
        fresh = true // a new seat knows nothing of our devices yet: it is told, not followed
        // A server that lost its memory asks again; the person need not.
        if (frame.d.check_in && answers) link?.command({ t: 'check_in', d: answers }).catch(report)
        wants.resend()
        return
      case 'resumed':
        media.linked()
        wants.resend()
        return
      case 'snapshot':
        if (!fresh) followServer()
        for (const layers of frame.d.layers ?? []) media.wanted(layers)
        return placed(before)
      case 'person':
        if (frame.d.handle === state.value.welcome?.handle) placed(before)
        return
      case 'room':
        if (frame.d.state === 'ended' && before.room?.state !== 'ended') ended()
        return
      case 'attach_media':
        attach().catch(report)
        return
      case 'answer':
        media.answer(frame.d.nid, frame.d.sdp).catch((error) => {
          report(error)
          media.restart()
        })
        return
      case 'signal_failed':
        return media.failed(frame.d.nid)
      case 'layers':
        return media.wanted(frame.d)
      case 'ice_restart':
        return media.restart()
      case 'moderated':
        moderated(frame.d.action).catch(report)
        return
      case 'minutes_report':
        return nextMinutes()
      case 'error':
        if (frame.id === undefined && frame.d.retry === 'retry' && state.value.step === 'seated')
          notify(frame.d.message)
        return
    }
  }

  async function attach(): Promise<void> {
    const { welcome } = state.value
    if (!welcome) return
    await media.attach(welcome)
    const { local } = state.value
    if (local.mic === 'on') publish('mic', true)
    if (local.camera === 'on') publish('camera', true)
    if (local.screen) publish('screen', true)
    wants.resend()
  }

  function publish(source: Source, on: boolean): void {
    if (!media.attached()) return
    link
      ?.command({ t: 'publish', d: { source, on } })
      .then((result) => refusedPublish(source, on, result))
      .catch(report)
  }

  async function refusedPublish(source: Source, on: boolean, result: Result): Promise<void> {
    if (result.ok || !on || result.code === 'link_lost') return
    notify(result.message)
    if (source === 'mic') await devices.setMic(false)
    if (source === 'camera') await devices.setCamera(false)
    if (source === 'screen') await devices.share(false)
  }

  // followServer: after a link that missed messages, whatever a facilitator
  // switched off meanwhile is off here too. Nothing is ever switched on.
  function followServer(): void {
    const own = me(state.value)
    const { local } = state.value
    if (!own || !isIn(own)) return
    if (local.mic === 'on' && !own.mic) devices.setMic(false).catch(report)
    if (local.camera === 'on' && !own.camera) devices.setCamera(false).catch(report)
    if (local.screen && !own.screen) devices.share(false).catch(report)
  }

  async function moderated(action: string): Promise<void> {
    switch (action) {
      case 'muted':
        await devices.setMic(false)
        remember()
        return notify('A facilitator muted your microphone.')
      case 'unmute_allowed':
        return notify('You can switch your microphone on again when you like.')
      case 'camera_stopped':
        await devices.setCamera(false)
        remember()
        return notify('A facilitator stopped your camera. That is fine, you are still in the group.')
      case 'sent_back':
        return notify('A facilitator moved you to the lobby. They will let you in again.')
      case 'moved':
        return notify('A facilitator moved you to another room.')
    }
  }

  // placed: on the way into the group, or out of it.
  function placed(before: State): void {
    const was = me(before)
    const now = me(state.value)
    if (!now) return
    if (isIn(now) && !(was && isIn(was))) askMinutes()
    if (!isIn(now) && media.attached()) media.close()
    if (state.value.room?.state === 'ended' && before.room?.state !== 'ended') ended()
  }

  function ended(): void {
    askMinutes()
    closeMedia()
  }

  function closeMedia(): void {
    media.close()
    devices.close()
  }

  function askMinutes(): void {
    link?.minutes()
    nextMinutes()
  }

  function nextMinutes(): void {
    clearTimeout(minutesTimer)
    const over = state.value.room?.state === 'ended'
    if (over && state.value.report?.final) return
    minutesTimer = setTimeout(askMinutes, over ? finalMinutesEvery : minutesEvery)
  }

  function remember(): void {
    const { local } = state.value
    savePreferences(store, { mic: local.mic === 'on', camera: local.camera === 'on', chosen: local.chosen })
  }

  async function setMic(on: boolean): Promise<void> {
    if (on && me(state.value)?.muted)
      return notify('A facilitator has muted the microphones for now. Raise your hand to speak.')
    const done = await devices.setMic(on)
    remember()
    if (done) publish('mic', on)
  }

  async function setCamera(on: boolean): Promise<void> {
    const done = await devices.setCamera(on)
    remember()
    if (done) publish('camera', on)
  }

  async function share(on: boolean): Promise<void> {
    if (!(await devices.share(on))) return
    publish('screen', on)
    if (devices.screenAudio.value || !on) publish('screen_audio', on)
  }

  async function command(run: Promise<Result> | undefined): Promise<Result> {
    const result = (await run) ?? { ok: false, code: 'link_lost', message: 'There is no connection.' }
    if (!result.ok) notify(result.message)
    return result
  }

  follow()
  until.addEventListener('abort', () => {
    clearTimeout(minutesTimer)
    link?.stop()
    closeMedia()
  })

  // follow: what the page does by itself, until the signal ends it.
  function follow(): void {
    let hiddenSince: number | null = null
    const listen = (target: EventTarget, type: string, run: () => void) =>
      target.addEventListener(type, run, { signal: until })
    const awake = () => {
      link?.nudge()
      link?.probe()
    }
    listen(window, 'online', awake)
    listen(window, 'pageshow', () => link?.nudge())
    listen(document, 'visibilitychange', () => {
      if (document.hidden) {
        hiddenSince = Date.now()
      } else {
        link?.nudge()
        if (hiddenSince !== null && Date.now() - hiddenSince > awayLong) link?.probe()
        hiddenSince = null
      }
    })
    const ticker = setInterval(() => dispatch({ type: 'tick', at: Date.now() }), 500)
    until.addEventListener('abort', () => clearInterval(ticker))
  }

  if (seat?.kept) comeBack()
  else if (seat) dispatch({ type: 'step', step: 'devices' })

  // comeBack: the page was reloaded; the same seat, the same devices as before.
  function comeBack(): void {
    if (!seat?.kept) return
    const { welcome } = seat.kept
    state.value = { ...state.value, welcome, step: 'joining', checkedIn: seat.checkedIn }
    const opened = [preferences.mic && devices.setMic(true), preferences.camera && devices.setCamera(true)]
    Promise.all(opened)
      .finally(() => link?.start())
      .catch(report)
  }

  return {
    state,
    devices,
    media,
    wants,
    access,
    greeting: { ...readClaims(seat?.token ?? ''), person: subjectOf(seat?.token ?? '') },
    join() {
      remember()
      dispatch({ type: 'step', step: 'joining' })
      link?.start()
    },
    async checkIn(given) {
      answers = given
      const result = await command(link?.command({ t: 'check_in', d: given }))
      if (result.ok) {
        link?.checkedIn()
        dispatch({ type: 'checked_in' })
      }
      return result
    },
    setMic,
    setCamera,
    share,
    async choose(kind, id) {
      await devices.choose(kind, id)
      remember()
    },
    async restoreMic() {
      if (await devices.restoreMic()) publish('mic', true)
    },
    soundBlocked: (blocked) => {
      if (state.value.local.soundBlocked !== blocked)
        dispatch({ type: 'local', local: { soundBlocked: blocked } })
    },
    raiseHand: async (up) => void (await command(link?.command({ t: 'hand', d: { up } }))),
    askHelp: async (on) => {
      const result = await command(link?.command({ t: 'help', d: { on } }))
      if (result.ok && on) notify('The facilitators have been told, privately.')
    },
    moderate: (d) => command(link?.command({ t: 'moderate', d })),
    notify,
    noticeDone: (id) => dispatch({ type: 'notice_done', id }),
    async leave() {
      await link?.leave()
      closeMedia()
      dispatch({ type: 'ending', ending: { code: 'left', message: '', retryAt: null } })
    },
    again() {
      const waiting = typeof state.value.ending?.retryAt === 'number'
      dispatch({ type: 'ending', ending: null })
      dispatch({ type: 'step', step: waiting ? 'joining' : 'devices' })
      if (waiting) link?.start()
    },
  }
}

// openSeat: a link that was just opened wins over what the tab remembers,
// unless it is the same one.
function openSeat(store: Store, token: string | null): StoredSeat | null {
  const kept = loadSeat(store)
  if (token === null || token === kept?.token) return kept
  forgetSeat(store)
  const seat: StoredSeat = { token, instance: crypto.randomUUID(), kept: null, checkedIn: false }
  saveSeat(store, seat)
  return seat
}

function openSocket(): WebSocket {
  const url = new URL('/v1/ws', location.href)
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  return new WebSocket(url, subprotocol)
}

/** Others' pictures and voices follow `slots`; this finds the stream of one. */
export function streamOf(session: Session, person: ServerPerson, source: Source): MediaStream | null {
  const kind = source === 'camera' || source === 'screen' ? 'video' : 'audio'
  const slot = session.state.value.slots.find(
    (s) => s.kind === kind && s.handle === person.handle && s.source === source,
  )
  if (!slot || slot.paused) return null
  return session.media.streams.value[kind][slot.index] ?? null
}

/** A stream that follows a local track, for the person's own tile. */
export function localStream(track: ReadonlySignal<MediaStreamTrack | null>): {
  readonly stream: ReadonlySignal<MediaStream | null>
  readonly stop: () => void
} {
  const stream = signal<MediaStream | null>(null)
  const stop = effect(() => {
    stream.value = track.value ? new MediaStream([track.value]) : null
  })
  return { stream, stop }
}
