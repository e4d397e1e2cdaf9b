// Generated from signaling/wire/schema/viop.v1.json by `npm run gen`. Do not edit.

/**
 * Every message of the viop.v1 WebSocket subprotocol. Source of truth: the Go structs are tested against it and the TypeScript types are generated from it. Unknown fields are ignored; an unknown type gets an error reply.
 */
export type ViopV1 = ClientFrame | ServerFrame;
export type ClientFrame =
  | ClientHelloFrame
  | ClientCheckInFrame
  | ClientOfferFrame
  | ClientCandidateFrame
  | ClientPublishFrame
  | ClientWantFrame
  | ClientHandFrame
  | ClientHelpFrame
  | ClientModerateFrame
  | ClientMinutesFrame
  | ClientApiTokenFrame
  | ClientLeaveFrame;
export type Source = "mic" | "camera" | "screen" | "screen_audio";
/**
 * How the others in a room know a person; says nothing about who it is.
 */
export type Handle = string;
export type Action =
  | "admit"
  | "admit_all"
  | "deny"
  | "send_back"
  | "mute"
  | "mute_all"
  | "allow_unmute"
  | "stop_camera"
  | "remove"
  | "readmit"
  | "lock"
  | "unlock"
  | "lower_hand"
  | "answer_help"
  | "move"
  | "break_start"
  | "break_end"
  | "end";
export type ServerFrame =
  | ServerWelcomeFrame
  | ServerResumedFrame
  | ServerSnapshotFrame
  | ServerRoomFrame
  | ServerPersonFrame
  | ServerAttachMediaFrame
  | ServerAnswerFrame
  | ServerSignalFailedFrame
  | ServerIceRestartFrame
  | ServerSlotsFrame
  | ServerLayersFrame
  | ServerSpeakersFrame
  | ServerModeratedFrame
  | ServerMinutesReportFrame
  | ServerApiTokenFrame
  | ServerResultFrame
  | ServerErrorFrame
  | ServerByeFrame;
export type Role = "patient" | "facilitator" | "observer" | "interpreter" | "guest" | "peer";
/**
 * Milliseconds since the epoch by the evidence clock, or a duration where the name ends in _ms.
 */
export type Millis = number;
export type RoomState = "scheduled" | "open" | "live" | "held" | "ended";
export type SeatState = "waiting" | "admitted" | "active" | "reconnecting" | "gone";
/**
 * none: stop and show the message. retry: the same command later. resume: reconnect with the resume token. rejoin: a new hello with the join token.
 */
export type Retry = "none" | "retry" | "resume" | "rejoin";

export interface ClientHelloFrame {
  t: "hello";
  /**
   * Chosen by the sender of a command; its answer carries it.
   */
  id?: string;
  /**
   * Number of a reliable message in its direction, from 1; absent on unnumbered ones.
   */
  seq?: number;
  /**
   * Last seq received in the other direction.
   */
  ack?: number;
  d: ClientHello;
}
/**
 * First message, within 5 s of the open. Exactly one of token and resume.
 */
export interface ClientHello {
  /**
   * @maxItems 8
   */
  versions: number[];
  /**
   * Join token; never in the URL.
   */
  token?: string;
  resume?: {
    session: string;
    token: string;
    /**
     * Last numbered message received.
     */
    ack: number;
  };
  /**
   * Random id of this browser tab.
   */
  instance: string;
  /**
   * The page has no PeerConnection (it was reloaded or is new).
   */
  fresh?: boolean;
  /**
   * Version of the client.
   */
  app?: string;
}
export interface ClientCheckInFrame {
  t: "check_in";
  /**
   * Chosen by the sender of a command; its answer carries it.
   */
  id?: string;
  /**
   * Number of a reliable message in its direction, from 1; absent on unnumbered ones.
   */
  seq?: number;
  /**
   * Last seq received in the other direction.
   */
  ack?: number;
  d: ClientCheckIn;
}
/**
 * The answers to the questions before the lobby.
 */
export interface ClientCheckIn {
  /**
   * In a private place.
   */
  private: boolean;
  headphones: boolean;
  /**
   * Agrees to the ground rules.
   */
  ground_rules: boolean;
  /**
   * Somebody else is in the room with them.
   */
  others_present: boolean;
  /**
   * Where they are now, for an emergency; facilitators only, sealed at rest.
   */
  location?: string;
  /**
   * Number to call when the link breaks in an emergency.
   */
  call_back?: string;
}
export interface ClientOfferFrame {
  t: "offer";
  /**
   * Chosen by the sender of a command; its answer carries it.
   */
  id?: string;
  /**
   * Number of a reliable message in its direction, from 1; absent on unnumbered ones.
   */
  seq?: number;
  /**
   * Last seq received in the other direction.
   */
  ack?: number;
  d: ClientOffer;
}
/**
 * The browser always offers.
 */
