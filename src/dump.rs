//! The graph as text: for Graphviz, and as JSON.

use std::collections::HashSet;
use std::fmt::{self, Write};

use crate::client::Client;
use crate::graph::{Id, State};
use crate::pool::local;
use crate::pool::snapshot::{Seen, Snapshot};
use crate::transition::{TaskId, status_word};

impl<P> Client<P> {
    /// The graph for Graphviz: at most `limit` tasks, unsettled ones first, and the edges from inputs to the tasks that
    /// are not settled.
    ///
    /// Tasks that are left out are counted in the graph's label. Taken while the graph changes: each task is as it was
    /// at one moment of the call.
    ///
    /// ```
    /// # let client = tenter::Client::new()?;
    /// let answer = client.task("answer").submit(|| 11);
    /// answer.result().unwrap();
    /// assert!(client.dump_dot(100).contains(r#"label="answer\nfinished""#));
    /// assert!(client.dump_dot(0).contains("1 task left out"));
    /// # Ok::<(), tenter::StartError>(())
    /// ```
    pub fn dump_dot(&self, limit: usize) -> String {
        let mut text = String::new();
        write_dot(&mut text, &self.seen(limit)).expect("a string takes any text");
        text
    }

    /// As [`dump_dot`](Self::dump_dot), as a JSON object.
    ///
    /// `nodes` are objects of `id`, `name`, `key` (or null), `status`, `priority` and `group` (the name that was given,
    /// or null); `edges` of `from` and `to`. `nodes_left_out` counts the tasks that are left out, `edges_left_out` the
    /// edges from one of these to one that is shown.
    pub fn dump_json(&self, limit: usize) -> String {
        let mut text = String::new();
        write_json(&mut text, &self.seen(limit)).expect("a string takes any text");
        text
    }

    fn seen(&self, limit: usize) -> Graph {
        let engine = self.engine();
        Graph::of(local::with(engine, |local| engine.snapshot(local, limit)))
    }
}

/// What both formats show.
struct Graph {
    tasks: Vec<Seen>,
    edges: Vec<(Id, Id)>,
    tasks_left_out: usize,
    edges_left_out: usize,
}

impl Graph {
    fn of(snapshot: Snapshot) -> Self {
        let Snapshot { tasks, left_out } = snapshot;
        let shown: HashSet<Id> = tasks.iter().map(|task| task.id).collect();
        let inputs = |task: &Seen| -> Vec<(Id, Id)> {
            task.inputs.iter().map(|&input| (input, task.id)).collect()
        };
        let (edges, others): (Vec<_>, Vec<_>) = tasks
            .iter()
            .flat_map(inputs)
            .partition(|(input, _)| shown.contains(input));
        Self {
            tasks,
            edges,
            tasks_left_out: left_out,
            edges_left_out: others.len(),
        }
    }
}

fn write_dot(text: &mut String, graph: &Graph) -> fmt::Result {
    writeln!(text, "digraph tenter {{\n  node [shape=box];")?;
    if graph.tasks_left_out > 0 {
        let (count, s) = (graph.tasks_left_out, plural(graph.tasks_left_out));
        writeln!(text, "  label=\"{count} task{s} left out\";")?;
    }
    for task in &graph.tasks {
        let label = task.key.as_ref().map_or_else(
            || format!("{}\n{}", task.name, word(task.state)),
            |key| format!("{}\n{key}\n{}", task.name, word(task.state)),
        );
        writeln!(
            text,
            "  \"{}\" [label=\"{}\", color={}];",
            TaskId::from(task.id),
            DotText(&label),
            color(task.state)
        )?;
    }
    for &(from, to) in &graph.edges {
        writeln!(
            text,
            "  \"{}\" -> \"{}\";",
            TaskId::from(from),
            TaskId::from(to)
        )?;
    }
    writeln!(text, "}}")
}

fn write_json(text: &mut String, graph: &Graph) -> fmt::Result {
    text.write_str("{\"nodes\":[")?;
    for (k, task) in graph.tasks.iter().enumerate() {
        separate(text, k)?;
        write!(
            text,
            "{{\"id\":\"{}\",\"name\":\"{}\",\"key\":",
            TaskId::from(task.id),
            JsonText(&task.name)
        )?;
        write_text_or_null(text, task.key.as_ref().map(ToString::to_string).as_deref())?;
        write!(
            text,
            ",\"status\":\"{}\",\"priority\":{},\"group\":",
            word(task.state),
            task.priority
        )?;
        write_text_or_null(text, task.group.as_deref())?;
        text.write_char('}')?;
    }
    text.write_str("],\"edges\":[")?;
    for (k, &(from, to)) in graph.edges.iter().enumerate() {
        separate(text, k)?;
        let (from, to) = (TaskId::from(from), TaskId::from(to));
        write!(text, "{{\"from\":\"{from}\",\"to\":\"{to}\"}}")?;
    }
    write!(
        text,
        "],\"nodes_left_out\":{},\"edges_left_out\":{}}}",
        graph.tasks_left_out, graph.edges_left_out
    )
}

/// A line a member: a dump is read by people too.
fn separate(text: &mut String, before: usize) -> fmt::Result {
    text.write_str(if before == 0 { "\n" } else { ",\n" })
}

fn write_text_or_null(text: &mut String, value: Option<&str>) -> fmt::Result {
    match value {
        Some(value) => write!(text, "\"{}\"", JsonText(value)),
        None => text.write_str("null"),
    }
}

fn word(state: State) -> &'static str {
    status_word(state.into())
}

fn color(state: State) -> &'static str {
    match state {
        State::Waiting => "gray",
        State::Queued => "blue",
        State::Running => "orange",
        State::Finished => "green",
        State::Failed => "red",
        State::Cancelled => "black",
    }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// A text between the quotes of a DOT label, which has names for the quote, the backslash and the end of a line alone:
/// other control characters are shown as the one for what cannot be shown.
struct DotText<'a>(&'a str);

impl fmt::Display for DotText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                c if c.is_control() => f.write_char(char::REPLACEMENT_CHARACTER)?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// A text between the quotes of a JSON string.
struct JsonText<'a>(&'a str);

impl fmt::Display for JsonText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                c if c < ' ' => write!(f, "\\u{:04x}", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}
