// The pages that a scheduling system opens for staff, without a room.
import { useEffect, useMemo } from 'preact/hooks'
import { createApi } from '../../api'
import { subjectOf } from '../../bearer'
import { createDesk } from '../../records/desk'
import { report } from '../../session'
import type { Staff } from '../../staff'
import { CohortPage } from './cohort'
import { ReviewPage } from './review'

export function StaffApp({ staff }: { staff: Staff }) {
  const api = useMemo(
    () =>
      createApi({
        bearer: async (renew) => (renew ? null : staff.token),
        fetch: (path, init) => fetch(path, init),
        signal: new AbortController().signal,
      }),
    [staff],
  )
  const desk = useMemo(
    () => staff.page === 'review' && createDesk(api, staff.session, subjectOf(staff.token)),
    [staff, api],
  )
  useEffect(() => {
    document.title = `${staff.page === 'cohort' ? 'Weeks' : 'Review'} · Group session`
  }, [staff])
  useEffect(() => {
    if (desk) desk.load().catch(report)
  }, [desk])
  if (desk) return <ReviewPage desk={desk} title="Review and sign" />
  return staff.page === 'cohort' ? <CohortPage api={api} program={staff.program} /> : null
}
