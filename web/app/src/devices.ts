// The person's own microphone, camera, screen and speakers. Nobody but the
// person switches anything on here: the functions are called from their own
// clicks, and the server can only ask for less.
import { type ReadonlySignal, signal } from '@preact/signals'
import type { Device, DeviceKind, DeviceState, Local } from './state'

export interface Devices {
  readonly mic: ReadonlySignal<MediaStreamTrack | null>
  readonly camera: ReadonlySignal<MediaStreamTrack | null>
  readonly screen: ReadonlySignal<MediaStreamTrack | null>
  readonly screenAudio: ReadonlySignal<MediaStreamTrack | null>
  setMic(on: boolean): Promise<boolean>
  setCamera(on: boolean): Promise<boolean>
  share(on: boolean): Promise<boolean>
  choose(kind: DeviceKind, id: string): Promise<void>
  /** Opens the microphone again after something took it away (iOS, phone calls). */
  restoreMic(): Promise<boolean>
  close(): void
}

export interface DevicesOptions {
  readonly onLocal: (local: Partial<Local>) => void
  readonly onNotice: (text: string) => void
  /** The person or the system switched a source off (unplugged, "Stop sharing"). */
  readonly onOff: (source: 'mic' | 'camera' | 'screen') => void
  readonly chosen: Local['chosen']
  readonly signal: AbortSignal
}

/** A muted track this long after a mute event is an interruption, not a hiccup; ms. */
const interruption = 1500

// A picture of 12 people needs no more than this, and a small machine that
// encodes three layers of it should not be asked for it.
function picture(): MediaTrackConstraints {
  return navigator.hardwareConcurrency <= 2
    ? { width: { ideal: 640 }, height: { ideal: 360 }, frameRate: { ideal: 15, max: 20 } }
    : { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 24, max: 30 } }
}

const voice: MediaTrackConstraints = { echoCancellation: true, noiseSuppression: true, autoGainControl: true }

/** What the browser's refusal means to a person. */
export function deviceProblem(error: unknown): DeviceState {
  const name = error instanceof Error ? error.name : ''
  return name === 'NotAllowedError' || name === 'SecurityError' ? 'blocked' : 'missing'
}

