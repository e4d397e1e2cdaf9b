// Generated from web/api/openapi.yaml by `npm run gen`. Do not edit.

/**
 * Opaque; not `.` or `..`.
 *
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "ID".
 */
export type ID = string;
/**
 * RFC 3339 with an offset, of the years 2000 to 2099, at most three decimals.
 *
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "Time".
 */
export type Time = string;
/**
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "CorrectionOp".
 */
export type CorrectionOp =
  "add" | "remove" | "extend_window" | "declare_break" | "cancel_break" | "reassign" | "set_status";
/**
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "Status".
 */
export type Status =
  | "cancelled_by_program"
  | "attended"
  | "removed"
  | "present_uncredited"
  | "lobby_only"
  | "excused"
  | "scheduled"
  | "no_show";
/**
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "CorrectionReason".
 */
export type CorrectionReason =
  | "phone_participation"
  | "device_failure"
  | "facilitator_connection_loss"
  | "wrong_person"
  | "admit_delay"
  | "break_not_recorded"
  | "payer_rule"
  | "other";
/**
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "Counted".
 */
export type Counted = {
  status: Status;
  credited_ms: number;
} | null;
/**
 * One line of text; controls and characters that turn the text around are refused.
 *
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "Line".
 */
export type Line = string;
/**
 * What became of an instant of a person, the first that applies on the way from connection
 * to credit. `credited`, `bridged` (credited over a short loss) and `manual` (credited by a
 * correction) count. Taken by a rule: `outside_window`, `break`, `no_facilitator`,
 * `correction`, `overlap` (credited in another session), `not_counting` (the session does
 * not count). Not there: `lobby`, `absent`.
 *
 *
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "Rule".
 */
export type Rule =
  | "credited"
  | "bridged"
  | "manual"
  | "outside_window"
  | "break"
  | "no_facilitator"
  | "correction"
  | "overlap"
  | "not_counting"
  | "lobby"
  | "absent";
/**
 * SHA-256.
 *
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "Hash".
 */
export type Hash = string;
/**
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "Sessions".
 */
export type Sessions = ID[];
/**
 * Sessions that would be otherwise. `evidence`: somebody has been there; `begun`: its time has
 * come; `edited`, `deleted`: somebody did so singly; `foreign`: the id is another session's.
 *
 *
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "Left".
 */
export type Left = {
  session: ID;
  why: "evidence" | "begun" | "edited" | "deleted" | "foreign";
}[];
/**
 * What a change of the clocks did to a session.
 *
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "Remarks".
 */
export type Remarks = {
  session: ID;
  code: "moved_forward" | "shown_twice" | "no_time" | "no_break";
  detail: string;
}[];
/**
 * Records that say something else, by session and person. Null where there is no such record.
 *
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "Moved".
 */
export type Moved = {
  session: ID;
  person: ID;
  before: Counted;
  after: Counted;
}[];
/**
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "Service".
 */
export type Service =
  | "individual"
  | "family"
  | "medication"
  | "case_management"
  | "assessment"
  | "group"
  | "psychoeducation"
  | "peer_support"
  | "mutual_aid"
  | "aftercare";
/**
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "RecordState".
 */
export type RecordState = "open" | "unsigned" | "signed" | "amended";
/**
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "Milliseconds".
 */
export type Milliseconds = number;
/**
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "Verdict".
 */
export type Verdict = "no_minimum" | "partial_week" | "met" | "not_met" | "cannot_meet" | "at_risk" | "on_track";

export interface Api {
  [k: string]: unknown;
}
/**
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "Correction".
 */
export interface Correction {
  id: ID;
  session: ID;
  at: Time;
  by: ID;
  op: CorrectionOp;
  person?: ID;
  start?: Time;
  end?: Time;
  room?: string;
  connection?: ID;
  status?: Status;
  reason: CorrectionReason;
  note?: string;
  supersedes?: ID;
}
/**
 * An op has no fields but its own: `add`, `remove`: `person`, `start`, `end` (and `room`, of
 * a facilitator). `extend_window`, `declare_break`, `cancel_break`: `start`, `end`.
 * `reassign`: `connection`, `person`. `set_status`: `person`, `status`.
 *
 *
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "CorrectionOrder".
 */
