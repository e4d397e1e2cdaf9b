// Small pieces that several pages use.
import type { ComponentChildren, ComponentType, VNode } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { report } from '../session'
import { initials } from '../words'
import { useSession } from './context'
import { Icon, type IconName } from './icons'

/** A page with one column of text: everything but the room. */
export function Page({
  title,
  children,
  wide,
}: {
  title: string
  children: ComponentChildren
  wide?: boolean
}) {
  const heading = useRef<HTMLHeadingElement>(null)
  // A new page begins at its heading, also for those who hear it.
  useEffect(() => heading.current?.focus(), [title])
  return (
    <div class={wide ? 'page page-wide' : 'page'}>
      <main class="page-main">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {children}
      </main>
      <footer class="page-foot">
        <NoRecording />
        <span class="page-foot-words">Help at any time:</span>
        <CrisisLinks />
      </footer>
    </div>
  )
}

/**
 * A component whose code is fetched when it is first shown. `meanwhile` is
 * there until then, and stays when the code cannot be had.
 */
export function Later<P extends object>({
  of,
  with: props,
  meanwhile,
}: {
  of: () => Promise<ComponentType<P>>
  with: P
  meanwhile: VNode
}) {
  const [found, setFound] = useState<{ Found: ComponentType<P> } | null>(null)
  useEffect(() => {
    of().then((Found) => setFound({ Found }), report)
  }, [])
  return found ? <found.Found {...props} /> : meanwhile
}

export function NoRecording() {
  return (
    <span class="no-recording">
      <Icon name="check" />
      Not recorded
    </span>
  )
}

/** 988 and 911, one tap away wherever the person is. */
export function CrisisLinks({ long }: { long?: boolean }) {
  return (
    <span class={long ? 'crisis crisis-long' : 'crisis'}>
      <a href="tel:988">
        <Icon name="phone" />
        <span>
          <b>988</b> <span class={long ? '' : 'crisis-word'}>crisis line</span>
        </span>
      </a>
      <a href="tel:911">
        <Icon name="phone" />
        <span>
          <b>911</b> <span class={long ? '' : 'crisis-word'}>emergency</span>
        </span>
      </a>
    </span>
  )
}

export function Video({
  stream,
  mirrored,
  fit,
}: {
  stream: MediaStream
  mirrored?: boolean
  fit?: 'contain'
}) {
  const element = useRef<HTMLVideoElement>(null)
  useEffect(() => {
    const video = element.current
    if (!video) return
    video.srcObject = stream
    // On a slot that is still idle this stays pending, so nothing waits for it.
    video.play().catch(() => {})
    return () => {
      video.srcObject = null
    }
  }, [stream])
  const classes = ['video', mirrored && 'video-mirrored', fit && 'video-contain'].filter(Boolean).join(' ')
  return (
    // biome-ignore lint/a11y/noAriaHiddenOnFocusable: without controls it takes no focus; the tile says who it is
    <video
      ref={element}
      class={classes}
      muted
      playsInline
      autoPlay
      disablePictureInPicture
      aria-hidden="true"
    />
  )
}

/** The voices of the group: one element for each audio slot, for the life of the connection. */
export function Voices() {
  const session = useSession()
  const { chosen } = session.state.value.local
  return (
    <div hidden>
      {session.media.streams.value.audio.map((stream) => (
        <Voice key={stream.id} stream={stream} speaker={chosen.speaker} />
      ))}
    </div>
  )
}

function Voice({ stream, speaker }: { stream: MediaStream; speaker: string }) {
  const session = useSession()
  const element = useRef<HTMLAudioElement>(null)
  const { soundBlocked } = session.state.value.local
  useEffect(() => {
    const audio = element.current
    if (!audio) return
    if (audio.srcObject !== stream) audio.srcObject = stream
    audio.play().then(
      () => session.soundBlocked(false),
      (error: unknown) => {
        if (error instanceof Error && error.name === 'NotAllowedError') session.soundBlocked(true)
      },
    )
  }, [stream, soundBlocked])
  useEffect(() => {
    const audio = element.current
    if (audio && 'setSinkId' in audio) audio.setSinkId(speaker).catch(report)
  }, [speaker])
  // biome-ignore lint/a11y/useMediaCaption: live speech of the group; there is no caption track to give
  return <audio ref={element} autoPlay />
}

export function Avatar({ name, hue }: { name: string; hue: number }) {
  return (
    <span class={`avatar hue-${hue % 6}`} aria-hidden="true">
      {initials(name)}
    </span>
  )
}

export function Button(props: {
  children: ComponentChildren
  onClick: () => void
  kind?: 'main' | 'danger' | 'quiet'
  icon?: IconName
  label?: string
  pressed?: boolean
  /** Whether what it opens is open. */
  expanded?: boolean
  disabled?: boolean
}) {
  const { children, onClick, kind, icon, label, pressed, expanded, disabled } = props
  return (
    <button
      type="button"
      class={kind ? `button button-${kind}` : 'button'}
      onClick={onClick}
      aria-label={label}
      aria-pressed={pressed}
      aria-expanded={expanded}
      disabled={disabled}
    >
      {icon && <Icon name={icon} />}
      {children}
    </button>
  )
}

/** A modal question. The browser keeps the focus inside and gives it back. */
export function Dialog({
  title,
  onClose,
  children,
}: {
  title: string
  onClose: () => void
  children: ComponentChildren
}) {
  const element = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const dialog = element.current
    if (dialog && !dialog.open) dialog.showModal()
    return () => dialog?.close()
  }, [])
  return (
    <dialog ref={element} class="dialog" aria-label={title} onClose={onClose}>
      <h2>{title}</h2>
      {children}
    </dialog>
  )
}
