//! What peers say to a scheduler, from bytes: any bytes are a sequence of joins, words, silences and ends. Most of what is said
//! makes sense, so that it gets far; some of it does not. The machine is checked after every step.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use tenter::net::message::*;
use tenter::net::scheduler::{Config, Effect, Machine, Stimulus};

/// Names of functions, of which a worker may lack some.
const FUNCTIONS: [&str; 3] = ["f", "g", "h"];
const HOSTS: [&str; 2] = ["h0", "h1"];
const MOST_PEERS: usize = 12;

/// When something happens, and what.
pub(crate) type Said = Vec<(u64, Stimulus)>;

/// A machine whose small limits are soon reached.
fn machine() -> Machine {
    Machine::new(Config {
        lineage_limit: 4,
        remember: 2,
        no_workers_us: Some(20_000_000),
        ..Config::default()
    })
}

/// Has a machine hear what these bytes say, and lists it in `said`.
///
/// # Panics
/// If the machine does, if one of its invariants is broken, or if it does what it never may.
pub(crate) fn play(bytes: &[u8], said: &mut Said) {
    let mut world = World::new(bytes, said);
    while world.step().is_some() {}
}

/// Has a machine hear just this.
///
/// # Panics
/// If the machine does, or if one of its invariants is broken.
pub(crate) fn replay(said: &Said) {
    let mut machine = machine();
    for (now_us, stimulus) in said {
        machine.handle(*now_us, stimulus.clone(), &mut Vec::new());
        machine.check();
    }
}

/// What is said, byte by byte; `None` at the end.
struct Script<'a>(&'a [u8]);

impl Script<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    fn below(&mut self, n: usize) -> Option<usize> {
        Some(usize::from(self.byte()?) % n)
    }

    fn one_in(&mut self, n: usize) -> Option<bool> {
        Some(self.below(n)? == n - 1)
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> Option<Option<T>> {
        let at = self.byte()?;
        let place = usize::from(at).checked_rem(from.len());
        Some(place.map(|place| from[place]))
    }
}

struct Peer {
    id: PeerId,
    is_worker: bool,
    is_here: bool,
    next_ticket: u64,
    /// It has defined functions and kinds.
    has_kinds: bool,
    runs: Vec<Run>,
}

struct World<'a> {
    script: Script<'a>,
    said: &'a mut Said,
    machine: Machine,
    now_us: u64,
    peers: Vec<Peer>,
    tasks: Vec<TaskId>,
    data: Vec<Run>,
    /// Wants of who coordinates, those included that it has let go.
    grips: Vec<TaskId>,
    assigned: HashSet<Run>,
}

impl<'a> World<'a> {
    fn new(bytes: &'a [u8], said: &'a mut Said) -> Self {
        Self {
            script: Script(bytes),
            said,
            machine: machine(),
            now_us: 0,
            peers: Vec::new(),
            tasks: Vec::new(),
            data: Vec::new(),
            grips: Vec::new(),
            assigned: HashSet::new(),
        }
    }

    fn step(&mut self) -> Option<()> {
        self.now_us += self.script.below(64)? as u64;
        let stimulus = match self.script.below(24)? {
            0 => self.a_worker_joins()?,
            1 => self.a_client_joins()?,
            2 => self.one_goes()?,
            3 => {
                self.now_us += self.script.byte()? as u64 * 50_000;
                Some(Stimulus::Tick)
            }
            4 => Some(self.the_house_speaks()?),
            5..14 => self.a_client_speaks()?,
            _ => self.a_worker_speaks()?,
        };
        if let Some(stimulus) = stimulus {
            self.tell(stimulus);
        }
        Some(())
    }

    fn ids(&self) -> Vec<PeerId> {
        self.peers.iter().map(|peer| peer.id).collect()
    }

    fn tell(&mut self, stimulus: Stimulus) {
        let mut out = Vec::new();
        self.said.push((self.now_us, stimulus.clone()));
        self.machine.handle(self.now_us, stimulus, &mut out);
        self.machine.check();
        out.into_iter().for_each(|effect| self.see(effect));
    }

    fn see(&mut self, effect: Effect) {
        match effect {
            Effect::ToWorker(id, words) => {
                let peer = &mut self.peers[id.0 as usize];
                assert!(peer.is_worker, "{words:?} to {id}");
                if let ToWorker::Assign(assign) = words {
                    assert!(self.assigned.insert(assign.run), "sent twice: {assign:?}");
                    peer.runs.push(assign.run);
                    self.tasks.push(assign.run.task);
                    self.data.push(assign.run);
                }
            }
            Effect::ToClient(id, words) => {
                let peer = &self.peers[id.0 as usize];
                assert!(!peer.is_worker, "{words:?} to {id}");
                if let ToClient::Put { data, .. } = words {
                    self.data.push(data);
                }
            }
            Effect::Disconnect(id, reason) => {
                assert!(!reason.is_empty() && !reason.contains('\n'), "{reason:?}");
                self.peers[id.0 as usize].is_here = false;
            }
            Effect::Coordinate { mentions, .. } => self.grips.extend(mentions),
            Effect::PeerGone(_) => {}
        }
    }

