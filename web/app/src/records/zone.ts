// Instants and what a clock on the program's wall shows. The zone is that of
// the records, not that of the browser: whoever signs elsewhere sees the same.

export const second = 1000
export const minute = 60 * second
export const day = 24 * 60 * minute

export function instant(time: string): number {
  return Date.parse(time)
}

function format(zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat(undefined, { timeZone: zone, ...options })
}

/** "6:02 PM". */
export function clockIn(zone: string, at: number): string {
  return format(zone, { hour: 'numeric', minute: '2-digit' }).format(at)
}

/** "6:02:41 PM", or "6:02 PM" on a whole minute. */
export function exactIn(zone: string, at: number): string {
  const whole = Math.floor(at / second) * second
  if (whole % minute === 0) return clockIn(zone, whole)
  return format(zone, { hour: 'numeric', minute: '2-digit', second: '2-digit' }).format(whole)
}

/** "Wed, Nov 18, 2026". */
export function dateIn(zone: string, at: number): string {
  return format(zone, { weekday: 'short', year: 'numeric', month: 'short', day: 'numeric' }).format(at)
}

/** "Sunday", the day on which an instant lies. */
export function weekdayIn(zone: string, at: number): string {
  return format(zone, { weekday: 'long' }).format(at)
}

/** "CST": tells the two hours apart when clocks go back. */
export function zoneName(zone: string, at: number): string {
  const parts = format(zone, { timeZoneName: 'short' }).formatToParts(at)
  return parts.find((p) => p.type === 'timeZoneName')?.value ?? zone
}

/** For a time field: "18:02:41", by the zone's clock. */
export function fieldTime(zone: string, at: number): string {
  return wallOf(zone, at).slice(11)
}

// wallOf is "2026-11-18T18:02:41" of the zone's calendar and clock.
function wallOf(zone: string, at: number): string {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    ...{ year: 'numeric', month: '2-digit', day: '2-digit' },
    ...{ hour: '2-digit', minute: '2-digit', second: '2-digit' },
  }).formatToParts(at)
  const part = (type: string) => parts.find((p) => p.type === type)?.value ?? ''
  return `${part('year')}-${part('month')}-${part('day')}T${part('hour')}:${part('minute')}:${part('second')}`
}

/**
 * The instants in [from, to] at which the zone's clock shows a time of day
 * ("18:02" or "18:02:41"): none in the hour that is left out in spring, two in
 * the hour that is repeated in autumn.
 */
export function instantsAt(zone: string, time: string, from: number, to: number): number[] {
  const match = /^(\d\d):(\d\d)(?::(\d\d))?$/.exec(time)
  if (!match) return []
  const wanted = `${match[1]}:${match[2]}:${match[3] ?? '00'}`
  const found = new Set<number>()
  // Offsets are whole quarters of an hour; each day's noon and those around it know them all.
  for (let noon = from - day; noon <= to + day; noon += day / 4) {
    const wall = wallOf(zone, noon)
    const guess =
      Date.parse(`${wall.slice(0, 10)}T${wanted}Z`) -
      (Date.parse(`${wall}Z`) - Math.floor(noon / second) * second)
    if (guess >= from && guess <= to && fieldTime(zone, guess) === wanted) found.add(guess)
  }
  return [...found].sort((a, b) => a - b)
}

/** The date `days` after "2026-11-16"; dates have no zone. */
export function dateAfter(date: string, days: number): string {
  return new Date(Date.parse(`${date}T12:00:00Z`) + days * day).toISOString().slice(0, 10)
}

/** "Nov 16 to Nov 22, 2026" for the week that begins at a date. */
export function weekSpan(first: string): string {
  const of = (date: string, options: Intl.DateTimeFormatOptions) =>
    format('UTC', { month: 'short', day: 'numeric', ...options }).format(Date.parse(`${date}T12:00:00Z`))
  return `${of(first, {})} to ${of(dateAfter(first, 6), { year: 'numeric' })}`
}
