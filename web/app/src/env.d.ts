/// <reference types="vite/client" />
import type { PeerStats } from './stats'

declare global {
  /** Version in package.json, set by the build. */
  const __APP_VERSION__: string
  interface Window {
    /** For tests: facts about the connection, without names. */
    viopStats?: () => Promise<PeerStats>
  }
}