export interface ClientOffer {
  /**
   * Number of the offer; an older one is ignored.
   */
  nid: number;
  sdp: string;
}
export interface ClientCandidateFrame {
  t: "candidate";
  /**
   * Chosen by the sender of a command; its answer carries it.
   */
  id?: string;
  /**
   * Number of a reliable message in its direction, from 1; absent on unnumbered ones.
   */
  seq?: number;
  /**
   * Last seq received in the other direction.
   */
  ack?: number;
  d: ClientCandidate;
}
/**
 * A trickled candidate, or the end of them.
 */
export interface ClientCandidate {
  nid: number;
  candidate?: string;
  mid?: string;
  end?: boolean;
}
export interface ClientPublishFrame {
  t: "publish";
  /**
   * Chosen by the sender of a command; its answer carries it.
   */
  id?: string;
  /**
   * Number of a reliable message in its direction, from 1; absent on unnumbered ones.
   */
  seq?: number;
  /**
   * Last seq received in the other direction.
   */
  ack?: number;
  d: ClientPublish;
}
/**
 * A source is being sent, or not any more.
 */
export interface ClientPublish {
  source: Source;
  on: boolean;
}
export interface ClientWantFrame {
  t: "want";
  /**
   * Chosen by the sender of a command; its answer carries it.
   */
  id?: string;
  /**
   * Number of a reliable message in its direction, from 1; absent on unnumbered ones.
   */
  seq?: number;
  /**
   * Last seq received in the other direction.
   */
  ack?: number;
  d: ClientWant;
}
/**
 * What the page shows; replaces the former list.
 */
export interface ClientWant {
  /**
   * @maxItems 64
   */
  tiles: {
    handle: Handle;
    source: Source;
    /**
     * Pixels on the glass, 0: not visible.
     */
    height: number;
    pinned?: boolean;
  }[];
}
export interface ClientHandFrame {
  t: "hand";
  /**
   * Chosen by the sender of a command; its answer carries it.
   */
  id?: string;
  /**
   * Number of a reliable message in its direction, from 1; absent on unnumbered ones.
   */
  seq?: number;
  /**
   * Last seq received in the other direction.
   */
  ack?: number;
  d: ClientHand;
}
export interface ClientHand {
  up: boolean;
}
export interface ClientHelpFrame {
  t: "help";
  /**
   * Chosen by the sender of a command; its answer carries it.
   */
  id?: string;
  /**
   * Number of a reliable message in its direction, from 1; absent on unnumbered ones.
   */
  seq?: number;
  /**
   * Last seq received in the other direction.
   */
  ack?: number;
  d: ClientHelp;
}
/**
 * Ask the facilitators privately.
 */
export interface ClientHelp {
  on: boolean;
}
export interface ClientModerateFrame {
  t: "moderate";
  /**
   * Chosen by the sender of a command; its answer carries it.
   */
  id?: string;
  /**
   * Number of a reliable message in its direction, from 1; absent on unnumbered ones.
   */
  seq?: number;
  /**
   * Last seq received in the other direction.
   */
  ack?: number;
  d: ClientModerate;
}
/**
 * A facilitator's act.
 */
export interface ClientModerate {
  action: Action;
  target?: Handle;
  room?: string;
  /**
   * Of mute, mute_all: patients cannot unmute alone.
   */
  hold?: boolean;
  reason?: string;
}
export interface ClientMinutesFrame {
  t: "minutes";
  /**
   * Chosen by the sender of a command; its answer carries it.
   */
  id?: string;
  /**
   * Number of a reliable message in its direction, from 1; absent on unnumbered ones.
   */
  seq?: number;
  /**
   * Last seq received in the other direction.
   */
  ack?: number;
  d: ClientMinutes;
}
/**
 * Ask for the minutes: facilitators get everybody's, others their own.
 */
export interface ClientMinutes {}
export interface ClientApiTokenFrame {
  t: "api_token";
  /**
   * Chosen by the sender of a command; its answer carries it.
   */
  id?: string;
  /**
   * Number of a reliable message in its direction, from 1; absent on unnumbered ones.
   */
  seq?: number;
  /**
   * Last seq received in the other direction.
   */
  ack?: number;
  d: ClientApiToken;
}
/**
 * Ask for a token for the HTTP API, for the closing review. Facilitators only.
 */
