// One RTCPeerConnection for everything this page sends and receives. The
// browser always offers, so glare cannot happen. All sections are there from
// the first offer: microphone, camera (three simulcast layers), screen,
// screen sound, then the receive slots the server asked for. People coming,
// going and muting change what the slots carry and cause no offer; only an
// ICE restart does.
import { effect, type ReadonlySignal, signal } from '@preact/signals'
import type { Devices } from './devices'
import { createEncodings } from './encodings'
import type { PeerState } from './state'
import { type PeerStats, readStats } from './stats'
import type { ClientCandidate, ClientOffer, ServerLayers, ServerWelcome } from './wire'

export interface SlotStreams {
  readonly audio: readonly MediaStream[]
  readonly video: readonly MediaStream[]
}

export interface Media {
  /** By kind and index of the `slots` message; new objects after each attach. */
  readonly streams: ReadonlySignal<SlotStreams>
  /** Makes a new PeerConnection in place of any former one, and offers. */
  attach(welcome: ServerWelcome): Promise<void>
  answer(nid: number, sdp: string): Promise<void>
  failed(nid: number): void
  /** Which encodings of a source anybody gets; the others need not be made. */
  wanted(layers: ServerLayers): void
  /** Looks for a new path, or as soon as the line to the server is back. */
  restart(): void
  /** The line is back: catches up with what could not be said meanwhile. */
  linked(): void
  attached(): boolean
  stats(): Promise<PeerStats>
  close(): void
}

export interface MediaOptions {
  readonly devices: Devices
  readonly linkUp: () => boolean
  readonly offer: (offer: ClientOffer) => void
  readonly candidate: (candidate: ClientCandidate) => void
  readonly onPeer: (peer: PeerState) => void
  /** Several restarts led nowhere: the seat must be taken with a fresh page. */
  readonly renew: () => void
  readonly report: (error: unknown) => void
}

const answerTimeout = 10_000
/** A path that is gone this long is looked for anew; shorter gaps heal alone. */
const disconnectedGrace = 2000
const restartsBeforeRenewal = 3

const simulcast: RTCRtpEncodingParameters[] = [
  { rid: 'q', scaleResolutionDownBy: 4, maxBitrate: 150_000 },
  { rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 500_000 },
  { rid: 'f', scaleResolutionDownBy: 1, maxBitrate: 1_200_000 },
]

// Without preferences an offer of 27 sections is 83 kB in Chromium, with them
// 30 kB. An empty list would throw, so it leaves the browser's own order.
//
// The first one is what is sent. Redundant sound (RFC 2198) repeats the packet
// before in each, which makes good what is lost on the way without asking;
// Chromium has it, Firefox does not.
function preferOurCodecs(transceiver: RTCRtpTransceiver, kind: 'audio' | 'video'): void {
  const wanted = kind === 'audio' ? ['audio/red', 'audio/opus'] : ['video/vp8', 'video/rtx']
  const codecs = RTCRtpReceiver.getCapabilities(kind)?.codecs ?? []
  const ours = wanted.flatMap((name) => codecs.filter((c) => c.mimeType.toLowerCase() === name))
  if (ours.length > 0) transceiver.setCodecPreferences(ours)
}

interface Sections {
  readonly mic: RTCRtpSender
  readonly camera: RTCRtpSender
  readonly screen: RTCRtpSender
  readonly screenAudio: RTCRtpSender
  readonly streams: SlotStreams
}

// The order is the protocol: the server finds a source by its place among the
// offered sections, and a slot by its place among the recvonly ones of a kind.
function addSections(pc: RTCPeerConnection, slots: ServerWelcome['slots']): Sections {
  const add = (kind: 'audio' | 'video', init: RTCRtpTransceiverInit) => {
    const transceiver = pc.addTransceiver(kind, init)
    preferOurCodecs(transceiver, kind)
    return transceiver
  }
  const send = (kind: 'audio' | 'video', sendEncodings?: RTCRtpEncodingParameters[]) =>
    add(kind, { direction: 'sendonly', ...(sendEncodings && { sendEncodings }) }).sender
  const receive = (kind: 'audio' | 'video', count: number) =>
    Array.from(
      { length: count },
      () => new MediaStream([add(kind, { direction: 'recvonly' }).receiver.track]),
    )
  return {
    mic: send('audio'),
    camera: send('video', simulcast),
    screen: send('video', [{ maxBitrate: 2_500_000, maxFramerate: 15 }]),
    screenAudio: send('audio'),
    streams: { audio: receive('audio', slots.audio), video: receive('video', slots.video) },
  }
}

