// How each rule looks on a timeline: a pattern of its own, so that nothing is
// told by colour alone. Colours are the style sheet's.
import type { ComponentChildren } from 'preact'
import type { Rule } from '../../api'
import { legend, rules } from '../../records/words'

/** The patterns, once on a page; everything drawn refers to them. */
export function Patterns() {
  return (
    <svg class="patterns" width="0" height="0" aria-hidden="true" focusable="false">
      <defs>
        <pattern id="still-to-come" width="6" height="6" patternUnits="userSpaceOnUse">
          <rect class="ground ground-come" width="6" height="6" />
          <path class="come" d="M-1 7 7-1M-2 2 2-2M4 8 8 4" />
        </pattern>
        <Pattern rule="bridged" size={4}>
          <path class="ink-paper" d="M1 0v4" />
        </Pattern>
        <Pattern rule="manual" size={8}>
          <path class="ink-accent" d="M4 1.500v5M1.500 4h5" />
        </Pattern>
        <Pattern rule="lobby" size={5}>
          <circle class="dot" cx="2.5" cy="2.5" r="1" />
        </Pattern>
        <Pattern rule="no_facilitator" size={7}>
          <path class="ink" d="M-1 8 8-1M-4 4 4-4M3 11 11 3" />
        </Pattern>
        <Pattern rule="break" size={5}>
          <path class="ink" d="M0 2.500h5" />
        </Pattern>
        <Pattern rule="outside_window" size={6}>
          <path class="ink-faint" d="M3 0v6" />
        </Pattern>
        <Pattern rule="correction" size={7}>
          <path class="ink" d="M0 0 7 7M7 0 0 7" />
        </Pattern>
        <Pattern rule="overlap" size={8}>
          <path class="dot" d="M0 0h4v4H0zM4 4h4v4H4z" />
        </Pattern>
        <Pattern rule="not_counting" size={6}>
          <path class="ink-faint" d="M0 3h6M3 0v6" />
        </Pattern>
      </defs>
    </svg>
  )
}

function Pattern({ rule, size, children }: { rule: Rule; size: number; children: ComponentChildren }) {
  return (
    <pattern id={`rule-${rule}`} width={size} height={size} patternUnits="userSpaceOnUse">
      <rect class={`ground ground-${rule}`} width={size} height={size} />
      <g class={`over over-${rule}`}>{children}</g>
    </pattern>
  )
}

/** What a bar of a rule is filled with. */
export function fillOf(rule: Rule): string | undefined {
  return rule === 'credited' ? undefined : `url(#rule-${rule})`
}

/** What the patterns mean; only those that are on the page. */
export function Legend({ shown }: { shown: ReadonlySet<Rule> }) {
  return (
    <ul class="legend" aria-label="What the patterns mean">
      {legend
        .filter((rule) => shown.has(rule))
        .map((rule) => (
          <li key={rule}>
            <svg class="swatch" width="26" height="14" aria-hidden="true" focusable="false">
              <rect
                class={`bar bar-${rule}`}
                fill={fillOf(rule)}
                x="0.5"
                y="0.5"
                width="25"
                height="13"
                rx="2"
              />
            </svg>
            {rules[rule].title}
          </li>
        ))}
    </ul>
  )
}
