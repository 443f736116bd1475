// The controller's answers: kW, epoch seconds, and null for what is unknown. See web/resources.py.

export interface Site {
  id: string;
  name: string;
  timezone: string;
  service_kw: number;
  longest_event_s: number;
  simulated: boolean;
}

export interface Link {
  state: "connecting" | "connected" | "disconnected" | "unknown";
  kind: string;
  broker: string;
  since: number;
  waiting: number;
  last_sent: number | null;
  detail: string | null;
  denied: string[];
}

export type ReturnKind =
  | "event"
  | "turn"
  | "following"
  | "max_off"
  | "budget"
  | "rest"
  | "room"
  | "by_hand"
  | "later";

/** A device that measures, or how it begins. */
export interface Meter {
  kind: string;
  title: string;
  address: string;
  link: string | null;
  fault: string | null;
}

export interface MainMeter extends Meter {
  power_kw: number | null;
  read_at: number | null;
}

export interface LastCommand {
  what: string;
  at: number;
  read_back: boolean | null;
}

export interface LastTest {
  at: number;
  grade: "ok" | "unproved" | "warning" | "failed";
  findings: string[];
  model: string | null;
  firmware: string | null;
}

export interface Device extends Meter {
  switches: boolean;
  lease: "free" | "failsafe" | null;
  lease_s: number | null;
  last_command: LastCommand | null;
  meter: Meter | null;
  test: LastTest | null;
}

export interface DeviceLink {
  id: string;
  what: string;
  up: boolean | null;
  since: number;
  pace_s: number;
  errors: number;
  fault: string | null;
  circuits: string[];
  main_meter: boolean;
}

export interface Circuit {
  id: string;
  name: string;
  type: string;
  critical: boolean;
  enabled: boolean;
  rated_kw: number;
  power_kw: number | null;
  free_kw: number | null;
  shed_kw: number;
  held_kw: number | null;
  planned_kw: number;
  order: number | null;
  limit_percent: number | null;
  control: string;
  driver: string;
  device: Device | null;
  simulated: boolean;
  metered: boolean;
  remote: boolean;
  locked: boolean;
  back_how: ReturnKind | null;
  back_at: number | null;
  reason: string | null;
  fault: string | null;
  ails: string | null;
  read_at: number | null;
  switched_by: string | null;
  switched_at: number | null;
  locked_by: string | null;
  locked_at: number | null;
  comes_back: string;
  opted_out: boolean;
  rests_until: number | null;
  runs_until: number | null;
  dwell_left_s: number;
  sheds_today: number;
  max_sheds_per_day: number | null;
  shed_today_s: number;
  max_shed_per_day_s: number | null;
}

export interface DrEvent {
  id: string;
  state: string;
  label: string;
  active: boolean;
  source: string;
  requested_kw: number;
  required_kw: number;
  commanded_kw: number;
  would_shed_kw: number | null;
  measured_kw: number | null;
  start: number;
  end: number;
  entered: number;
  scheduled: boolean;
  short_since: number | null;
  by_person_kw: number;
  on_target: boolean | null;
  possible_kw: number | null;
  delivery: "achieved" | "underperforming" | "superseded" | null;
  restore_reports: string[];
  cancel_reports: string[];
  opted_out: string[];
  theirs: boolean;
  next: string | null;
  next_at: number | null;
}

export interface Restoring {
  done: number;
  of: number;
  next: string | null;
  next_name: string | null;
  next_at: number | null;
}

export interface Restore {
  ends: string[];
  back_at: number | null;
  by_hand: string[];
  kept_down: string[];
  unknown: string[];
}

export interface Refusal {
  id: string;
  name: string;
  wanted: boolean | string | null;
  code: number;
  meaning: string;
  reason: string;
  at: number;
}

export interface ShadowSummary {
  state: string;
  label: string;
  open: number;
  refused: Refusal[];
  alarms: { name: string; text: string; since: number }[];
}

export interface Alarm {
  id: string;
  kind: string;
  since: number;
  text: string;
  do: string;
  lasts: boolean;
  acknowledged_by: string | null;
  acknowledged_at: number | null;
}

/** GET /api/v1/state, and the data of the stream. */
export interface State {
  t: number;
  rev: number;
  version: string;
  mode: "act" | "observe";
  site: Site;
  power_kw: number | null;
  shed_kw: number | null;
  by_person_kw: number;
  base_power_kw: number | null;
  unmetered_kw: number | null;
  reading_at: number | null;
  required_kw: number;
  commanded_kw: number;
  planned_kw: number;
  achievable_kw: number;
  link: Link;
  shadow: ShadowSummary;
  circuits: Circuit[];
  device_links: DeviceLink[];
  main_meter: MainMeter | null;
  events: DrEvent[];
  binding: string | null;
  restoring: Restoring | null;
  restore: Restore | null;
  waits: string[];
  shut_until: number | null;
  alarms: Alarm[];
  breaches: { rule: string; found: string }[];
}

export interface PlanLine {
  id: string;
  name: string;
  critical: boolean;
  free_kw: number;
  shed_kw: number;
  more_kw: number;
  left_kw: number;
  rated_kw: number;
  reason: string;
  lasts_s: number | null;
  estimated: boolean;
}

/** GET /api/v1/preview. */
export interface Preview {
  rev: string;
  mode: "act" | "observe";
  asked_kw: number;
  duration_s: number;
  starts_at: number | null;
  shed_kw: number;
  more_kw: number;
  running_kw: number;
  covered_until: number | null;
  ends_at: number;
  shortfall_kw: number;
  max_kw: number;
  power_before_kw: number | null;
  power_after_kw: number | null;
  touches_critical: boolean;
  refusal: { reason: string; detail: string | null } | null;
  circuits: PlanLine[];
}

export type Column = (number | null)[];

/** GET /api/v1/recent. */
export interface Recent {
  t: number[];
  series: { power: Column; base: Column; target: Column };
}

export interface Chart {
  name: string;
  initial: string;
  states: { name: string; label: string; final: boolean }[];
  rows: { trigger: string; from: string[]; to: string | null }[];
}

/** GET /api/v1/machine. */
export interface Machine {
  charts: Chart[];
  live: { id: string; state: string; entered: number }[];
  last: { id: string; from: string; to: string; trigger: string; at: number } | null;
}

/** A transition as the stream tells it. */
export interface Transition {
  event_id: string;
  from: string;
  to: string;
  trigger: string;
  at: number;
}

export interface ShadowRow {
  key: string;
  name: string;
  reported: boolean | string | number | null;
  desired: boolean | string | number | null;
  state: "pending" | "rejected" | "in_sync" | "unknown" | "off";
  since?: number | null;
  code?: number;
  reason?: string;
}

/** GET /api/v1/shadow. */
export interface Shadow extends ShadowSummary {
  rows: ShadowRow[];
}

/** What a command is answered with. */
export interface Ack {
  status: string;
  start_ts?: number;
}

/** RFC 9457, with a code of its own. */
export interface Problem {
  title?: string;
  detail?: string;
  code?: string;
}