    fn new_peer(&mut self, is_worker: bool) -> Option<PeerId> {
        let here = self.peers.iter().filter(|peer| peer.is_here).count();
        let id = PeerId(self.peers.len() as u32);
        let room = here < MOST_PEERS;
        room.then(|| {
            self.peers.push(Peer {
                id,
                is_worker,
                is_here: true,
                next_ticket: 1,
                has_kinds: false,
                runs: Vec::new(),
            });
            id
        })
    }

    fn a_worker_joins(&mut self) -> Option<Option<Stimulus>> {
        let (slots, lacks) = (self.script.below(4)?, self.script.below(6)?);
        let functions = FUNCTIONS.iter().enumerate().filter(|&(k, _)| k != lacks);
        let hello = WorkerHello {
            slots: slots as u32,
            host: HOSTS[self.script.below(2)?].into(),
            resources: vec![("gpu".into(), self.script.below(3)? as u64)],
            functions: functions.map(|(_, name)| function(name)).collect(),
            ..WorkerHello::default()
        };
        let id = self.new_peer(true);
        Some(id.map(|id| Stimulus::WorkerJoined(id, Box::new(hello))))
    }

    fn a_client_joins(&mut self) -> Option<Option<Stimulus>> {
        let limit = self.script.below(4)? as u64;
        let hello = ClientHello {
            lineage_limit: (limit < 3).then_some(limit),
            ..ClientHello::default()
        };
        let id = self.new_peer(false);
        Some(id.map(|id| Stimulus::ClientJoined(id, hello)))
    }

    fn one_goes(&mut self) -> Option<Option<Stimulus>> {
        let id = self.script.pick(&self.ids())?;
        Some(id.map(|id| {
            self.peers[id.0 as usize].is_here = false;
            Stimulus::Gone(id)
        }))
    }

    fn one_of(&mut self, workers: bool) -> Option<Option<usize>> {
        let odd = self.script.one_in(64)?;
        let fits = |peer: &Peer| (peer.is_worker == workers && peer.is_here) || odd;
        let some: Vec<usize> = (0..self.peers.len())
            .filter(|&place| fits(&self.peers[place]))
            .collect();
        self.script.pick(&some)
    }

    /// Who coordinates answers somebody, or lets go.
    fn the_house_speaks(&mut self) -> Option<Stimulus> {
        let tasks = (0..self.script.below(3)?)
            .map(|_| self.script.pick(&self.grips))
            .collect::<Option<Vec<_>>>()?;
        let tasks = tasks.into_iter().flatten().collect();
        if self.script.one_in(2)? {
            return Some(Stimulus::LetGo { tasks });
        }
        Some(Stimulus::Answer {
            to: self.peer_id()?,
            request: 1,
            body: Bytes::new(),
            mentions: tasks,
        })
    }

    fn a_client_speaks(&mut self) -> Option<Option<Stimulus>> {
        let Some(place) = self.one_of(false)? else {
            return Some(None);
        };
        let words = self.words_of_client(place)?;
        let id = self.peers[place].id;
        Some(Some(Stimulus::FromClient(id, words)))
    }

    /// Says what its numbers stand for, once.
    fn define(&mut self, place: usize) {
        let peer = &mut self.peers[place];
        if std::mem::replace(&mut peer.has_kinds, true) {
            return;
        }
        let (id, is_worker) = (peer.id, peer.is_worker);
        let functions = FUNCTIONS.map(|name| Define::Function(function(name)));
        let kinds = kinds().into_iter().map(|kind| Define::Kind(kind.into()));
        for define in functions.into_iter().chain(kinds) {
            let words = FromClient::Define(define);
            self.tell(if is_worker {
                Stimulus::FromWorker(id, FromWorker::Client(words))
            } else {
                Stimulus::FromClient(id, words)
            });
        }
    }

    fn ticket(&mut self, place: usize) -> Option<Ticket> {
        let next = self.peers[place].next_ticket;
        if self.script.one_in(64)? {
            return Some(Ticket(self.script.byte()?.into()));
        }
        Some(Ticket(
            next.saturating_sub(1 + self.script.below(16)? as u64),
        ))
    }

    fn tickets(&mut self, place: usize) -> Option<Vec<Ticket>> {
        (0..self.script.below(4)?)
            .map(|_| self.ticket(place))
            .collect()
    }

    fn new_ticket(&mut self, place: usize) -> Option<Ticket> {
        if self.script.one_in(128)? {
            return self.ticket(place);
        }
        let next = &mut self.peers[place].next_ticket;
        *next += 1;
        Some(Ticket(*next - 1))
    }

