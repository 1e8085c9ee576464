//! A wait that holds no thread.

use std::sync::Arc;

use super::Engine;

/// Somebody waits without a thread: there is no record of it, but it is counted, and the monitor looks on meanwhile.
#[derive(Debug)]
pub(crate) struct AsyncWait(Arc<Engine>);

impl AsyncWait {
    pub(crate) fn begin(engine: &Arc<Engine>) -> Self {
        engine.waits.count_async(true);
        engine.monitor.watch(engine);
        Self(Arc::clone(engine))
    }
}

impl Drop for AsyncWait {
    fn drop(&mut self) {
        self.0.waits.count_async(false);
    }
}