export interface ClientApiToken {}
export interface ClientLeaveFrame {
  t: "leave";
  /**
   * Chosen by the sender of a command; its answer carries it.
   */
  id?: string;
  /**
   * Number of a reliable message in its direction, from 1; absent on unnumbered ones.
   */
  seq?: number;
  /**
   * Last seq received in the other direction.
   */
  ack?: number;
  d: ClientLeave;
}
/**
 * Leaving of one's own will.
 */
export interface ClientLeave {}
export interface ServerWelcomeFrame {
  t: "welcome";
  /**
   * Chosen by the sender of a command; its answer carries it.
   */
  id?: string;
  /**
   * Number of a reliable message in its direction, from 1; absent on unnumbered ones.
   */
  seq?: number;
  /**
   * Last seq received in the other direction.
   */
  ack?: number;
  d: ServerWelcome;
}
/**
 * The seat is taken. Starts both numberings anew.
 */
export interface ServerWelcome {
  version: number;
  session: string;
  handle: Handle;
  role: Role;
  name: string;
  /**
   * One use; each welcome or resumed brings the next.
   */
  resume_token: string;
  resume_window_ms: number;
  /**
   * Receive sections to add to the offer.
   */
  slots: {
    audio: number;
    video: number;
  };
  /**
   * @maxItems 8
   */
  ice_servers?: {
    /**
     * @maxItems 8
     */
    urls: string[];
    username?: string;
    credential?: string;
  }[];
  server_time: Millis;
  /**
   * False: the store keeps nothing across a restart, and the page says so.
   */
  durable: boolean;
  /**
   * The check-in questions are wanted before the lobby.
   */
  check_in?: boolean;
}
export interface ServerResumedFrame {
  t: "resumed";
  /**
   * Chosen by the sender of a command; its answer carries it.
   */
  id?: string;
  /**
   * Number of a reliable message in its direction, from 1; absent on unnumbered ones.
   */
  seq?: number;
  /**
   * Last seq received in the other direction.
   */
  ack?: number;
  d: ServerResumed;
}
/**
 * The seat is kept. The frame's ack says which of the client's messages arrived; the others are sent again. replay: what was missed follows; snapshot: a snapshot follows.
 */
export interface ServerResumed {
  mode: "replay" | "snapshot";
  resume_token: string;
}
export interface ServerSnapshotFrame {
  t: "snapshot";
  /**
   * Chosen by the sender of a command; its answer carries it.
   */
  id?: string;
  /**
   * Number of a reliable message in its direction, from 1; absent on unnumbered ones.
   */
  seq?: number;
  /**
   * Last seq received in the other direction.
   */
  ack?: number;
  d: ServerSnapshot;
}
/**
 * Everything this person may see; replaces what the page knew.
 */
export interface ServerSnapshot {
  room: ServerRoom;
  you: Handle;
  /**
   * @maxItems 200
   */
  people: ServerPerson[];
  /**
   * @maxItems 128
   */
  slots: Slot[];
  /**
   * @maxItems 4
   */
  layers?: ServerLayers[];
}
/**
 * The room as this person may see it; rev grows.
 */
export interface ServerRoom {
  rev: number;
  state: RoomState;
  locked: boolean;
  on_break: boolean;
  break_since?: Millis;
  held_since?: Millis;
  start: Millis;
  end: Millis;
  /**
   * ok; behind: evidence waits in the local journal; volatile: nothing is kept across a restart. Only staff get other than ok, but volatile is told to all.
   */
  storage: "ok" | "behind" | "volatile";
}
/**
 * A person as this receiver may see them; the whole object each time, rev grows.
 */
export interface ServerPerson {
  rev: number;
  handle: Handle;
  name: string;
  role: Role;
  state: SeatState;
  waiting_since?: Millis;
  room?: string;
  mic: boolean;
  camera: boolean;
  screen: boolean;
  /**
   * Held muted by a facilitator.
   */
  muted: boolean;
  hand: boolean;
  hand_since?: Millis;
  /**
   * Asks privately for help; facilitators and the person only.
   */
  help?: boolean;
  check_in?: ClientCheckIn;
}
/**
 * What one receive section carries: index counts the recvonly sections of its kind in the offer.
 */
export interface Slot {
  kind: "audio" | "video";
  index: number;
  handle?: Handle;
  source?: Source;
  paused?: boolean;
  why?: "bandwidth" | "hidden";
}
/**
 * Which encodings of a source anybody gets, lowest first; the others need not be made. Until told, all are wanted.
 */
