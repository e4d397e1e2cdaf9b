// Facts about the running connection for tests and for support, without
// names: what each receive section carries is told by its number.

export interface SectionStats {
  readonly kind: 'audio' | 'video'
  readonly index: number
  readonly packets: number
  readonly framesDecoded: number
  readonly width: number
  readonly height: number
  readonly freezes: number
  /** Total audio energy since the start, W3C webrtc-stats. */
  readonly energy: number
}

export interface SentStats {
  readonly source: 'mic' | 'camera' | 'screen' | 'screen_audio'
  readonly kind: 'audio' | 'video'
  readonly rid: string
  readonly packets: number
  readonly height: number
}

export interface PeerStats {
  readonly state: string
  /** Offers made by this page so far; joins and leaves of others add none. */
  readonly offers: number
  readonly pair: { readonly protocol: string; readonly local: string; readonly remote: string } | null
  readonly srtp: string
  /** In the order of the sections: microphone, camera by layer, screen, screen sound. */
  readonly sent: readonly SentStats[]
  readonly received: readonly SectionStats[]
}

type Entry = { readonly [key: string]: unknown }

const number = (entry: Entry, key: string): number => (typeof entry[key] === 'number' ? entry[key] : 0)
const string = (entry: Entry, key: string): string => (typeof entry[key] === 'string' ? entry[key] : '')

export async function readStats(pc: RTCPeerConnection | null, offers: number): Promise<PeerStats> {
  if (!pc) return { state: 'none', offers, pair: null, srtp: '', sent: [], received: [] }
  const entries = new Map<string, Entry>()
  // The report is a map in every browser, but not in every type library.
  ;(await pc.getStats()).forEach((entry: Entry, id: string) => {
    entries.set(id, entry)
  })
  const all = [...entries.values()]
  const transport = all.find((e) => e.type === 'transport')
  return {
    state: pc.connectionState,
    offers,
    pair: selectedPair(all, entries, transport),
    srtp: transport ? string(transport, 'srtpCipher') : '',
    sent: sent(pc, all),
    received: received(pc, all),
  }
}

function selectedPair(
  all: Entry[],
  entries: Map<string, Entry>,
  transport: Entry | undefined,
): PeerStats['pair'] {
  // Firefox has no selectedCandidatePairId and marks the pair instead.
  const id = transport ? string(transport, 'selectedCandidatePairId') : ''
  const pair =
    entries.get(id) ??
    all.find(
      (e) =>
        e.type === 'candidate-pair' &&
        (e.selected === true || (e.nominated === true && e.state === 'succeeded')),
    )
  const local = entries.get(pair ? string(pair, 'localCandidateId') : '')
  const remote = entries.get(pair ? string(pair, 'remoteCandidateId') : '')
  if (!local || !remote) return null
  return {
    protocol: string(local, 'protocol'),
    local: string(local, 'candidateType'),
    remote: string(remote, 'candidateType'),
  }
}

// A report has no order of its own, so the sections give theirs (media.ts).
function sent(pc: RTCPeerConnection, all: Entry[]): SentStats[] {
  const sources = ['mic', 'camera', 'screen', 'screen_audio'] as const
  return sources.flatMap((source, i) => {
    const mid = pc.getTransceivers()[i]?.mid
    return all
      .filter((e) => e.type === 'outbound-rtp' && e.mid === mid)
      .map((e) => ({
        source,
        kind: string(e, 'kind') === 'audio' ? ('audio' as const) : ('video' as const),
        rid: string(e, 'rid'),
        packets: number(e, 'packetsSent'),
        height: number(e, 'frameHeight'),
      }))
  })
}

function received(pc: RTCPeerConnection, all: Entry[]): SectionStats[] {
  const counts = { audio: 0, video: 0 }
  return pc
    .getTransceivers()
    .filter((t) => t.direction === 'recvonly')
    .map(({ mid, receiver }) => {
      const kind = receiver.track.kind === 'audio' ? 'audio' : 'video'
      const entry =
        all.find(
          (e) => e.type === 'inbound-rtp' && (e.mid === mid || e.trackIdentifier === receiver.track.id),
        ) ?? {}
      return {
        kind,
        index: counts[kind]++,
        packets: number(entry, 'packetsReceived'),
        framesDecoded: number(entry, 'framesDecoded'),
        width: number(entry, 'frameWidth'),
        height: number(entry, 'frameHeight'),
        freezes: number(entry, 'freezeCount'),
        energy: number(entry, 'totalAudioEnergy'),
      }
    })
}
