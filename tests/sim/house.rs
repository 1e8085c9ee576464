//! A simulated house: keeps handles that clients share, hands them to those who ask, and lets go of each when who was given it
//! has said that it wants it, or is gone.

use bytes::Bytes;
use tenter::net::message::{PeerId, TaskId};
use tenter::net::scheduler::{Effect, Stimulus};

/// What a client says to the house: one byte, and a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// Keep what is mentioned, the reference of which is this.
    Share(u64),
    /// Give me one.
    Take,
    /// I want what was given to me under this number.
    Got(u64),
}

impl Word {
    pub(crate) fn bytes(self) -> Bytes {
        let (kind, number) = match self {
            Self::Share(number) => (0, number),
            Self::Take => (1, 0),
            Self::Got(number) => (2, number),
        };
        let mut bytes = vec![kind];
        bytes.extend(u64::to_le_bytes(number));
        bytes.into()
    }

    fn read(bytes: &Bytes) -> Self {
        let number = u64::from_le_bytes(bytes[1..9].try_into().expect("nine bytes"));
        match bytes[0] {
            0 => Self::Share(number),
            1 => Self::Take,
            _ => Self::Got(number),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct House {
    items: Vec<(TaskId, u64)>,
    /// Given to somebody who has not said yet that it wants it.
    given: Vec<(PeerId, u64, TaskId)>,
    next: u64,
    is_closed: bool,
}

impl House {
    /// What the house does when the scheduler tells it something.
    pub(crate) fn hear(&mut self, effect: &Effect) -> Vec<Stimulus> {
        match effect {
            Effect::Coordinate {
                from,
                request,
                body,
                mentions,
            } => match Word::read(body) {
                Word::Share(_) if self.is_closed => vec![Stimulus::LetGo {
                    tasks: mentions.clone(),
                }],
                Word::Share(node) => {
                    self.items.extend(mentions.iter().map(|&task| (task, node)));
                    Vec::new()
                }
                Word::Take => self.give(*from, *request).into_iter().collect(),
                Word::Got(number) => self.end(|&(_, its, _)| its == number),
            },
            Effect::PeerGone(peer) => self.end(|(its, ..)| its == peer),
            Effect::ToWorker(..) | Effect::ToClient(..) | Effect::Disconnect(..) => Vec::new(),
        }
    }

    /// Gives the oldest handle away.
    fn give(&mut self, to: PeerId, request: u64) -> Option<Stimulus> {
        if self.items.is_empty() {
            return None;
        }
        let (task, node) = self.items.remove(0);
        self.next += 1;
        self.given.push((to, self.next, task));
        let mut body = node.to_le_bytes().to_vec();
        body.extend(self.next.to_le_bytes());
        Some(Stimulus::Answer {
            to,
            request,
            body: body.into(),
            mentions: vec![task],
        })
    }

    fn end(&mut self, ends: impl Fn(&(PeerId, u64, TaskId)) -> bool) -> Vec<Stimulus> {
        let ended = self.given.extract_if(.., |given| ends(given));
        let tasks: Vec<TaskId> = ended.map(|(.., task)| task).collect();
        if tasks.is_empty() {
            return Vec::new();
        }
        vec![Stimulus::LetGo { tasks }]
    }

    /// The house closes: it keeps nothing any more.
    pub(crate) fn let_everything_go(&mut self) -> Stimulus {
        self.is_closed = true;
        let given = std::mem::take(&mut self.given);
        let items = std::mem::take(&mut self.items);
        let given = given.into_iter().map(|(.., task)| task);
        Stimulus::LetGo {
            tasks: items
                .into_iter()
                .map(|(task, _)| task)
                .chain(given)
                .collect(),
        }
    }
}

/// The reference and the number of what was given.
pub(crate) fn given(body: &Bytes) -> (usize, u64) {
    let number = |at: usize| u64::from_le_bytes(body[at..at + 8].try_into().expect("eight bytes"));
    (number(0) as usize, number(8))
}