export interface ServerLayers {
  source: Source;
  /**
   * @maxItems 3
   */
  wanted: boolean[];
}
export interface ServerRoomFrame {
  t: "room";
  /**
   * Chosen by the sender of a command; its answer carries it.
   */
  id?: string;
  /**
   * Number of a reliable message in its direction, from 1; absent on unnumbered ones.
   */
  seq?: number;
  /**
   * Last seq received in the other direction.
   */
  ack?: number;
  d: ServerRoom;
}
export interface ServerPersonFrame {
  t: "person";
  /**
   * Chosen by the sender of a command; its answer carries it.
   */
  id?: string;
  /**
   * Number of a reliable message in its direction, from 1; absent on unnumbered ones.
   */
  seq?: number;
  /**
   * Last seq received in the other direction.
   */
  ack?: number;
  d: ServerPerson;
}
export interface ServerAttachMediaFrame {
  t: "attach_media";
  /**
   * Chosen by the sender of a command; its answer carries it.
   */
  id?: string;
  /**
   * Number of a reliable message in its direction, from 1; absent on unnumbered ones.
   */
  seq?: number;
  /**
   * Last seq received in the other direction.
   */
  ack?: number;
  d: ServerAttachMedia;
}
/**
 * Make a PeerConnection and offer.
 */
export interface ServerAttachMedia {}
export interface ServerAnswerFrame {
  t: "answer";
  /**
   * Chosen by the sender of a command; its answer carries it.
   */
  id?: string;
  /**
   * Number of a reliable message in its direction, from 1; absent on unnumbered ones.
   */
  seq?: number;
  /**
   * Last seq received in the other direction.
   */
  ack?: number;
  d: ServerAnswer;
}
export interface ServerAnswer {
  nid: number;
  sdp: string;
}
export interface ServerSignalFailedFrame {
  t: "signal_failed";
  /**
   * Chosen by the sender of a command; its answer carries it.
   */
  id?: string;
  /**
   * Number of a reliable message in its direction, from 1; absent on unnumbered ones.
   */
  seq?: number;
  /**
   * Last seq received in the other direction.
   */
  ack?: number;
  d: ServerSignalFailed;
}
/**
 * The offer or candidate could not be used.
 */
export interface ServerSignalFailed {
  nid: number;
  code: string;
  message: string;
}
export interface ServerIceRestartFrame {
  t: "ice_restart";
  /**
   * Chosen by the sender of a command; its answer carries it.
   */
  id?: string;
  /**
   * Number of a reliable message in its direction, from 1; absent on unnumbered ones.
   */
  seq?: number;
  /**
   * Last seq received in the other direction.
   */
  ack?: number;
  d: ServerIceRestart;
}
/**
 * Offer again with iceRestart.
 */
export interface ServerIceRestart {}
export interface ServerSlotsFrame {
  t: "slots";
  /**
   * Chosen by the sender of a command; its answer carries it.
   */
  id?: string;
  /**
   * Number of a reliable message in its direction, from 1; absent on unnumbered ones.
   */
  seq?: number;
  /**
   * Last seq received in the other direction.
   */
  ack?: number;
  d: ServerSlots;
}
/**
 * The whole mapping of this person's receive slots.
 */
export interface ServerSlots {
  /**
   * @maxItems 128
   */
  slots: Slot[];
}
export interface ServerLayersFrame {
  t: "layers";
  /**
   * Chosen by the sender of a command; its answer carries it.
   */
  id?: string;
  /**
   * Number of a reliable message in its direction, from 1; absent on unnumbered ones.
   */
  seq?: number;
  /**
   * Last seq received in the other direction.
   */
  ack?: number;
  d: ServerLayers;
}
export interface ServerSpeakersFrame {
  t: "speakers";
  /**
   * Chosen by the sender of a command; its answer carries it.
   */
  id?: string;
  /**
   * Number of a reliable message in its direction, from 1; absent on unnumbered ones.
   */
  seq?: number;
  /**
   * Last seq received in the other direction.
   */
  ack?: number;
  d: ServerSpeakers;
}
/**
 * Everybody who speaks, loudest first, when somebody begins or has ended and each second as long as anybody speaks; not numbered, may be dropped. Level 0 (silent) to 127.
 */