    fn task(&mut self) -> Option<TaskId> {
        let known = self.script.pick(&self.tasks)?;
        if self.script.one_in(16)? || known.is_none() {
            let (slot, generation) = (self.script.below(32)?, self.script.below(3)?);
            return Some(TaskId {
                slot: slot as u32,
                generation: generation as u32,
            });
        }
        known
    }

    fn input(&mut self, place: usize) -> Option<Input> {
        Some(if self.script.one_in(4)? {
            Input::Task(self.task()?)
        } else {
            Input::Ticket(self.ticket(place)?)
        })
    }

    fn inputs(&mut self, place: usize, most: usize) -> Option<Vec<Input>> {
        (0..self.script.below(most)?)
            .map(|_| self.input(place))
            .collect()
    }

    fn any_data(&mut self) -> Option<Run> {
        if let Some(run) = self.script.pick(&self.data)? {
            return Some(run);
        }
        let (task, attempt) = (self.task()?, self.script.below(4)? as u32);
        Some(Run { task, attempt })
    }

    fn peer_id(&mut self) -> Option<PeerId> {
        Some(self.script.pick(&self.ids())?.unwrap_or(PeerId(7)))
    }

    fn words_of_client(&mut self, place: usize) -> Option<FromClient> {
        self.define(place);
        let ticket = self.ticket(place)?;
        Some(match self.script.below(21)? {
            0..6 => self.a_submit(place)?,
            6 => FromClient::SubmitMany(SubmitMany {
                first_ticket: self.new_ticket(place)?,
                kind: self.kind()?,
                // One ticket for all of them: the others collide sooner or later.
                args: vec![Bytes::new(); self.script.below(2)?],
            }),
            7 => FromClient::Want {
                ticket: self.new_ticket(place)?,
                task: self.task()?,
            },
            8 | 9 => FromClient::Release {
                tickets: self.tickets(place)?,
            },
            10 => FromClient::Detach {
                tickets: self.tickets(place)?,
            },
            11 => FromClient::Cancel {
                tickets: self.tickets(place)?,
            },
            12 => FromClient::Fetch { ticket },
            13 => FromClient::FetchFailed {
                ticket,
                data: self.any_data()?,
                holder: self.peer_id()?,
                absent: self.script.one_in(2)?,
            },
            14 => self.a_scatter(place)?,
            15 => FromClient::PutFailed {
                ticket,
                data: self.any_data()?,
            },
            16 => FromClient::Retry {
                ticket: self.new_ticket(place)?,
                of: ticket,
            },
            17 => FromClient::Replicate {
                ticket,
                copies: self.script.byte()?.into(),
            },
            18 => self.a_question(ticket)?,
            19 => FromClient::Watch {
                tickets: self.tickets(place)?,
            },
            _ if self.script.one_in(8)? => FromClient::Retire {
                worker: self.peer_id()?,
            },
            _ => FromClient::Coordinate {
                request: 1,
                body: Bytes::new(),
                mentions: self.inputs(place, 3)?,
            },
        })
    }

    fn kind(&mut self) -> Option<u32> {
        let known = kinds().len();
        // Now and then one that was not defined.
        let odd = self.script.one_in(128)?;
        Some((self.script.below(known)? + usize::from(odd) * known) as u32)
    }

    fn a_submit(&mut self, place: usize) -> Option<FromClient> {
        let keyed = self.script.one_in(4)?;
        let key = TaskKey {
            text: ["a", "b", "c"][self.script.below(3)?].into(),
            kin: u64::from(self.script.one_in(8)?),
        };
        Some(FromClient::Submit(Submit {
            kind: self.kind()?,
            key: keyed.then_some(key),
            args: Bytes::new(),
            inputs: self.inputs(place, 4)?,
            mentions: self.inputs(place, 2)?,
            ticket: self.new_ticket(place)?,
        }))
    }

    fn a_scatter(&mut self, place: usize) -> Option<FromClient> {
        let data = match self.script.below(3)? {
            0 => Scattered::Inline(Bytes::from_static(b"data")),
            _ => Scattered::Sized(1 << 20),
        };
        let on = self.script.below(6)?;
        Some(FromClient::Scatter {
            ticket: self.new_ticket(place)?,
            name: String::new(),
            data,
            on: HOSTS.get(on).map(|&host| host.into()).into_iter().collect(),
            mentions: self.inputs(place, 2)?,
        })
    }

    fn a_question(&mut self, ticket: Ticket) -> Option<FromClient> {
        let question = match self.script.below(4)? {
            0 => Question::Explain(ticket),
            1 => Question::WhoHas(ticket),
            2 => Question::TaskIdOf(ticket),
            _ => Question::Workers,
        };
        Some(FromClient::Ask {
            request: 1,
            question,
        })
    }