export interface CorrectionOrder {
  id?: ID;
  op: CorrectionOp;
  person?: ID;
  start?: Time;
  end?: Time;
  /**
   * Left out, it is `main`.
   */
  room?: string;
  connection?: ID;
  status?: Status;
  reason: CorrectionReason;
  /**
   * Required when the reason is `other`. It is kept with the record for good: no names, nothing clinical.
   */
  note?: string;
  supersedes?: ID;
}
/**
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "Corrections".
 */
export interface Corrections {
  corrections: Correction[];
}
/**
 * The last attempt, and what it was about.
 *
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "DeadLetter".
 */
export interface DeadLetter {
  /**
   * The session, or `person/week` of a week.
   */
  lane: string;
  at: Time;
  seq: number;
  type: string;
  try: number;
  result: "refused" | "unreached" | "withheld";
  status?: number;
  took: string;
  problem?: string;
}
/**
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "DeadLetters".
 */
export interface DeadLetters {
  dead_letters: DeadLetter[];
  next?: number;
}
/**
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "Deliveries".
 */
export interface Deliveries {
  deliveries: DeliveryAttempt[];
}
/**
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "DeliveryAttempt".
 */
export interface DeliveryAttempt {
  at: Time;
  /**
   * Number of the change in the feed; 0 is a test.
   */
  seq: number;
  /**
   * That of the item.
   */
  type: string;
  try: number;
  /**
   * `refused`: the answer said no. `unreached`: there was no answer, or none that makes sense.
   * `withheld`: nothing was sent, because it may not leave or cannot be written.
   *
   */
  result: "delivered" | "refused" | "unreached" | "withheld";
  /**
   * HTTP status of the answer.
   */
  status?: number;
  took: "<100ms" | "<1s" | "<5s" | ">=5s";
  /**
   * A sentence for staff.
   */
  problem?: string;
}
/**
 * Somebody outside who may be told about attendance. `url`, `types`, `allow_private` and
 * `start` are of destinations that things are brought to (`webhook`, `fhir`).
 *
 *
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "Destination".
 */
export interface Destination {
  id?: ID;
  /**
   * `pull`: it fetches, or somebody downloads for it. `webhook`: thin messages of Standard
   * Webhooks are sent to `url`. `fhir`: R4 resources are written to the server at `url`.
   * Whatever the kind, it may fetch, too.
   *
   */
  kind: "pull" | "webhook" | "fhir";
  title?: Line;
  /**
   * Why it may be told (42 CFR part 2). Empty or left out, nothing leaves.
   */
  basis?: "" | "internal" | "qsoa" | "consent_tpo" | "consent_specific" | "emergency" | "court";
  /**
   * Whether people's names may go there, besides their ids.
   */
  names?: boolean;
  /**
   * Subjects of tokens that may fetch as this destination; the one that is called like it always may.
   *
   * @maxItems 32
   */
  subjects?: ID[] | null;
  enabled?: boolean;
  /**
   * https, or http when private addresses are allowed.
   */
  url?: string;
  /**
   * Whether the URL may lead to a private or local address.
   */
  allow_private?: boolean;
  /**
   * Types of items that are brought; none means all.
   *
   * @maxItems 32
   */
  types?: string[] | null;
  /**
   * Whether a new destination gets only what is told from now on, or everything there ever was.
   */
  start?: "end" | "beginning";
  /**
   * How a webhook is signed: `v1` or `v1a` of Standard Webhooks; left out, `hmac`.
   */
  signature?: "hmac" | "ed25519";
  /**
   * Client credentials for a FHIR server; none when it needs no token.
   */
  oauth?: {
    token_url: string;
    client_id: string;
    /**
     * Only ever written. Left out, the one that is stored stays.
     */
    client_secret?: string;
    scope?: string;
  } | null;
  /**
   * URI under which our identifiers and codes are known to a FHIR server, without a slash at its end; left out, `urn:viop`.
   */
  system?: string;
  /**
   * System of the identifier by which a FHIR server knows people; left out, our ids.
   */
  patient_system?: string;
}
/**
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "DestinationKey".
 */
