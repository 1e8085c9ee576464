//! The database: one task writes it, in batches; whoever wants to watch may read it meanwhile.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use tenter::{Anywhere, Client, NameError, Queue, WaitError, current, task};

use crate::Fault;
use crate::detector::Detector;
use crate::knobs::Knobs;
use crate::peaks::Profile;
use crate::progress::{Progress, progress};

/// Rows that wait for the writer: a few transactions.
const ROWS: usize = 64;

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

/// Where a row comes from, which is known when its frame is submitted.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Origin {
    pub detector: Detector,
    pub frame: u32,
    pub knob_version: u64,
    pub mask_sigma: f64,
    pub beam: f64,
}

/// What is kept of a frame's pixels.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Preview {
    pub repaired: u32,
    pub thumbnail: Vec<u8>,
}

/// What is kept of a frame.
#[derive(Serialize, Deserialize)]
pub(crate) struct Row {
    pub origin: Origin,
    pub preview: Preview,
    pub profile: Vec<f64>,
    pub peaks: Vec<f64>,
}

/// The rows on their way to the writer.
pub(crate) fn rows(client: &Client<Anywhere>) -> Result<Queue<Row>, NameError> {
    client.queue("rows", ROWS)
}

/// Sends a row on its way.
#[task]
pub(crate) fn store(
    origin: Origin,
    preview: Preview,
    profile: Profile,
    peaks: Vec<f64>,
) -> Result<(), Fault> {
    let profile = profile.mean;
    let row = Row {
        origin,
        preview,
        profile,
        peaks,
    };
    Ok(rows(&current().anywhere())?.put(row)?)
}

/// Makes the file and its table.
pub(crate) fn create(path: &Path) -> rusqlite::Result<()> {
    let database = Connection::open(path)?;
    // Before the log is switched on, so that the mark is in the file itself even if the program is killed a moment later.
    database.pragma_update(None, "application_id", APPLICATION_ID)?;
    database.execute_batch(SCHEMA)?;
    database.pragma_update(None, "journal_mode", "wal")
}

/// Writes rows until their queue is closed and empty. A transaction takes what has gathered while the last one ran. A row that is there
/// already stays as it is, so whoever does not know whether a frame was stored may send it again. Gives the number of rows.
#[task]
pub(crate) fn write(path: PathBuf, first_halves: [u32; 2]) -> Result<u32, Fault> {
    let client = current().anywhere();
    let (rows, shown, knobs) = (rows(&client)?, progress(&client)?, Knobs::of(&client)?);
    let mut database =
        open(&path).map_err(|error| format!("the database does not open: {error}"))?;
    let mut progress = stored_before(&path)?;
    let mut before_half_way = true;
    loop {
        let unfinished = |detector| {
            !progress
                .of(detector)
                .missing(first_halves[detector as usize])
                .is_empty()
        };
        if before_half_way && !Detector::BOTH.into_iter().any(unfinished) {
            knobs.pass_half_way();
            before_half_way = false;
        }

        let batch = match rows.get_many(BATCH) {
            Ok(batch) => batch,
            Err(WaitError::Closed) => break,
            Err(error) => return Err(error.into()),
        };
        insert(&mut database, &batch)
            .map_err(|error| format!("the database does not take rows: {error}"))?;
        for row in &batch {
            progress.add(row.origin.detector, row.origin.frame, &row.peaks);
        }
        shown.set(progress.clone())?;
    }
    database
        .close()
        .map_err(|(_, error)| format!("the database does not close: {error}"))?;
    Ok(progress.rows())
}

/// What an earlier writer has stored, whose worker was killed.
fn stored_before(path: &Path) -> Result<Progress, Fault> {
    let mut progress = Progress::default();
    for row in read_back(path)? {
        progress.add(row.detector, row.frame, &row.peaks);
    }
    Ok(progress)
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    let database = Connection::open(path)?;
    // Somebody else's write lock holds the pipeline up, which loses nothing, for so long before it is an error.
    database.busy_timeout(Duration::from_secs(30))?;
    // The log is synced when it is merged into the file: a power cut may cost the newest batches, never the database.
    database.pragma_update(None, "synchronous", "normal")?;
    Ok(database)
}

/// Rows of one transaction at most, which bounds how long a row in it waits to be seen.
const BATCH: usize = 32;

fn insert(database: &mut Connection, batch: &[Row]) -> rusqlite::Result<()> {
    let transaction = database.transaction()?;
    let mut statement = transaction.prepare_cached(
        "INSERT OR IGNORE INTO frames VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    for row in batch {
        statement.execute(params![
            row.origin.detector.name(),
            row.origin.frame,
            row.origin.knob_version as i64,
            row.origin.mask_sigma,
            row.origin.beam,
            row.preview.repaired,
            to_json(&row.peaks),
            to_bytes(&row.profile),
            row.preview.thumbnail,
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
