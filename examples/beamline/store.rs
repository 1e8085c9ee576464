//! The database: one task writes it, in batches; whoever wants to watch may read it meanwhile.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, params};
use tenter::{Queue, WaitError};

use crate::detector::Detector;
use crate::detector_b;
use crate::progress::Progress;

/// Marks a file as made by this program ("beam" in ASCII).
pub(crate) const APPLICATION_ID: u32 = 0x6265_616D;

const SCHEMA: &str = "
CREATE TABLE frames (
    detector     TEXT    NOT NULL, -- A replays a measured frame, B synthesises powder rings
    frame        INTEGER NOT NULL, -- counts from 0 for each detector
    knob_version INTEGER NOT NULL, -- of mask_sigma, when the frame was submitted
    mask_sigma   REAL    NOT NULL, -- the value of that version
    beam         REAL    NOT NULL, -- relative to its mean
    repaired     INTEGER NOT NULL, -- hot pixels
    peaks        TEXT    NOT NULL, -- JSON array of places; A: 1/angstrom, B: pixels
    profile      BLOB    NOT NULL, -- little-endian f64 for each bin; A: 79 bins of 0.002 1/angstrom from 0.002, in 1/m; B: 511 bins of 1 pixel from 0, in counts
    thumbnail    BLOB    NOT NULL, -- 128 x 128 grey values of 8 bits, row after row; 60 a decade, 0 is 0.1 counts a pixel
    PRIMARY KEY (detector, frame)
);";

/// What is kept of a frame.
pub(crate) struct Row {
    pub detector: Detector,
    pub frame: u32,
    pub knob_version: u64,
    pub mask_sigma: f64,
    pub beam: f64,
    pub repaired: u32,
    pub peaks: Vec<f64>,
    pub profile: Vec<f64>,
    pub thumbnail: Vec<u8>,
}

/// Makes the file and its table.
pub(crate) fn create(path: &Path) -> rusqlite::Result<Connection> {
    let database = Connection::open(path)?;
    // Before the log is switched on, so that the mark is in the file itself even if the program is killed a moment later.
    database.pragma_update(None, "application_id", APPLICATION_ID)?;
    database.execute_batch(SCHEMA)?;
    database.pragma_update(None, "journal_mode", "wal")?;
    // Somebody else's write lock holds the pipeline up, which loses nothing, for so long before it is an error.
    database.busy_timeout(Duration::from_secs(30))?;
    // The log is synced when it is merged into the file: a power cut may cost the newest batches, never the database.
    database.pragma_update(None, "synchronous", "normal")?;
    Ok(database)
}

/// Writes rows until their queue is closed and empty. A transaction takes what has gathered while the last one ran.
pub(crate) fn write(
    mut database: Connection,
    rows: &Queue<Row>,
    progress: &Progress,
) -> Result<(), String> {
    loop {
        let first = match rows.get() {
            Ok(row) => row,
            Err(WaitError::Closed) => break,
            Err(error) => return Err(error.to_string()),
        };
        let waiting = std::iter::from_fn(|| rows.try_get().ok());
        let batch: Vec<Row> = std::iter::once(first)
            .chain(waiting.take(BATCH - 1))
            .collect();
        insert(&mut database, &batch)
            .map_err(|error| format!("the database does not take rows: {error}"))?;
        progress.count_stored(batch.len() as u32);
        for row in batch.iter().filter(|row| row.detector == Detector::B) {
            progress.note_ring_error(detector_b::ring_error(&row.peaks));
        }
    }
    database
        .close()
        .map_err(|(_, error)| format!("the database does not close: {error}"))
}

/// Rows of one transaction at most, which bounds how long a row in it waits to be seen.
const BATCH: usize = 32;

fn insert(database: &mut Connection, batch: &[Row]) -> rusqlite::Result<()> {
    let transaction = database.transaction()?;
    let mut statement = transaction
        .prepare_cached("INSERT INTO frames VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?;
    for row in batch {
        statement.execute(params![
            row.detector.name(),
            row.frame,
            row.knob_version as i64,
            row.mask_sigma,
            row.beam,
            row.repaired,
            to_json(&row.peaks),
            to_bytes(&row.profile),
            row.thumbnail,
        ])?;
    }
    drop(statement);
    transaction.commit()
}

fn to_json(places: &[f64]) -> String {
    let places: Vec<String> = places.iter().map(|place| format!("{place:.4}")).collect();
    format!("[{}]", places.join(", "))
}

fn from_json(places: &str) -> Vec<f64> {
    places
        .trim_matches(['[', ']'])
        .split(", ")
        .filter_map(|place| place.parse().ok())
        .collect()
}

fn to_bytes(profile: &[f64]) -> Vec<u8> {
    profile
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

fn from_bytes(profile: &[u8]) -> Vec<f64> {
    profile
        .as_chunks::<8>()
        .0
        .iter()
        .map(|&bytes| f64::from_le_bytes(bytes))
        .collect()
}

/// What the last check needs of a row.
pub(crate) struct Stored {
    pub detector: Detector,
    pub frame: u32,
    pub knob_version: u64,
    pub mask_sigma: f64,
    pub repaired: u32,
    pub peaks: Vec<f64>,
    pub profile: Vec<f64>,
}

/// Reads the rows back from the file.
pub(crate) fn read_back(path: &Path) -> rusqlite::Result<Vec<Stored>> {
    let database = Connection::open(path)?;
    let mut statement = database.prepare(
        "SELECT detector = 'A', frame, knob_version, mask_sigma, repaired, peaks, profile FROM frames ORDER BY detector, frame",
    )?;
    let rows = statement.query_map([], |row| {
        Ok(Stored {
            detector: if row.get(0)? {
                Detector::A
            } else {
                Detector::B
            },
            frame: row.get(1)?,
            knob_version: row.get::<_, i64>(2)? as u64,
            mask_sigma: row.get(3)?,
            repaired: row.get(4)?,
            peaks: from_json(row.get_ref(5)?.as_str()?),
            profile: from_bytes(row.get_ref(6)?.as_blob()?),
        })
    })?;
    rows.collect()
}