export interface DestinationKey {
  kind: "hmac" | "ed25519";
  /**
   * The first eight digits of the SHA-256 of the secret or public key as text.
   */
  fingerprint: string;
  /**
   * Of Ed25519: `whpk_…`, for the receiver.
   */
  public_key?: string;
  made: Time;
  until?: Time;
}
/**
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "DestinationStatus".
 */
export interface DestinationStatus {
  /**
   * Why nothing is brought or fetched; empty when nothing is in the way.
   */
  stopped: ("no_basis" | "disabled" | "no_key")[];
  /**
   * Changes until it is up to date; some may be of no interest to it.
   */
  backlog: number;
  /**
   * Those of the backlog that are known to be sent.
   */
  queued: number;
  oldest?: Time;
  held_until?: Time;
  dead_letters: number;
  last_delivered?: DeliveryAttempt;
  last_failed?: DeliveryAttempt;
  last_disclosed?: Time;
  /**
   * That sign a webhook now, the newest first.
   *
   * @maxItems 2
   */
  keys: DestinationKey[];
  has_client_secret: boolean;
}
/**
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "Destinations".
 */
export interface Destinations {
  destinations: {
    destination: Destination;
    status: DestinationStatus;
  }[];
}
/**
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "Disclosure".
 */
export interface Disclosure {
  seq: number;
  at: Time;
  destination: ID;
  basis: "internal" | "qsoa" | "consent_tpo" | "consent_specific" | "emergency" | "court";
  /**
   * Version of the notice that went along.
   */
  notice: string;
  format: "feed" | "weeks" | "csv" | "fhir" | "webhook" | "fhir_push";
  /**
   * Subject of whoever fetched it; not there when it was brought.
   */
  by?: string;
  /**
   * The name went along.
   */
  names?: boolean;
  /**
   * How many of this person.
   */
  records: number;
  /**
   * Ids of records or weeks, when they are few.
   */
  items?: string[];
  /**
   * The span, otherwise: dates or cursors.
   */
  from?: string;
  to?: string;
}
/**
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "Disclosures".
 */
export interface Disclosures {
  disclosures: Disclosure[];
  next?: number;
}
/**
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "Explanation".
 */
export interface Explanation {
  session: ID;
  person: ID;
  name?: Line;
  at: Time;
  as_of: Time;
  credited: boolean;
  span: Span;
  /**
   * The same in words: the sentences of `steps`.
   */
  text: string;
  /**
   * The rules that the instant went through, in their order.
   */
  steps: {
    /**
     * The set of the contract (SPEC §4): C, R, F, W, B, A, K.
     */
    set: string;
    /**
     * In favour of credit.
     */
    holds: boolean;
    text: string;
  }[];
  /**
   * The facts behind it, in order.
   */
  evidence: {
    epoch: number;
    seq: number;
    at: Time;
    type: string;
    person?: ID;
    connection?: string;
    room?: string;
    reason?: string;
  }[];
  /**
   * Ids of the corrections behind it.
   */
  corrections: ID[];
  provenance: Provenance;
}
/**
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "Span".
 */
export interface Span {
  start: Time;
  end: Time;
  rule: Rule;
  taken?: Rule;
  elsewhere?: ID;
  /**
   * Where the person was.
   */
  rooms?: string[];
  connected?: boolean;
  /**
   * In the lobby, maybe while a short loss is bridged.
   */
  waiting?: boolean;
}
/**
 * What computed this. It is no part of the records and of no hash.
 *
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "Provenance".
 */
export interface Provenance {
  /**
   * The version of this server.
   */
  evaluator: string;
  /**
   * The release of the IANA time zone database by which days and weeks are told apart, such as 2026a.
   */
  tzdata: string;
}
/**
 * It never repeats what was written in the file; ids are opaque.
 *
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "ImportReport".
 */
