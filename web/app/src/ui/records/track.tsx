// One person's line in the review. The pointer, or the arrow keys, choose a
// stretch of it, which is then explained beside the lines.
import type { Span, Timeline } from '../../api'
import { type Axis, barsOf, extent, place, spanAt, spanText, ticks } from '../../records/timeline'
import { clockIn, instant } from '../../records/zone'
import { fillOf } from './patterns'

const high = 34

interface TrackProps {
  readonly label: string
  readonly spans: readonly Span[]
  readonly timeline: Timeline
  readonly axis: Axis
  /** Which span is explained; null when none of this line is. */
  readonly chosen: number | null
  readonly choose: (index: number | null) => void
}

export function Track({ label, spans, timeline, axis, chosen, choose }: TrackProps) {
  const first = Math.max(
    0,
    spans.findIndex((s) => s.rule !== 'absent'),
  )
  const at = chosen ?? first
  const span = spans[at]

  function pointed(line: Element, clientX: number): void {
    const box = line.getBoundingClientRect()
    choose(spanAt(spans, axis.start + ((clientX - box.left) / box.width) * (axis.end - axis.start)))
  }

  return (
    <div
      class="track"
      role="slider"
      tabIndex={0}
      aria-label={label}
      aria-valuemin={1}
      aria-valuemax={Math.max(1, spans.length)}
      aria-valuenow={at + 1}
      aria-valuetext={span ? spanText(timeline.timezone, span) : 'nothing'}
      onPointerMove={(e) => pointed(e.currentTarget, e.clientX)}
      onPointerDown={(e) => pointed(e.currentTarget, e.clientX)}
      onFocus={() => choose(at)}
      onKeyDown={(e) => {
        const next = moved(e.key, at, spans.length)
        if (next === undefined) return
        e.preventDefault()
        choose(next)
      }}
    >
      <svg class="track-picture" width="100%" height={high} aria-hidden="true" focusable="false">
        <Ground timeline={timeline} axis={axis} />
        {barsOf(spans, axis).map((bar) => (
          <rect
            key={bar.span.start}
            class={`bar bar-${bar.span.rule}`}
            fill={fillOf(bar.span.rule)}
            x={`${bar.x}%`}
            width={`${bar.width}%`}
            y={bar.span.rule === 'lobby' ? 17 : 6}
            height={bar.span.rule === 'lobby' ? 11 : 22}
          />
        ))}
        {span && chosen !== null && <Chosen span={span} axis={axis} />}
      </svg>
    </div>
  )
}

function moved(key: string, at: number, length: number): number | null | undefined {
  switch (key) {
    case 'ArrowRight':
    case 'ArrowDown':
      return Math.min(length - 1, at + 1)
    case 'ArrowLeft':
    case 'ArrowUp':
      return Math.max(0, at - 1)
    case 'Home':
      return 0
    case 'End':
      return length - 1
    case 'Escape':
      return null
    default:
      return undefined
  }
}

function Chosen({ span, axis }: { span: Span; axis: Axis }) {
  const { x, width } = extent(span, axis)
  return <rect class="chosen" x={`${x}%`} width={`${Math.max(width, 0.8)}%`} y="2" height={high - 4} rx="3" />
}

// Ground is what all lines have in common: the scheduled time and the breaks.
function Ground({ timeline, axis }: { timeline: Timeline; axis: Axis }) {
  const scheduled = extent(timeline.scheduled, axis)
  return (
    <>
      <rect class="scheduled" x={`${scheduled.x}%`} width={`${scheduled.width}%`} y="0" height={high} />
      {timeline.breaks.map((b) => {
        const { x, width } = extent(b, axis)
        return <rect key={b.start} class="pause" x={`${x}%`} width={`${width}%`} y="0" height={high} />
      })}
      <line class="base" x1="0" x2="100%" y1={high / 2} y2={high / 2} />
    </>
  )
}

/** The clock above the lines, in the session's zone. */
export function Clock({ timeline, axis }: { timeline: Timeline; axis: Axis }) {
  return (
    <svg class="clock" width="100%" height="22" aria-hidden="true" focusable="false">
      {ticks(axis, timeline.timezone).map((at) => (
        <g key={at}>
          <line class="tick" x1={`${place(axis, at)}%`} x2={`${place(axis, at)}%`} y1="17" y2="22" />
          <text x={`${place(axis, at)}%`} y="13" text-anchor="middle">
            {clockIn(timeline.timezone, at)}
          </text>
        </g>
      ))}
    </svg>
  )
}

/** When facilitators were there, as one line to compare with. */
export function Facilitated({ timeline, axis }: { timeline: Timeline; axis: Axis }) {
  const words = timeline.facilitated.map(
    (i) => `${clockIn(timeline.timezone, instant(i.start))} to ${clockIn(timeline.timezone, instant(i.end))}`,
  )
  return (
    <svg
      class="track-picture"
      width="100%"
      height="16"
      role="img"
      aria-label={`Facilitators: ${words.join(', ') || 'never'}`}
    >
      <line class="base" x1="0" x2="100%" y1="8" y2="8" />
      {timeline.facilitated.map((i) => {
        const { x, width } = extent(i, axis)
        return <rect key={i.start} class="led" x={`${x}%`} width={`${width}%`} y="4" height="8" rx="2" />
      })}
    </svg>
  )
}
