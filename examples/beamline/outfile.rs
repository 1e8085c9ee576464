//! Makes room for the database, and never at the cost of a file that this program did not make.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use rusqlite::Connection;

use crate::store::{self, APPLICATION_ID};

/// Creates the database at `path`, in place of one of an earlier run. The error is a sentence naming the cause and the next step.
pub(crate) fn create(path: &Path) -> Result<(), String> {
    let shown = path.display();
    match is_ours(path) {
        Ok(true) => remove(path)?,
        Ok(false) => {
            return Err(format!(
                "{shown} was not made by this program and is left alone; give --out another name, or move it away"
            ));
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => {
            return Err(format!(
                "{shown} cannot be read ({error}); give --out another name"
            ));
        }
    }
    store::create(path).map_err(|error| {
        format!(
            "{shown} cannot be created ({error}); give --out a file in a directory you can write to"
        )
    })
}

/// Whether the file starts as an SQLite database with our mark (section 1.3 of SQLite's file format: the mark is at byte 68).
fn is_ours(path: &Path) -> io::Result<bool> {
    let mut header = Vec::new();
    File::open(path)?.take(72).read_to_end(&mut header)?;
    Ok(header.starts_with(b"SQLite format 3\0")
        && header.get(68..) == Some(&APPLICATION_ID.to_be_bytes()))
}

fn remove(path: &Path) -> Result<(), String> {
    let shown = path.display();
    // Leaving the write-ahead log merges it into the file, and fails while another run, or someone who watches, has the file open.
    let left = Connection::open(path)
        .and_then(|database| database.pragma_update(None, "journal_mode", "delete"));
    left.map_err(|error| {
        format!("{shown} is in use ({error}); close what reads it, or give --out another name")
    })?;
    fs::remove_file(path)
        .map_err(|error| format!("{shown} cannot be replaced ({error}); give --out another name"))
}
