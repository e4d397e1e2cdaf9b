// The review at the end of a group, with the access that the room lends. Only
// a facilitator's browser ever fetches this code.
import type { VNode } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import { type ApiOptions, createApi } from '../../api'
import { createDesk } from '../../records/desk'
import { report } from '../../session'
import { ReviewPage } from './review'

export function Closing({
  access,
  session,
  self,
  final,
  otherwise,
}: {
  access: ApiOptions
  session: string
  self: string
  /** Whether the evidence has settled. */
  final: boolean
  /** What is shown where the records cannot be had. */
  otherwise: VNode
}) {
  const desk = useMemo(() => createDesk(createApi(access), session, self), [access, session, self])
  // Evidence settles some seconds after the end; then the records are read again.
  useEffect(() => {
    desk.load().catch(report)
  }, [desk, final])
  const { papers, trouble } = desk.state.value
  return trouble && !papers ? otherwise : <ReviewPage desk={desk} title="The group has ended" />
}
