// Which file a download is, and how its bytes get from the page to the disk.
import type { Range } from './range'

export type Format = 'csv' | 'csv_raw' | 'fhir'

export const formats: { readonly [F in Format]: { readonly title: string; readonly text: string } } = {
  csv: {
    title: 'Tables for a spreadsheet',
    text: 'CSV in a ZIP. Text that a spreadsheet would run as a formula begins with an apostrophe, so that opening the file can do no harm.',
  },
  csv_raw: {
    title: 'Tables for a program',
    text: 'The same without the apostrophes, exactly as it is stored. Do not open these in a spreadsheet.',
  },
  fhir: {
    title: 'FHIR Bundle',
    text: 'R4 resources for a health record: encounters, weeks, and who signed.',
  },
}

export interface FileOrder extends Range {
  readonly destination: string
  readonly format: Format
}

/** Where a file is. The address says dates and an opaque id, and no token. */
export function pathOf({ from, to, destination, format }: FileOrder): string {
  const query = new URLSearchParams({ from, to, destination, ...(format === 'csv_raw' && { raw: '1' }) })
  return `${format === 'fhir' ? '/v1/fhir/Bundle' : '/v1/attendance.zip'}?${query}`
}

/** What a file is called when the server does not say. */
export function nameOf({ from, to, format }: FileOrder): string {
  return format === 'fhir' ? `attendance_${from}_${to}.json` : `attendance_${from}_${to}.zip`
}

/** Gives a file to the browser's downloads. */
export function save(body: Blob, name: string): void {
  const url = URL.createObjectURL(body)
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  // The download has its own hold on the bytes from here on.
  setTimeout(() => URL.revokeObjectURL(url))
}