export interface ImportReport {
  format: "csv" | "ics" | "fhir";
  dry_run?: boolean;
  /**
   * By line: at most 100 that are refused, and 100 notes.
   */
  lines: {
    /**
     * From 1; 0 is all of the file, or a place without lines.
     */
    line: number;
    /**
     * The column, the property, or a JSON pointer.
     */
    column?: string;
    kind: "refused" | "note";
    detail: string;
  }[];
  /**
   * How many more lines there are than are listed.
   */
  unlisted?: number;
  refused: number;
  /**
   * Those that change.
   */
  documents: {
    line: number;
    kind: "session" | "cohort" | "authorization" | "excuse";
    id: ID;
    what: "created" | "changed" | "moved" | "cancelled" | "deleted";
    fields?: string[];
    /**
     * Somebody has been in the session: its minutes are counted anew.
     */
    evidence?: boolean;
  }[];
  /**
   * What becomes of the series of cohorts that change.
   */
  series?: SeriesReport[];
  moved?: Moved;
  count: {
    created: number;
    changed: number;
    moved: number;
    cancelled: number;
    deleted: number;
    unchanged: number;
  };
}
/**
 * What became of the sessions of a series.
 *
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "SeriesReport".
 */
export interface SeriesReport {
  series: ID;
  made?: Sessions;
  changed?: Sessions;
  removed?: Sessions;
  left?: Left;
  remarks?: Remarks;
}
/**
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "Interval".
 */
export interface Interval {
  start: Time;
  end: Time;
}
/**
 * A record without its state, which is no part of what is signed.
 *
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "KeptRecord".
 */
export interface KeptRecord {
  session: ID;
  person: ID;
  service: Service;
  /**
   * Of the scheduled start, in the program's zone.
   */
  date: string;
  status: Status;
  state?: RecordState;
  version: number;
  hash?: Hash;
  labels: ("bridged" | "late" | "left_early" | "manual")[];
  connected_ms: Milliseconds;
  lobby_ms: Milliseconds;
  bridged_ms: Milliseconds;
  lost_outside_window_ms: Milliseconds;
  lost_break_ms: Milliseconds;
  lost_no_facilitator_ms: Milliseconds;
  lost_correction_ms: Milliseconds;
  lost_overlap_ms: Milliseconds;
  manual_ms: Milliseconds;
  attended_ms: Milliseconds;
  credited_ms: Milliseconds;
  /**
   * The credited time itself, merged and sorted.
   */
  credited: {
    start: Time;
    end: Time;
  }[];
  units: {
    minute_floor: number;
    q15_floor: number;
    q15_cms8: number;
    q15_ceil: number;
  };
}
/**
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "Named".
 */
export interface Named {
  person: ID;
  name?: Line;
}
/**
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "NewDestinationKey".
 */
export interface NewDestinationKey {
  key: DestinationKey;
  /**
   * Of HMAC: `whsec_…`, for the receiver. It cannot be read again.
   */
  secret?: string;
}
/**
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "Problem".
 */
export interface Problem {
  /**
   * Stable: programs act on this.
   */
  type: string;
  title: string;
  status: number;
  detail?: string;
  /**
   * Names this answer; the log has the same id.
   */
  instance?: string;
  /**
   * At most 20.
   */
  errors?: {
    /**
     * JSON pointer (RFC 6901) into the request's body; empty for all of it.
     */
    pointer: string;
    detail: string;
  }[];
  report?: ImportReport;
  /**
   * With `not_current`: what could be signed now.
   */
  current?: {
    version: number;
    hash: Hash;
    head: Hash;
  };
}
/**
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "ProgramWeeks".
 */
export interface ProgramWeeks {
  program: ID;
  /**
   * Its first day.
   */
  week: string;
  as_of: Time;
  timezone: string;
  /**
   * Those of the people who have one: who was expected or came.
   */
  weeks: Week[];
  provenance: Provenance;
}
/**
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "Week".
 */
export interface Week {
  person: ID;
  name?: Line;
  /**
   * Its first day.
   */
  week: string;
  start: Time;
  end: Time;
  profile: string;
  /**
   * Those with credit.
   */
  days: {
    date: string;
    credited_ms: Milliseconds;
    qualifies: boolean;
  }[];
  credited_ms: Milliseconds;
  scheduled_ms: Milliseconds;
  measured_ms: Milliseconds;
  qualifying_days: number;
  /**
   * null without a minimum. Shown to people it is rounded up.
   */
  need_ms: number | null;
  days_need: number;
  remaining_ms: Milliseconds;
  possible_days: number;
  slack_ms: number | null;
  verdict: Verdict;
  over_max: boolean;
  engaged: boolean | null;
  /**
   * The week's minimum by the profile.
   */
  min_ms: number | null;
  max_ms: number | null;
  /**
   * Sessions of the week that count and are not over.
   */
  sessions_left: number;
}
/**
 * For a session that counts: `connected_ms + bridged_ms + manual_ms` is `credited_ms` and all
 * `lost_…` together, so every minute is accounted for.
 *
 *
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "Record".
 */