export function createMedia(options: MediaOptions): Media {
  const { devices, report } = options
  const streams = signal<SlotStreams>({ audio: [], video: [] })
  const encodings = createEncodings(report)
  let sections: Sections | null = null
  let pc: RTCPeerConnection | null = null
  let stopSending = () => {}
  let nid = 0
  let offers = 0
  let unanswered = false
  let restarts = 0
  let restartWanted = false
  let answerTimer: ReturnType<typeof setTimeout> | undefined
  let graceTimer: ReturnType<typeof setTimeout> | undefined

  async function attach(welcome: ServerWelcome): Promise<void> {
    close()
    const made = new RTCPeerConnection({ bundlePolicy: 'max-bundle', iceServers: welcome.ice_servers ?? [] })
    pc = made
    restarts = 0
    listen(made)
    sections = addSections(made, welcome.slots)
    streams.value = sections.streams
    stopSending = sendFrom(sections)
    options.onPeer('connecting')
    await negotiate(false)
  }

  // sendFrom keeps the senders on the tracks of the devices; a missing track
  // sends nothing and costs no offer.
  function sendFrom(sections: Sections): () => void {
    const stops = (['mic', 'camera', 'screen', 'screenAudio'] as const).map((source) =>
      effect(() => {
        sections[source].replaceTrack(devices[source].value).catch(report)
      }),
    )
    return () => {
      for (const stop of stops) stop()
    }
  }

  function listen(made: RTCPeerConnection): void {
    made.addEventListener('icecandidate', ({ candidate }) => {
      if (made !== pc) return
      if (!candidate?.candidate) return options.candidate({ nid, end: true })
      const mid = candidate.sdpMid === null ? {} : { mid: candidate.sdpMid }
      options.candidate({ nid, candidate: candidate.candidate, ...mid })
    })
    made.addEventListener('connectionstatechange', () => {
      if (made === pc) changed(made.connectionState)
    })
  }

  function changed(state: RTCPeerConnectionState): void {
    clearTimeout(graceTimer)
    switch (state) {
      case 'connected':
        restarts = 0
        return options.onPeer('connected')
      case 'disconnected':
        options.onPeer('lost')
        graceTimer = setTimeout(restart, disconnectedGrace)
        return
      case 'failed':
        options.onPeer('lost')
        return restart()
    }
  }

  function restart(): void {
    if (!pc) return
    if (!options.linkUp()) {
      restartWanted = true
      return
    }
    restartWanted = false
    if (restarts >= restartsBeforeRenewal) return renew()
    restarts++
    negotiate(true).catch(report)
  }

  function renew(): void {
    close()
    options.renew()
  }

  async function negotiate(iceRestart: boolean): Promise<void> {
    const at = pc
    if (!at) return
    const mine = ++nid
    clearTimeout(answerTimer)
    const offer = await at.createOffer({ iceRestart })
    if (at !== pc || mine !== nid) return
    unanswered = true
    await at.setLocalDescription(offer)
    if (at !== pc || mine !== nid) return
    offers++
    options.offer({ nid: mine, sdp: offer.sdp ?? '' })
    answerTimer = setTimeout(restart, answerTimeout)
  }

  async function answer(of: number, sdp: string): Promise<void> {
    if (!pc || of !== nid || pc.signalingState !== 'have-local-offer') return
    clearTimeout(answerTimer)
    unanswered = false
    await pc.setRemoteDescription({ type: 'answer', sdp })
  }

  function close(): void {
    clearTimeout(answerTimer)
    clearTimeout(graceTimer)
    stopSending()
    stopSending = () => {}
    pc?.close()
    pc = sections = null
    unanswered = restartWanted = false
    streams.value = { audio: [], video: [] }
    options.onPeer('none')
  }

  return {
    streams,
    attach,
    answer,
    failed(of) {
      if (of === nid) restart()
    },
    wanted({ source, wanted }) {
      if (!sections) return
      const { camera, screen, mic, screenAudio } = sections
      encodings.set({ camera, screen, mic, screen_audio: screenAudio }[source], wanted)
    },
    restart,
    linked() {
      const lost = pc !== null && (pc.connectionState === 'failed' || pc.connectionState === 'disconnected')
      if (restartWanted || unanswered || lost) restart()
    },
    attached: () => pc !== null,
    stats: () => readStats(pc, offers),
    close,
  }
}