export interface ServerSpeakers {
  /**
   * @maxItems 16
   */
  levels: {
    handle: Handle;
    level: number;
  }[];
}
export interface ServerModeratedFrame {
  t: "moderated";
  /**
   * Chosen by the sender of a command; its answer carries it.
   */
  id?: string;
  /**
   * Number of a reliable message in its direction, from 1; absent on unnumbered ones.
   */
  seq?: number;
  /**
   * Last seq received in the other direction.
   */
  ack?: number;
  d: ServerModerated;
}
/**
 * What a facilitator did to this person.
 */
export interface ServerModerated {
  action: string;
  reason?: string;
}
export interface ServerMinutesReportFrame {
  t: "minutes_report";
  /**
   * Chosen by the sender of a command; its answer carries it.
   */
  id?: string;
  /**
   * Number of a reliable message in its direction, from 1; absent on unnumbered ones.
   */
  seq?: number;
  /**
   * Last seq received in the other direction.
   */
  ack?: number;
  d: ServerMinutesReport;
}
/**
 * Answer to minutes.
 */
export interface ServerMinutesReport {
  as_of: Millis;
  /**
   * The session is over and its evidence is settled.
   */
  final?: boolean;
  /**
   * @maxItems 200
   */
  rows: MinutesRow[];
  week?: Week;
}
/**
 * One person's minutes in this session so far (SPEC §4, §10). Texts are rounded down for people.
 */
export interface MinutesRow {
  handle?: Handle;
  name: string;
  role?: Role;
  status: string;
  /**
   * @maxItems 20
   */
  labels?: string[];
  credited_ms: Millis;
  connected_ms: Millis;
  lobby_ms: Millis;
  bridged_ms: Millis;
  /**
   * @maxItems 5
   *
   * Items: Minutes that were not credited, with the rule that took them.
   */
  lost: {
    why: "outside_window" | "break" | "no_facilitator" | "correction" | "overlap";
    ms: Millis;
    text: string;
  }[];
  credited_text: string;
}
/**
 * The person's own week of the program (SPEC §8).
 */
export interface Week {
  credited_ms: Millis;
  min_ms?: Millis;
  need_ms?: Millis;
  credited_text: string;
  min_text?: string;
  need_text?: string;
  sessions_left?: number;
  /**
   * Days that qualify so far.
   */
  days?: number;
  /**
   * Days that still have to qualify.
   */
  days_need?: number;
  verdict: string;
  ends?: Millis;
}
export interface ServerApiTokenFrame {
  t: "api_token";
  /**
   * Chosen by the sender of a command; its answer carries it.
   */
  id?: string;
  /**
   * Number of a reliable message in its direction, from 1; absent on unnumbered ones.
   */
  seq?: number;
  /**
   * Last seq received in the other direction.
   */
  ack?: number;
  d: ServerApiToken;
}
/**
 * Answer to api_token: a token for the HTTP API, limited to the session and to what a facilitator does with its records.
 */
export interface ServerApiToken {
  token: string;
  expires_ms: Millis;
  session: string;
}
export interface ServerResultFrame {
  t: "result";
  /**
   * Chosen by the sender of a command; its answer carries it.
   */
  id?: string;
  /**
   * Number of a reliable message in its direction, from 1; absent on unnumbered ones.
   */
  seq?: number;
  /**
   * Last seq received in the other direction.
   */
  ack?: number;
  d: ServerResult;
}
/**
 * The command with this id was carried out.
 */
export interface ServerResult {}
export interface ServerErrorFrame {
  t: "error";
  /**
   * Chosen by the sender of a command; its answer carries it.
   */
  id?: string;
  /**
   * Number of a reliable message in its direction, from 1; absent on unnumbered ones.
   */
  seq?: number;
  /**
   * Last seq received in the other direction.
   */
  ack?: number;
  d: ServerError;
}
/**
 * The command with this id was refused; without an id, a frame could not be read. Ends nothing: bye does.
 */
export interface ServerError {
  code: string;
  message: string;
  retry: Retry;
  retry_after_ms?: number;
}
export interface ServerByeFrame {
  t: "bye";
  /**
   * Chosen by the sender of a command; its answer carries it.
   */
  id?: string;
  /**
   * Number of a reliable message in its direction, from 1; absent on unnumbered ones.
   */
  seq?: number;
  /**
   * Last seq received in the other direction.
   */
  ack?: number;
  d: ServerBye;
}
/**
 * Last message before the socket closes.
 */
export interface ServerBye {
  code: string;
  message: string;
  retry: Retry;
  retry_after_ms?: number;
  /**
   * Those the server speaks; with version_unsupported.
   *
   * @maxItems 8
   */
  versions?: number[];
}