    fn a_worker_speaks(&mut self) -> Option<Option<Stimulus>> {
        let Some(place) = self.one_of(true)? else {
            return Some(None);
        };
        let words = self.words_of_worker(place)?;
        let id = self.peers[place].id;
        Some(Some(Stimulus::FromWorker(id, words)))
    }

    fn run_of(&mut self, place: usize, ends: bool) -> Option<Run> {
        let odd = self.script.one_in(16)?;
        let count = self.peers[place].runs.len();
        if odd || count == 0 {
            return self.any_data();
        }
        let at = self.script.below(count)?;
        Some(if ends && !self.script.one_in(16)? {
            self.peers[place].runs.swap_remove(at)
        } else {
            self.peers[place].runs[at]
        })
    }

    fn runs_of(&mut self, place: usize) -> Option<Vec<Run>> {
        (0..self.script.below(3)?)
            .map(|_| self.run_of(place, false))
            .collect()
    }

    fn words_of_worker(&mut self, place: usize) -> Option<FromWorker> {
        Some(match self.script.below(24)? {
            0..3 => FromWorker::Started {
                run: self.run_of(place, false)?,
            },
            3..11 => FromWorker::Done(self.done(place)?),
            11 => FromWorker::Failed {
                run: self.run_of(place, true)?,
                failure: self.failure()?,
            },
            12 => FromWorker::Cancelled {
                run: self.run_of(place, true)?,
            },
            13 => self.missing(place)?,
            14 => FromWorker::Returned {
                runs: self.runs_of(place)?,
                kept: self.runs_of(place)?,
            },
            15 => FromWorker::Slots {
                delta: self.script.below(5)? as i32 - 2,
            },
            16 | 17 => FromWorker::Stored {
                data: self.any_data()?,
                bytes: 1 << 20,
            },
            18 => FromWorker::NotCopied {
                data: self.any_data()?,
            },
            19 if self.script.one_in(8)? => FromWorker::Leaving,
            20..23 => FromWorker::Client(self.words_of_client(place)?),
            _ => FromWorker::Slots { delta: 0 },
        })
    }

    fn done(&mut self, place: usize) -> Option<Done> {
        let result = match self.script.below(4)? {
            0 => Finished::Held { bytes: 1 << 20 },
            1 => Finished::Inline(vec![1; PUSH_LIMIT + 1].into()),
            _ => Finished::Inline(Bytes::from_static(b"r")),
        };
        let mentions = if self.script.one_in(8)? {
            self.inputs(place, 3)?
        } else {
            Vec::new()
        };
        Some(Done {
            run: self.run_of(place, true)?,
            result,
            mentions,
            run_us: u32::from(self.script.byte()?) * 1000,
            lay_us: 0,
        })
    }

    fn failure(&mut self) -> Option<Arc<Failure>> {
        let kinds = [
            FailureKind::Error,
            FailureKind::Panicked,
            FailureKind::TimedOut,
            FailureKind::Cancelled,
            FailureKind::UnknownFunction,
            FailureKind::Reschedule,
            FailureKind::Encoding,
            FailureKind::DataLost,
        ];
        Some(Arc::new(Failure {
            kind: kinds[self.script.below(kinds.len())?],
            task: "f".into(),
            submitted_at: String::new(),
            text: "it did not work".into(),
            causes: Vec::new(),
        }))
    }

    fn missing(&mut self, place: usize) -> Option<FromWorker> {
        let run = self.run_of(place, true)?;
        let data = (0..self.script.below(3)?)
            .map(|_| Some((self.any_data()?, self.peer_id()?, self.script.one_in(2)?)))
            .collect::<Option<_>>()?;
        Some(FromWorker::Missing(Missing { run, data }))
    }
}

fn function(name: &str) -> FunctionInfo {
    FunctionInfo {
        name: name.into(),
        signature: 1,
    }
}

/// Kinds of tasks: each option once, and one that no worker can run.
fn kinds() -> Vec<KindOfTask> {
    let plain = KindOfTask::default;
    let gpus = |count| vec![("gpu".to_owned(), count)];
    vec![
        plain(),
        KindOfTask {
            function: 1,
            ..plain()
        },
        KindOfTask {
            retries: Some(1),
            function: 2,
            ..plain()
        },
        KindOfTask {
            pure: true,
            ..plain()
        },
        KindOfTask {
            resources: gpus(1),
            ..plain()
        },
        KindOfTask {
            resources: gpus(3),
            ..plain()
        },
        KindOfTask {
            on: vec![HOSTS[0].into()],
            ..plain()
        },
        KindOfTask {
            prefer: vec![HOSTS[1].into()],
            priority: 3,
            ..plain()
        },
        KindOfTask {
            timeout_ms: 1,
            retries: Some(0),
            ..plain()
        },
    ]
}
