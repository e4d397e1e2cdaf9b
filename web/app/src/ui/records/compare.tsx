// A record that changed after it was signed, beside what was signed.
import type { Record, Versions } from '../../api'
import { comparison } from '../../records/compare'
import { clockIn, dateIn, instant } from '../../records/zone'

export function Compared({
  name,
  signed,
  now,
  zone,
}: {
  name: string
  signed: Versions['versions'][number]
  now: Record
  zone: string
}) {
  const signature = signed.signatures.at(-1)
  const heads = ['', `Version ${signed.version}, as signed`, `Version ${now.version}, as it is now`]
  return (
    <section class="card compared">
      <h2>
        {name}:{' '}
        {signed.version === now.version
          ? 'as signed and now'
          : `version ${signed.version} and version ${now.version}`}
      </h2>
      <table role="table">
        <caption class="sr">What was signed of {name}, and what the record says now</caption>
        <thead role="rowgroup">
          <tr role="row">
            <td role="cell" />
            {heads.slice(1).map((h) => (
              <th key={h} scope="col" role="columnheader">
                {h}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {comparison(signed.record, now, zone).map((line) => (
            <tr key={line.what} role="row" class={line.changed ? 'changed' : undefined}>
              <th scope="row" role="rowheader">
                {line.what}
                {line.changed && <span class="changed-word">changed</span>}
              </th>
              <td role="cell" data-head={heads[1]}>
                {line.signed}
              </td>
              <td role="cell" data-head={heads[2]}>
                {line.now}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {signature && (
        <p class="hint">
          Version {signed.version} was signed on {dateIn(zone, instant(signature.at))} at{' '}
          {clockIn(zone, instant(signature.at))} and stays readable.
        </p>
      )}
    </section>
  )
}
