// The pages that a scheduling system opens for staff, without a room.
import { useEffect, useMemo } from 'preact/hooks'
import { type Api, createApi } from '../api'
import { allows, subjectOf } from '../bearer'
import { createDesk } from '../records/desk'
import { report } from '../session'
import type { Staff } from '../staff'
import { IntegrationsPage } from './integrations/page'
import { Button } from './parts'
import { CohortPage } from './records/cohort'
import { ReviewPage } from './records/review'

const titles: { readonly [P in Staff['page']]: string } = {
  cohort: 'Weeks',
  review: 'Review',
  integrations: 'Integrations',
}

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
  useEffect(() => {
    document.title = `${titles[staff.page]} · Group session`
  }, [staff])
  switch (staff.page) {
    case 'cohort':
      return (
        <CohortPage
          api={api}
          program={staff.program}
          more={allows(staff.token, 'destinations:read') && <ToIntegrations token={staff.token} />}
        />
      )
    case 'review':
      return <Review api={api} session={staff.session} self={subjectOf(staff.token)} />
    case 'integrations':
      return <IntegrationsPage api={api} />
    default:
      return staff satisfies never
  }
}

function Review({ api, session, self }: { api: Api; session: string; self: string }) {
  const desk = useMemo(() => createDesk(api, session, self), [api, session, self])
  useEffect(() => {
    desk.load().catch(report)
  }, [desk])
  return <ReviewPage desk={desk} title="Review and sign" />
}

// A link with the token in it would stay in the page to be copied.
function ToIntegrations({ token }: { token: string }) {
  return (
    <Button
      icon="change"
      onClick={() => {
        location.hash = new URLSearchParams({ staff: token, page: 'integrations' }).toString()
      }}
    >
      Integrations
    </Button>
  )
}
