// What was signed beside what the record says now.
import type { KeptRecord, Record, Versions } from '../api'
import { hours, labelText, statusText } from '../words'
import { length } from './words'
import { exactIn, instant } from './zone'

export interface Line {
  readonly what: string
  readonly signed: string
  readonly now: string
  readonly changed: boolean
}

/** The last signed reading that says something else than the record now, if there is one. */
export function lastSigned(versions: Versions, now: Record): Versions['versions'][number] | undefined {
  return versions.versions.findLast((v) => v.hash !== now.hash && v.signatures.length > 0)
}

/** Line by line; lines that say "nothing" on both sides are left out. */
export function comparison(signed: KeptRecord, now: KeptRecord, zone: string): Line[] {
  const line = (what: string, of: (r: KeptRecord) => string) => ({
    what,
    signed: of(signed),
    now: of(now),
    changed: of(signed) !== of(now),
  })
  const time = (what: string, of: (r: KeptRecord) => number) =>
    line(what, (r) => (of(r) === 0 ? '–' : length(of(r))))
  return [
    line('Credited', (r) => hours(r.credited_ms)),
    line('Credited times', (r) => intervals(r, zone)),
    line('Status', (r) => [statusText(r.status), ...r.labels.map(labelText)].join(', ')),
    time('Connected', (r) => r.connected_ms),
    time('Short losses bridged', (r) => r.bridged_ms),
    time('Added by correction', (r) => r.manual_ms),
    time('Outside the session', (r) => r.lost_outside_window_ms),
    time('In a break', (r) => r.lost_break_ms),
    time('Without a facilitator', (r) => r.lost_no_facilitator_ms),
    time('Taken out by correction', (r) => r.lost_correction_ms),
    time('Counted in another session', (r) => r.lost_overlap_ms),
  ].filter((l) => l.changed || l.signed !== '–')
}

function intervals(record: KeptRecord, zone: string): string {
  if (record.credited.length === 0) return '–'
  return record.credited
    .map((i) => `${exactIn(zone, instant(i.start))} to ${exactIn(zone, instant(i.end))}`)
    .join('; ')
}
