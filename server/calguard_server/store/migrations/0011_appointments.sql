-- Appointments on pages. `of_all`: assigned to everybody. Attendees and conflicts are JSON.
CREATE TABLE appointments (
  id TEXT PRIMARY KEY,
  page_id TEXT NOT NULL,
  start_time INTEGER NOT NULL,
  end_time INTEGER NOT NULL,
  time_zone TEXT NOT NULL,
  title TEXT NOT NULL,
  attendees TEXT NOT NULL,
  state TEXT NOT NULL,
  create_time INTEGER NOT NULL,
  update_time INTEGER NOT NULL,
  cancel_time INTEGER,
  conflicts TEXT NOT NULL,
  of_all INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX appointments_by_start_time ON appointments (start_time, id);
CREATE INDEX appointments_by_page ON appointments (page_id, start_time, id);

-- Who has, or had, an appointment, each with an entry in a calendar. `place` is the assignee's place, NULL for who had it
-- before. `standing`: the account is to keep that time. `sequence` tells apart what was assigned at once. Page and times are the
-- appointment's.
CREATE TABLE entries (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id TEXT NOT NULL UNIQUE,
  appointment_id TEXT NOT NULL,
  account_id TEXT NOT NULL,
  place INTEGER,
  faulty INTEGER NOT NULL,
  assign_time INTEGER NOT NULL,
  standing INTEGER NOT NULL,
  page_id TEXT NOT NULL,
  start_time INTEGER NOT NULL,
  end_time INTEGER NOT NULL,
  state TEXT NOT NULL,
  link_id TEXT NOT NULL,
  calendar_id TEXT NOT NULL,
  cause_reason TEXT,
  cause_since INTEGER,
  cause_calendar_id TEXT,
  cause_capability TEXT,
  attempts INTEGER NOT NULL,
  next_attempt_time INTEGER,
  fence INTEGER NOT NULL,
  claimed INTEGER NOT NULL
);

CREATE INDEX entries_by_appointment ON entries (appointment_id);
CREATE INDEX entries_held ON entries (account_id, appointment_id) WHERE place IS NOT NULL;
CREATE INDEX entries_standing ON entries (account_id, start_time) WHERE standing = 1;
CREATE INDEX entries_due ON entries (next_attempt_time) WHERE next_attempt_time IS NOT NULL;
CREATE INDEX entries_undone ON entries (account_id) WHERE state IN ('NOT_ADDED', 'REMOVING');
CREATE INDEX entries_counted ON entries (page_id, assign_time, account_id) WHERE standing = 1;
CREATE INDEX entries_last ON entries (page_id, account_id, assign_time);
CREATE INDEX entries_by_page ON entries (page_id, assign_time, sequence);
