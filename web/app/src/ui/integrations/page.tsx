// Who is told about attendance and how that goes, files to fetch and to bring,
// and what has left about a person.
import { useState } from 'preact/hooks'
import type { DeliveryApi, ImportApi } from '../../api'
import '../../styles/integrations.css'
import { Icon, type IconName } from '../icons'
import { Page } from '../parts'
import { Destinations } from './destinations'
import { Disclosures } from './disclosures'
import { Download } from './download'
import { Import } from './import'

type Part = 'destinations' | 'download' | 'import' | 'disclosures'

const parts: { readonly [P in Part]: { readonly title: string; readonly icon: IconName } } = {
  destinations: { title: 'Destinations', icon: 'change' },
  download: { title: 'Download', icon: 'down' },
  import: { title: 'Import', icon: 'up' },
  disclosures: { title: 'Disclosures', icon: 'lock' },
}
const order: readonly Part[] = ['destinations', 'download', 'import', 'disclosures']

export function IntegrationsPage({ api }: { api: DeliveryApi & ImportApi }) {
  const [part, setPart] = useState<Part>('destinations')
  return (
    <Page title="Integrations" wide>
      <nav class="sections" aria-label="Parts of this page">
        {order.map((p) => (
          <button
            key={p}
            type="button"
            class="section-link"
            aria-current={p === part ? 'page' : undefined}
            onClick={() => setPart(p)}
          >
            <Icon name={parts[p].icon} />
            {parts[p].title}
          </button>
        ))}
      </nav>
      <div class="integrations">
        {part === 'destinations' && <Destinations api={api} />}
        {part === 'download' && <Download api={api} />}
        {part === 'import' && <Import api={api} />}
        {part === 'disclosures' && <Disclosures api={api} />}
      </div>
    </Page>
  )
}