export interface Record {
  session: ID;
  person: ID;
  service: Service;
  /**
   * Of the scheduled start, in the program's zone.
   */
  date: string;
  status: Status;
  state: RecordState;
  version: number;
  hash?: Hash;
  labels: ("bridged" | "late" | "left_early" | "manual")[];
  connected_ms: Milliseconds;
  lobby_ms: Milliseconds;
  bridged_ms: Milliseconds;
  lost_outside_window_ms: Milliseconds;
  lost_break_ms: Milliseconds;
  lost_no_facilitator_ms: Milliseconds;
  lost_correction_ms: Milliseconds;
  lost_overlap_ms: Milliseconds;
  manual_ms: Milliseconds;
  attended_ms: Milliseconds;
  credited_ms: Milliseconds;
  /**
   * The credited time itself, merged and sorted.
   */
  credited: {
    start: Time;
    end: Time;
  }[];
  units: {
    minute_floor: number;
    q15_floor: number;
    q15_cms8: number;
    q15_ceil: number;
  };
}
/**
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "Redriven".
 */
export interface Redriven {
  /**
   * Dead letters that went back.
   */
  redriven: number;
}
/**
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "Sheet".
 */
export interface Sheet {
  format: "viop.attendance.records/1";
  as_of: Time;
  timezone: string;
  /**
   * Must stay with the records.
   */
  notice: string;
  session: {
    session: ID;
    flags: ("group_over_max" | "group_under_min" | "no_facilitator")[];
    patients_max: number;
    first_evidence: string | null;
    last_evidence: string | null;
  };
  records: Record[];
  head: Hash;
  /**
   * The records by their version, which is what a signature signs. Usually there is one;
   * after a correction of one signed record there are two.
   *
   */
  versions: SheetVersion[];
  /**
   * Records that are signed, in other words than those that were signed: evidence came
   * late, or the program's rules were changed. They have to be signed again.
   *
   */
  stale: {
    person: ID;
    version: number;
    by: ID;
    at: Time;
    /**
     * The hash it was given for; empty when there was no such record.
     */
    signed: string;
    /**
     * The hash now; empty when there is no such record any more.
     */
    hash: string;
  }[];
  /**
   * People are in the room: nothing can be signed yet.
   */
  occupied: boolean;
  /**
   * Everybody who has a record.
   */
  people: Named[];
  /**
   * The facilitators who were expected or came, and whoever corrected or signed: for the printed sheet.
   */
  facilitators?: Named[];
  provenance: Provenance;
}
/**
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "SheetVersion".
 */
export interface SheetVersion {
  version: number;
  hash: Hash;
  state: RecordState;
  people: ID[];
}
/**
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "Signature".
 */
export interface Signature {
  session: ID;
  version: number;
  by: ID;
  at: Time;
  hash: Hash;
  head: Hash;
}
/**
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "SignatureOrder".
 */
export interface SignatureOrder {
  version: number;
  hash: Hash;
  head: Hash;
}
/**
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "Signatures".
 */
export interface Signatures {
  signatures: Signature[];
}
/**
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "Timeline".
 */
export interface Timeline {
  session: ID;
  as_of: Time;
  timezone: string;
  scheduled: Interval;
  start: Time;
  end: Time;
  /**
   * What may be credited.
   */
  window: Interval[];
  breaks: Interval[];
  /**
   * When a facilitator was in any room.
   */
  facilitated: Interval[];
  people: {
    person: ID;
    name?: Line;
    credited_ms: Milliseconds;
    spans: Span[];
  }[];
  provenance: Provenance;
}
/**
 * This interface was referenced by `Api`'s JSON-Schema
 * via the `definition` "Versions".
 */
export interface Versions {
  session: ID;
  person: ID;
  versions: {
    /**
     * Several may have the same: before it was signed, the record followed the evidence.
     */
    version: number;
    hash: Hash;
    as_of: Time;
    head: Hash;
    record: KeptRecord;
    /**
     * Those that signed this very record.
     */
    signatures: Signature[];
  }[];
}
