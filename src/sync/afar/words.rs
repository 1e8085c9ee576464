//! What is asked about things that are shared by name, and what is answered: plain data.

/// What is asked of who has what is shared by name. Things are named by the number that they were opened under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Opens the queue of this name, of items of type `holds`.
    Queue {
        /// Its name.
        name: String,
        /// The type of its items.
        holds: String,
        /// Its bound; 0 is none.
        capacity: u64,
    },
    /// Opens the variable of this name.
    Variable {
        /// Its name.
        name: String,
        /// The type of its value.
        holds: String,
    },
    /// Opens the topic of this name.
    Topic {
        /// Its name.
        name: String,
        /// The type of its messages.
        holds: String,
    },
    /// Opens the semaphore of this name.
    Semaphore {
        /// Its name.
        name: String,
        /// How many it has.
        permits: u64,
    },
    /// Opens the event of this name.
    Event {
        /// Its name.
        name: String,
    },
    /// Opens the barrier of this name.
    Barrier {
        /// Its name.
        name: String,
        /// For how many it is.
        parties: u64,
    },
    /// Deletes a thing: waits there end, and its name is free.
    Delete {
        /// Its number.
        thing: u64,
    },
    /// Puts the item.
    Put {
        /// The queue.
        queue: u64,
        /// For room.
        waits: bool,
    },
    /// Takes items: one or more, at most so many.
    Get {
        /// The queue.
        queue: u64,
        /// How many.
        most: u64,
        /// For one.
        waits: bool,
    },
    /// How is this queue?
    Look {
        /// The queue.
        queue: u64,
    },
    /// Closes a queue.
    Close {
        /// The queue.
        queue: u64,
    },
    /// Sets a variable to the item.
    Set {
        /// The variable.
        variable: u64,
    },
    /// The value, once it is newer than this version.
    Changed {
        /// The variable.
        variable: u64,
        /// The version that is known.
        since: u64,
        /// Until it is.
        waits: bool,
    },
    /// How often was it set?
    Version {
        /// The variable.
        variable: u64,
    },
    /// Takes so many of these locks.
    Lock {
        /// Their names, each once.
        names: Vec<String>,
        /// How many.
        need: u64,
        /// Until they are free.
        waits: bool,
    },
    /// Has anybody this lock?
    IsLocked {
        /// Its name.
        name: String,
    },
    /// Takes permits.
    Acquire {
        /// The semaphore.
        semaphore: u64,
        /// How many.
        permits: u64,
        /// Until they are free.
        waits: bool,
    },
    /// Gives back permits of guards that were forgotten.
    Release {
        /// The semaphore.
        semaphore: u64,
        /// How many.
        permits: u64,
    },
    /// How many permits are free?
    Available {
        /// The semaphore.
        semaphore: u64,
    },
    /// Sets or clears an event.
    Signal {
        /// The event.
        event: u64,
        /// Sets.
        set: bool,
    },
    /// Is it set?
    IsSet {
        /// The event.
        event: u64,
    },
    /// Waits until it is set.
    Await {
        /// The event.
        event: u64,
    },
    /// Waits until all parties are there.
    Arrive {
        /// The barrier.
        barrier: u64,
    },
    /// How many parties are there?
    Waiting {
        /// The barrier.
        barrier: u64,
    },
    /// Publishes the item as a message.
    Tell {
        /// The topic.
        topic: u64,
    },
    /// Subscribes.
    Subscribe {
        /// The topic.
        topic: u64,
        /// How many messages are kept for it.
        buffer: u64,
    },
    /// The first message at or after this number.
    Message {
        /// The number of the ask that subscribed.
        subscriber: u64,
        /// The number of the message.
        from: u64,
        /// Until there is one.
        waits: bool,
    },
    /// The newest messages.
    History {
        /// The topic.
        topic: u64,
    },
    /// How many have subscribed?
    Subscribers {
        /// The topic.
        topic: u64,
    },
    /// Is there a topic of this name?
    IsTopic {
        /// Its name.
        name: String,
    },
    /// Publishes the handle that is the item.
    Publish {
        /// The name.
        name: String,
        /// The type of the task's result.
        holds: String,
        /// Also if something is published under the name.
        replaces: bool,
    },
    /// The handle that is published under this name.
    Published {
        /// The name.
        name: String,
        /// The type of the task's result.
        holds: String,
    },
    /// Lets it go.
    Unpublish {
        /// The name.
        name: String,
    },
    /// Under which names are handles published?
    PublishedNames,
    /// Of the ask of this number: its wait is over, if it is still under way. This and what follows has no answer.
    Cancel,
    /// Of the ask of this number: what it gave is the asker's now.
    Keep,
    /// Of the ask of this number: what it gave goes back.
    Return,
    /// Of the ask of this number: the permits that it gave are away until they are released.
    Forget,
}