export function createDevices(options: DevicesOptions): Devices {
  const { onLocal, onNotice, onOff } = options
  const mic = signal<MediaStreamTrack | null>(null)
  const camera = signal<MediaStreamTrack | null>(null)
  const screen = signal<MediaStreamTrack | null>(null)
  const screenAudio = signal<MediaStreamTrack | null>(null)
  let chosen = options.chosen

  function exactly(id: string): MediaTrackConstraints {
    return id ? { deviceId: { exact: id } } : {}
  }

  // open asks for the chosen device, and for any when that one is gone.
  async function open(kind: 'mic' | 'camera'): Promise<MediaStreamTrack | null> {
    const ask = async (id: string) => {
      const stream = await navigator.mediaDevices.getUserMedia(
        kind === 'mic'
          ? { audio: { ...voice, ...exactly(id) } }
          : { video: { ...picture(), ...exactly(id) } },
      )
      return stream.getTracks()[0] ?? null
    }
    try {
      return await ask(chosen[kind])
    } catch (error) {
      if (!chosen[kind] || deviceProblem(error) === 'blocked') throw error
      return await ask('')
    }
  }

  async function openMic(): Promise<boolean> {
    const track = await open('mic')
    if (!track) return false
    track.addEventListener('ended', () => gone('mic', track))
    track.addEventListener('mute', () => setTimeout(() => interrupted(track), interruption))
    track.addEventListener('unmute', () => interrupted(track))
    mic.value?.stop()
    mic.value = track
    onLocal({ micInterrupted: false })
    await list()
    return true
  }

  function interrupted(track: MediaStreamTrack): void {
    if (mic.value === track) onLocal({ micInterrupted: track.muted })
  }

  async function openCamera(): Promise<boolean> {
    const track = await open('camera')
    if (!track) return false
    track.addEventListener('ended', () => gone('camera', track))
    camera.value?.stop()
    camera.value = track
    await list()
    return true
  }

  // gone: unplugged, or taken away by the browser. The default device is tried
  // once for a microphone; a camera does not come on again by itself.
  async function gone(kind: 'mic' | 'camera', track: MediaStreamTrack): Promise<void> {
    if ((kind === 'mic' ? mic : camera).value !== track) return
    const wasOn = track.enabled
    if (kind === 'mic' && (await setMic(wasOn, true)))
      return onNotice('Your microphone changed to another one.')
    onNotice(kind === 'mic' ? 'Your microphone was lost.' : 'Your camera was lost.')
    if (kind === 'camera') {
      camera.value = null
      onLocal({ camera: 'missing' })
    }
    onOff(kind)
  }

  async function setMic(on: boolean, anew = false): Promise<boolean> {
    if (!on && (!mic.value || anew)) {
      mic.value = null
      onLocal({ mic: 'off' })
      return true
    }
    if (!mic.value || mic.value.readyState === 'ended' || anew) {
      onLocal({ mic: 'starting' })
      try {
        if (!(await openMic())) throw new Error('no track')
      } catch (error) {
        mic.value = null
        onLocal({ mic: deviceProblem(error) })
        return false
      }
    }
    // Muting keeps the device open: unmuting must not take a second.
    if (mic.value) mic.value.enabled = on
    onLocal({ mic: on ? 'on' : 'off' })
    return true
  }

  async function setCamera(on: boolean): Promise<boolean> {
    if (!on) {
      // Stopped, not blanked: the light beside the lens goes out.
      camera.value?.stop()
      camera.value = null
      onLocal({ camera: 'off' })
      return true
    }
    onLocal({ camera: 'starting' })
    try {
      if (!(await openCamera())) throw new Error('no track')
      onLocal({ camera: 'on' })
      return true
    } catch (error) {
      camera.value = null
      onLocal({ camera: deviceProblem(error) })
      return false
    }
  }

  async function share(on: boolean): Promise<boolean> {
    screen.value?.stop()
    screenAudio.value?.stop()
    screen.value = screenAudio.value = null
    onLocal({ screen: false })
    if (!on) return true
    try {
      const stream = await navigator.mediaDevices.getDisplayMedia({
        video: { frameRate: { max: 15 } },
        audio: true,
      })
      const track = stream.getVideoTracks()[0]
      if (!track) return false
      track.contentHint = 'detail'
      track.addEventListener('ended', () => {
        if (screen.value === track) share(false).then(() => onOff('screen'))
      })
      screen.value = track
      screenAudio.value = stream.getAudioTracks()[0] ?? null
      onLocal({ screen: true })
      return true
    } catch {
      return false // the person closed the browser's dialog
    }
  }

  async function choose(kind: DeviceKind, id: string): Promise<void> {
    chosen = { ...chosen, [kind]: id }
    onLocal({ chosen })
    if (kind === 'mic' && mic.value) await setMic(mic.value.enabled, mic.value.enabled)
    if (kind === 'camera' && camera.value) await setCamera(true)
  }

  async function list(): Promise<void> {
    const all = await navigator.mediaDevices.enumerateDevices()
    const of = (kind: MediaDeviceKind): Device[] =>
      all
        .filter((d) => d.kind === kind && d.deviceId !== '')
        .map((d, i) => ({ id: d.deviceId, label: d.label || `Device ${i + 1}` }))
    onLocal({ devices: { mic: of('audioinput'), camera: of('videoinput'), speaker: of('audiooutput') } })
  }

  navigator.mediaDevices?.addEventListener('devicechange', list, { signal: options.signal })

  return {
    mic,
    camera,
    screen,
    screenAudio,
    setMic,
    setCamera,
    share,
    choose,
    restoreMic: () => setMic(true, true),
    close() {
      for (const s of [mic, camera, screen, screenAudio]) {
        s.value?.stop()
        s.value = null
      }
      onLocal({ mic: 'off', camera: 'off', screen: false, micInterrupted: false })
    },
  }
}