/// An item that goes with an ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentItem {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The tickets of the handles in it, as [`tickets`](crate::driver::tickets) gives them. The other side is to want these
    /// tasks.
    pub handles: Vec<u64>,
}

/// An item that comes with an answer.
#[cfg(feature = "task")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CameItem {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The tasks of the handles in it.
    pub handles: Vec<crate::driver::RemoteId>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// It is done.
    Done,
    /// The thing has this number.
    Opened {
        /// Its number.
        thing: u64,
    },
    /// It cannot be had.
    Refused(Refusal),
    /// Nothing more will come.
    Closed,
    /// The wait was cancelled, or there was to be none.
    TimedOut,
    /// No item is there.
    Empty,
    /// No room is there.
    Full,
    /// The items.
    Items,
    /// The value is the item.
    Value {
        /// Its version.
        version: u64,
    },
    /// How a queue is.
    Queue {
        /// Items in it.
        len: u64,
        /// It takes no more.
        closed: bool,
    },
    /// So many.
    Number(u64),
    /// Yes or no.
    Flag(bool),
    /// Texts.
    Texts(Vec<String>),
    /// These locks are held now.
    Locked {
        /// Their places among those that were asked for.
        which: Vec<u32>,
    },
    /// The permits are held now.
    Acquired,
    /// Fewer permits are missing than were to be released.
    NotMissing {
        /// How many are.
        most: u64,
    },
    /// All parties were there.
    Met {
        /// This one came last.
        leader: bool,
        /// How often they had been there before.
        generation: u64,
    },
    /// It has subscribed.
    Subscribed {
        /// The number of the next message.
        next: u64,
    },
    /// The messages are the items.
    Messages {
        /// Of each its number, when it was published (nanoseconds since 1970), and how many were lost before it.
        of: Vec<(u64, u64, u64)>,
    },
    /// It cannot be sent; the text says why.
    TooLarge(String),
    /// It makes no sense; the text says why.
    Nonsense(String),
}

/// Why something could not be had by a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nothing can be had any more.
    Closed,
    /// It holds another type.
    OtherType {
        /// Which.
        holds: String,
    },
    /// It has another capacity.
    OtherCapacity {
        /// Which.
        has: u64,
    },
    /// It has another number of permits or parties.
    OtherNumber {
        /// How many.
        has: u64,
    },
    /// Something is published under the name.
    Taken,
    /// Nothing is published under the name.
    Unknown,
}

impl Told {
    /// Whether who asked has to say `Keep` or `Return`: items of a queue, handles, locks, permits and a subscription.
    pub(crate) fn gives(&self, items: &[super::Parcel]) -> bool {
        self.gives_of(items.iter().any(super::Parcel::has_handles))
    }

    /// As `gives`, for who knows whether there are handles in the items.
    pub fn gives_of(&self, handles: bool) -> bool {
        match self {
            Self::Items | Self::Locked { .. } | Self::Acquired | Self::Subscribed { .. } => true,
            _ => handles,
        }
    }
}
